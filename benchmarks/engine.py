"""What a look at a model costs, beside a plain forward and beside torchinfo.

    python benchmarks/engine.py

Every ratio is taken between CPU times of one run of this script, the two sides in turn, so that a
machine whose speed drifts compares like with like. Each peak of memory is that of a process of its
own, the imports included. How many architectures of transformers are exact is what `make corpus`
prints; with `ARCHITECTURES="gpt2 t5"` before it, of these alone.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torchinfo
from torch import Tensor, nn

from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.forward import nodes_as_called, run_forward
from nninspect.engine.inputs import make_arguments
from nninspect.engine.layers import Evidence
from nninspect.engine.load import load
from nninspect.engine.structure import count_parameters, walk
from nninspect.engine.tree import layer_tree

CPU, META = torch.device("cpu"), torch.device("meta")
CONFIGS = Path(__file__).parent.parent / "tests" / "data"

INCLUDED = """
forward    the model alone
record     the forward with every call, op, shape and edge
look       record, and the counts and rows of the tree; nothing of finding an input
structure  modules, parameters and buffers, without a forward
torchinfo  its summary, which has neither ops nor edges
peak       a process that imports, builds and looks
"""


class Expert(nn.Module):
    """Two layers, an activation and a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(torch.relu(self.up(x)))
        return y + x


