"""One look at a loaded model: inputs, one recorded forward, torchinfo's figures, the rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CoroutineType, GeneratorType
from typing import TypeAlias

import torch
from torch import nn

from nninspect.engine.choose_inputs import Chosen, choose_inputs
from nninspect.engine.failure import forward_failure
from nninspect.engine.failures.facts import in_order
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.layers import Evidence
from nninspect.engine.load import Loaded
from nninspect.engine.measure_memory import measure_memory
from nninspect.engine.products import uncounted
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.structure import Node, count_parameters, numel, size_bytes, walk
from nninspect.engine.torchinfo_report import TorchinfoReport, torchinfo_report
from nninspect.engine.tree import layer_tree
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.protocol.layers import Edge, LayerRow, pack
from nninspect.protocol.memory import Memory
from nninspect.protocol.records import Inspection, Problem, Setup, Totals

Report: TypeAlias = Callable[[str, float | None], None]
"""How far it is: the stage, and the fraction of the whole where it is known."""

SLOW_FORWARD_S = 10.0
"""torchinfo runs the forward once more; above this it is not asked."""


@dataclass(frozen=True)
class Forward:
    """One recorded forward: what happened, how long it took, and how it failed, if it did."""

    recorder: CallRecorder
    seconds: float
    failure: Problem | None = None
    failed: Call | None = None
    unrun: str = ""
    """What it gave that would have run more of it, as "a generator"."""


def examine(loaded: Loaded, setup: Setup, device: torch.device, report: Report) -> Inspection:
    """Everything about a model that already is on the device. Leaves it as it was.

    Raises BadInput where no input can be found. A forward that raises is part of the result.
    """
    model = loaded.model
    with unchanged(model):
        set_mode(model, setup.training)
        chosen = choose_inputs(loaded, setup, device, report)
        report("running one forward", None)
        forward = run_forward(model, make_arguments(chosen[0], device))
        if _asks_for_gradients(forward):
            with torch.enable_grad():
                forward = run_forward(model, make_arguments(chosen[0], device))
        nodes = walk(model)
        report("asking torchinfo", None)
        torchinfo = _torchinfo(nodes, make_arguments(chosen[0], device), forward)
        memory = None
        if forward.failure is None:
            report("measuring memory", None)
            memory = measure_memory(model, forward.recorder, forward.seconds, chosen[0], device)
        count_parameters(nodes)
        rows, edges = layer_tree(nodes, _evidence(forward, torchinfo))
    return _inspection(loaded, setup, chosen, forward, rows, edges, nodes, torchinfo, memory)


def _evidence(forward: Forward, torchinfo: TorchinfoReport) -> Evidence:
    recorder = forward.recorder
    return Evidence(
        calls=recorder.calls,
        ops=recorder.ops,
        edges=recorder.dataflow.edges,
        failed=forward.failed,
        failed_op=recorder.failed_op,
        finished=forward.failure is None,
        elsewhere=recorder.elsewhere,
        unrun=forward.unrun,
        torchinfo=torchinfo,
    )


def run_forward(model: nn.Module, arguments: Arguments) -> Forward:
    """Call the model once, recorded."""
    args, kwargs = arguments
    recorder = CallRecorder()
    started = time.perf_counter()
    try:
        with _module_by_module(), recorder:
            result = model(*args, **kwargs)
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - started
        steps = in_order(recorder.calls, recorder.ops)
        problem, failed = forward_failure(error, recorder, walk(model), steps, recorder.failed_op)
        return Forward(recorder, seconds, problem, failed)
    return Forward(recorder, time.perf_counter() - started, unrun=_unrun(result))


def _unrun(result: object) -> str:
    if isinstance(result, GeneratorType):
        return "a generator"
    if isinstance(result, CoroutineType):
        result.close()
        return "a coroutine"
    return ""


def _asks_for_gradients(forward: Forward) -> bool:
    """It failed for want of them: it differentiates by itself."""
    return forward.failure is not None and "does not require grad" in forward.failure.message


@contextmanager
def _module_by_module() -> Iterator[None]:
    """Without the short cuts that call no submodule: a compiled forward, and the fused one of
    `nn.TransformerEncoderLayer`."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if "torch._dynamo" in sys.modules:
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _torchinfo(nodes: list[Node], arguments: Arguments, forward: Forward) -> TorchinfoReport:
    if forward.failure is not None:
        return TorchinfoReport(skipped="torchinfo was skipped: the forward fails")
    if forward.seconds > SLOW_FORWARD_S:
        return TorchinfoReport(skipped="torchinfo was skipped: it would run a slow forward again")
    return torchinfo_report(nodes, arguments)


def _inspection(
    loaded: Loaded,
    setup: Setup,
    chosen: Chosen,
    forward: Forward,
    rows: Sequence[LayerRow],
    edges: Sequence[Edge],
    nodes: Sequence[Node],
    torchinfo: TorchinfoReport,
    memory: Memory | None,
) -> Inspection:
    specs, source = chosen
    root = rows[0]
    return Inspection(
        setup=setup,
        title=root.type,
        inputs=specs,
        inputs_from=source,
        layers=pack(rows, edges),
        totals=_totals(root, nodes, is_whole=forward.failure is None),
        uncounted=uncounted(forward.recorder.ops),
        left_out=forward.recorder.left_out,
        torchinfo=torchinfo.skipped,
        failure=forward.failure,
        memory=memory,
        dtype=root.dtype,
        build_s=loaded.build_s,
        forward_s=forward.seconds,
    )


def _totals(root: LayerRow, nodes: Sequence[Node], is_whole: bool) -> Totals:
    model = nodes[0].module
    parameters, buffers = list(model.parameters()), list(model.buffers())
    return Totals(
        modules=len({id(node.module) for node in nodes}),
        parameters=root.total_parameters,
        trainable=root.trainable_parameters,
        buffers=sum(map(numel, buffers)),
        parameter_bytes=sum(map(size_bytes, parameters)),
        buffer_bytes=sum(map(size_bytes, buffers)),
        mult_adds=root.mult_adds if is_whole else None,
    )
