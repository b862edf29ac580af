"""Modes that convert a model or its inputs: dtypes, autocast, channels_last, threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from nninspect.bench.modes import autocast as autocast_module
from nninspect.bench.modes import dtypes, instructions
from nninspect.bench.modes.mode import NotHere, Prepared, Subject
from nninspect.bench.modes.registry import mode_named
from nninspect.bench.modes.threads import fewer_threads
from nninspect.errors import BadInput

CPU = torch.device("cpu")


def prepared(
    name: str, model: nn.Module, *args: Tensor, device: torch.device = CPU, **kwargs: object
) -> Prepared:
    given = args or (torch.ones(2, 4),)
    return mode_named(name).prepare(Subject(model, (given, kwargs), device, threads=2))


def output(mode: Prepared) -> Tensor:
    assert mode.output is not None
    with mode.around():
        found = mode.output()
    assert isinstance(found, Tensor)
    return found


@pytest.fixture
def no_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(device: torch.device, dtype: str) -> str:
        return f"no {dtype} arithmetic" if instructions.lacks(dtype, frozenset({"sse"})) else ""

    monkeypatch.setattr(dtypes, "slow_dtype", lacking)
    monkeypatch.setattr(autocast_module, "slow_dtype", lacking)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64"])
def test_a_dtype_is_that_of_weights_inputs_and_output(name: str) -> None:
    mode = prepared(name, nn.Linear(4, 3))
    assert str(output(mode).dtype) == f"torch.{name}"
    assert mode.config == {"dtype": name}


def test_integers_and_complex_numbers_stay_what_they_are() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(5, 3)
            self.phase = nn.Parameter(torch.ones(3, dtype=torch.complex64))

        def forward(self, tokens: Tensor, more: dict[str, Tensor]) -> Tensor:
            assert more["scale"].dtype is torch.bfloat16
            assert self.phase.is_complex()
            return self.embed(tokens) * more["scale"]

    more = {"scale": torch.ones(3)}
    found = output(prepared("bfloat16", Net(), torch.tensor([1, 2]), more=more))
    assert found.dtype is torch.bfloat16


def test_without_a_float_there_is_no_dtype_to_change() -> None:
    model, x = nn.Linear(4, 3, dtype=torch.complex64), torch.ones(2, 4, dtype=torch.complex64)
    with pytest.raises(NotHere, match="nothing in it is of a floating dtype"):
        prepared("float16", model, x)


def test_a_missing_kernel_is_a_mode_that_can_not_run_here() -> None:
    class Lacking(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            raise RuntimeError("\"lu\" not implemented for 'Half'")

    with pytest.raises(NotHere, match=r"no float16 kernel on cpu: .*lu"):
        output(prepared("float16", Lacking(4, 3)))


def test_another_mistake_in_a_dtype_is_the_models_own() -> None:
    class Wrong(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            raise RuntimeError("expected m1 and m2 to have the same dtype")

    with pytest.raises(RuntimeError, match="same dtype"):
        output(prepared("float16", Wrong(4, 3)))


def test_autocast_computes_lower_and_leaves_the_weights() -> None:
    model = nn.Linear(4, 3)
    mode = prepared("autocast", model)
    assert output(mode).dtype is torch.bfloat16
    assert mode.config == {"autocast": "bfloat16"}
    assert model.weight.dtype is torch.float32
    assert not torch.is_autocast_enabled("cpu")


def test_autocast_takes_the_dtype_asked_for() -> None:
    assert output(prepared("autocast=float16", nn.Linear(4, 3))).dtype is torch.float16


def test_autocast_to_no_dtype_of_its_own_is_refused() -> None:
    with pytest.raises(BadInput, match="int8"):
        mode_named("autocast=int8")


def test_autocast_that_torch_would_silently_leave_out_can_not_run_here() -> None:
    with pytest.raises(NotHere, match="float32"):
        autocast_module._check("cpu", torch.float32)


@pytest.mark.usefixtures("no_instructions")
@pytest.mark.parametrize("name", ["bfloat16", "float16", "autocast", "autocast=float16"])
def test_a_dtype_that_the_processor_has_no_arithmetic_for_is_warned_of(name: str) -> None:
    (label,) = prepared(name, nn.Linear(4, 3)).labels
    assert "arithmetic" in label


@pytest.mark.usefixtures("no_instructions")
def test_float64_needs_no_instructions_of_its_own() -> None:
    assert prepared("float64", nn.Linear(4, 3)).labels == ()


@pytest.mark.parametrize(
    ("flags", "lacking"),
    [("sse avx2 avx512f", True), ("avx512f avx512_bf16", False), ("fp asimd bf16", False)],
)
def test_what_a_core_can_do_is_read_of_the_kernels_flags(
    flags: str, lacking: bool, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: amx_bf16\n")
    assert instructions.lacks("bfloat16", instructions.cpu_flags(path)) == lacking


def test_a_core_that_tells_nothing_lacks_nothing(tmp_path: Path) -> None:
    assert not instructions.lacks("bfloat16", instructions.cpu_flags(tmp_path / "none"))


def test_channels_last_lays_out_weights_and_inputs() -> None:
    seen: list[Tensor] = []
    model = nn.Conv2d(3, 4, 3)
    model.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    mode = prepared("channels_last", model, torch.ones(2, 3, 8, 8))
    assert output(mode).is_contiguous(memory_format=torch.channels_last)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert model.weight.is_contiguous(memory_format=torch.channels_last)
    assert mode.config == {"layout": "channels_last"}


def test_channels_last_takes_images_and_volumes_in_one_model() -> None:
    model = nn.ModuleDict({"image": nn.Conv2d(3, 4, 3), "volume": nn.Conv3d(3, 4, 3)})
    prepared("channels_last", model)
    weight = model.get_parameter("volume.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_without_an_image_there_is_no_layout_to_change() -> None:
    with pytest.raises(NotHere, match="no layout to change"):
        prepared("channels_last", nn.Linear(4, 3))


@pytest.mark.parametrize(
    ("asked", "given", "cores", "environ", "said"),
    [
        (2, 2, 2, {}, []),
        (4, 2, 4, {}, ["torch took 2 threads of the 4 asked for"]),
        (4, 4, 2, {}, ["4 threads on 2 cores: they take turns"]),
        (
            4,
            4,
            8,
            {"OMP_THREAD_LIMIT": "3"},
            ["OMP_THREAD_LIMIT=3 leaves 3 threads of the 4 asked for"],
        ),
    ],
)
def test_fewer_threads_than_asked_for_are_said(
    asked: int, given: int, cores: int, environ: dict[str, str], said: list[str]
) -> None:
    assert list(fewer_threads(asked, given, cores, environ)) == said


def test_threads_beyond_the_cores_are_a_label_of_the_row() -> None:
    (label,) = prepared("threads=3", nn.Linear(4, 3)).labels
    assert "3 threads on 2 cores" in label


@pytest.mark.parametrize("name", ["float16", "autocast", "channels_last"])
def test_no_mode_leaves_gradients_on(name: str) -> None:
    around: Callable[[], object] = prepared(name, nn.Conv2d(3, 4, 3), torch.ones(1, 3, 8, 8)).around
    assert around is torch.inference_mode


def test_each_gpu_is_asked_for_its_own_bfloat16_and_not_the_current_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generations = {torch.device("cuda:0"): 9, torch.device("cuda:1"): 7}
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda d: SimpleNamespace(major=generations[d])
    )
    said = [instructions.slow_dtype(device, "bfloat16") for device in generations]
    assert said == ["", "cuda:1 emulates bfloat16: it has no arithmetic for it"]
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert instructions.slow_dtype(torch.device("cuda:1"), "bfloat16") == ""