class Experts(nn.Module):
    """Groups of 64 experts, called one after another."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            nn.ModuleList(Expert() for _ in range(64)) for _ in range(groups)
        )

    def forward(self, x: Tensor) -> Tensor:
        for group in self.groups:
            for expert in group.children():
                x = expert(x)
        return x


def chain(depth: int) -> nn.Module:
    """Modules nested that deep."""
    model: nn.Module = nn.Linear(4, 4)
    for _ in range(depth):
        model = nn.Sequential(model)
    return model


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def look(model: nn.Module, x: Tensor) -> None:
    """Shapes, ops, edges, counts: everything but torchinfo."""
    forward = run_forward(model, ((x,), {}))
    nodes = nodes_as_called(model, forward.recorder)
    count_parameters(nodes)
    recorder = forward.recorder
    evidence = Evidence(recorder.calls, recorder.ops, recorder.dataflow.edges, finished=True)
    layer_tree(nodes, evidence)


def record(model: nn.Module, x: Tensor) -> None:
    """Shapes, ops and edges."""
    run_forward(model, ((x,), {}))


def summarise(model: nn.Module, x: Tensor) -> None:
    """The same by torchinfo."""
    torchinfo.summary(model, input_data=[x], verbose=0, depth=100)


def ratio(mine: Callable[[], object], theirs: Callable[[], object], runs: int = 15) -> float:
    """The median of the ratios of runs taken in turn."""
    mine(), theirs()
    return statistics.median(seconds(mine) / max(seconds(theirs), 1e-9) for _ in range(runs))


def row(what: str, figure: str, target: str, peer: str = "") -> None:
    print(f"{what:<44}{figure:>10}  {target:<12}{peer}".rstrip())


def small_model(name: str) -> None:
    loaded = load(name)
    (x,), _ = make_arguments(loaded.card.inputs, CPU)  # type: ignore[union-attr]
    model = loaded.model.eval()
    alone = ratio(lambda: record(model, x), lambda: model(x))
    plain = ratio(lambda: look(model, x), lambda: model(x))
    peer = ratio(lambda: summarise(model, x), lambda: model(x))
    row(f"record {name} / its forward", f"{alone:.1f}x", "")
    row(f"look at {name} / its forward", f"{plain:.1f}x", "3x", f"torchinfo {peer:.1f}x")


def large_model(groups: int) -> float:
    """Print its ratio; the seconds that the look took."""
    model, x = Experts(groups), torch.randn(1, 8)
    model(x)
    took, plain = seconds(lambda: look(model, x)), seconds(lambda: model(x))
    modules = sum(1 for _ in model.modules())
    row(f"look at {modules:,} modules / their forward", f"{took / plain:.1f}x", "")
    return took


def large_models() -> None:
    small, large = large_model(104), large_model(312)
    row("growth from 20k to 60k modules", f"{large / small:.1f}x", "3.3x")
    model = Experts(390)
    took = seconds(lambda: count_parameters(walk(model)))
    modules = sum(1 for _ in model.modules())
    row(f"structure of {modules:,} modules", f"{took:.2f} s", "0.4 s")


def dry_look(model: nn.Module, x: Tensor) -> None:
    """A look on meta, nothing known of the shapes when it begins."""
    with Lenient():
        look(model, x)


def record_dry(model: nn.Module, x: Tensor) -> None:
    """Shapes, ops and edges on meta."""
    with Lenient() as lenient:
        run_forward(model, ((x,), {}), lenient=lenient)


def dry_model(name: str, model: nn.Module, x: Tensor, runs: int) -> None:
    found = ratio(lambda: record_dry(model, x), lambda: model(x), runs)
    peer = ratio(lambda: summarise(model, x), lambda: model(x), min(runs, 3))
    label = f"record {name} / its meta forward"
    row(label, f"{found:.2f}x", "0.5x (1.0x)", f"torchinfo {peer:.1f}x")


def dry_models() -> None:
    """On meta, where torchinfo runs a forward as well."""
    for name in ("resnet-small", "transformer-encoder", "inception-block"):
        loaded = load(name, on_meta=True)
        (x,), _ = make_arguments(loaded.card.inputs, META)  # type: ignore[union-attr]
        dry_model(name, loaded.model.eval(), x, 9)


def dense_experts() -> tuple[nn.Module, Tensor]:
    """75k modules on meta, all of them called."""
    with META:
        return Experts(390), torch.empty(1, 8)


def configured(name: str) -> tuple[nn.Module, Tensor]:
    """One of transformers from its config, and 128 tokens."""
    model = load(f"hf:{CONFIGS / name}", on_meta=True).model.eval()
    return model, torch.zeros(1, 128, dtype=torch.int64, device=META)


def largest_models() -> None:
    """In seconds: a plain forward on meta of the one takes as long as minutes of looks."""
    large: list[tuple[str, str, str, Callable[[], tuple[nn.Module, Tensor]]]] = [
        ("Llama-3.1-405B, 128 tokens", "0.5 s", "400 MiB", partial(configured, "llama-3.1-405b")),
        ("DeepSeek-V3, 128 tokens", "", "", partial(configured, "deepseek-v3")),
        ("75k modules, dense routing", "6 s", "900 MiB", dense_experts),
    ]
    for name, target, most, build in large:
        if isinstance(build, partial) and not importlib.util.find_spec("transformers"):
            row(f"record {name}", "-", target, "needs transformers: pip install -e '.[corpus]'")
            continue
        model, x = build()
        took, plain = seconds(partial(record_dry, model, x)), seconds(partial(model, x))
        row(f"record {name}", f"{took:.2f} s", target, f"forward {plain:.2f} s")
        looked, peer = seconds(partial(dry_look, model, x)), seconds(partial(summarise, model, x))
        row(f"look at {name}", f"{looked:.2f} s", "", f"torchinfo {peer:.2f} s")
        del model, x
        row(f"peak memory of {name}", f"{peak(build):.0f} MiB", most)


def peak(build: Callable[[], tuple[nn.Module, Tensor]]) -> float:
    """MiB of a fresh process that imports, builds and looks."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(partial(_peak, build))


def _peak(build: Callable[[], tuple[nn.Module, Tensor]]) -> float:
    with torch.no_grad():
        dry_look(*build())
    return _resident()


def _resident() -> float:
    """The most so far, in MiB. On Linux by the kernel's own mark, as the other one is inherited;
    macOS has that in bytes, others in KiB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2 ** (20 if sys.platform == "darwin" else 10)


def deep_models() -> None:
    model, x = chain(25), torch.randn(1, 4)
    took = statistics.median(seconds(lambda: look(model, x)) for _ in range(9))
    row("look at a chain 25 deep", f"{1000 * took:.1f} ms", "20 ms")
    model = chain(16)
    peer = ratio(lambda: summarise(model, x), lambda: look(model, x), runs=3)
    row("torchinfo at 16 deep / our look", f"{peer:.0f}x", "")


if __name__ == "__main__":
    row("what", "measured", "target", "peer")
    torch.set_num_threads(1)
    with torch.no_grad():
        for name in ("resnet-small", "transformer-encoder", "cnn-digits"):
            small_model(name)
        dry_models()
        deep_models()
        large_models()
        largest_models()
    print(INCLUDED.rstrip())
