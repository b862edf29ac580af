"""One look at a loaded model: inputs, one recorded forward, torchinfo's figures, the rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
import torch

from nninspect.engine.blame import let_go
from nninspect.engine.choose_inputs import Chosen, choose_inputs
from nninspect.engine.dry_run.notes import with_guesses
from nninspect.engine.dry_run.rungs import on_rung
from nninspect.engine.flight import Flight
from nninspect.engine.forward import Forward, nodes_as_called, record_forward
from nninspect.engine.guess import GUESSED
from nninspect.engine.inputs import make_arguments
from nninspect.engine.layers import Evidence
from nninspect.engine.load import Loaded
from nninspect.engine.lost_device import end_if_lost
from nninspect.engine.measure_memory import measure_memory
from nninspect.engine.products import uncounted
from nninspect.engine.structure import Node, count_parameters, numel, size_bytes
from nninspect.engine.torchinfo_report import TorchinfoReport, torchinfo_report
from nninspect.engine.tree import LayerTree, layer_tree
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.protocol.dry_run import DryRun, Rung
from nninspect.protocol.flight import Death, Stage
from nninspect.protocol.layers import LayerRow, pack
from nninspect.protocol.memory import Memory
from nninspect.protocol.records import InputSpec, Inspection, Problem, Setup, Totals
from nninspect.text.inputs import format_input

Report: TypeAlias = Callable[[str, float | None], None]
"""How far it is: the stage, and the fraction of the whole where it is known."""

SLOW_FORWARD_S = 10.0
"""torchinfo runs the forward once more; above this it is not asked."""


def examine(
    loaded: Loaded,
    setup: Setup,
    device: torch.device,
    report: Report,
    flight: Flight | None = None,
    rung: Rung | None = None,
) -> Inspection:
    """Everything about a model that already is on the device. Leaves it as it was.

    The forward is a dry run on the rung; without one, as the device has it: dry on meta.
    Raises BadInput where no input can be found. A forward that raises is part of the result, and
    so is one that ended the process of an earlier look, which the flight knows of.
    """
    model, flight = loaded.model, flight or Flight()
    rung = rung or (Rung.META if device.type == "meta" else Rung.REAL)
    flight.on(rung)
    with unchanged(model) as before, on_rung(rung, loaded.values) as lenient:
        before.keep(loaded.values)
        set_mode(model, setup.training)
        chosen = choose_inputs(loaded, setup, device, report, flight, before)
        report("running one forward", None)
        with flight.stage(Stage.FORWARD):
            forward = record_forward(model, chosen[0], device, flight, lenient=lenient)
            let_go(forward.error)
        nodes = nodes_as_called(model, forward.recorder)  # with the parts that it has made itself
        before.restore()
        report("asking torchinfo", None)
        with flight.stage(Stage.TORCHINFO):
            death = flight.death_in(Stage.TORCHINFO)
            torchinfo = _torchinfo(nodes, chosen[0], device, forward, death)
            end_if_lost(device)
        memory = None
        before.restore()
        if forward.failure is None:
            report("measuring memory", None)
            with flight.stage(Stage.MEMORY):
                memory = measure_memory(
                    model,
                    forward.recorder,
                    forward.seconds,
                    chosen[0],
                    device,
                    may_run=flight.death_in(Stage.MEMORY) is None,
                )
                end_if_lost(device)
        count_parameters(nodes)
        tree = layer_tree(nodes, _evidence(forward, torchinfo))
    dry_run = None if lenient is None else DryRun(rung=rung, guesses=forward.guesses)
    if forward.failure is not None and chosen[1].startswith(GUESSED) and not forward.is_of_the_code:
        forward = dataclasses.replace(forward, failure=_of_a_guess(forward.failure, chosen[0]))
    inspection = _inspection(loaded, setup, chosen, forward, tree, nodes, torchinfo, memory)
    return msgspec.structs.replace(inspection, dry_run=dry_run)


def _of_a_guess(problem: Problem, inputs: Sequence[InputSpec]) -> Problem:
    """The same, and that the input may not be what the model takes."""
    if problem.kind != "ForwardFailed":  # what the process died of
        return problem
    typed = " ".join(f"--input {format_input(spec)}" for spec in inputs) or "none"
    return msgspec.structs.replace(
        problem,
        hint=f"{problem.hint} The input is a guess, {typed}: where the model takes another, give "
        "that with --input.",
    )


def _evidence(forward: Forward, torchinfo: TorchinfoReport) -> Evidence:
    recorder = forward.recorder
    return Evidence(
        calls=recorder.calls,
        ops=recorder.ops,
        edges=recorder.dataflow.edges,
        results=recorder.results if forward.failure is None else (),
        failed=forward.failed,
        failed_op=recorder.failed_op,
        finished=forward.failure is None,
        elsewhere=recorder.elsewhere,
        unrun=forward.unrun,
        torchinfo=torchinfo,
    )


def _torchinfo(
    nodes: list[Node],
    inputs: Sequence[InputSpec],
    device: torch.device,
    forward: Forward,
    death: Death | None,
) -> TorchinfoReport:
    if death is not None:
        return TorchinfoReport(skipped=f"torchinfo was skipped: under it {death.message}")
    if forward.failure is not None:
        return TorchinfoReport(skipped="torchinfo was skipped: the forward fails")
    if forward.seconds > SLOW_FORWARD_S:
        return TorchinfoReport(skipped="torchinfo was skipped: it would run a slow forward again")
    return torchinfo_report(nodes, make_arguments(inputs, device))


def _inspection(
    loaded: Loaded,
    setup: Setup,
    chosen: Chosen,
    forward: Forward,
    tree: LayerTree,
    nodes: Sequence[Node],
    torchinfo: TorchinfoReport,
    memory: Memory | None,
) -> Inspection:
    specs, source = chosen
    root = tree.rows[0]
    return Inspection(
        setup=setup,
        title=root.type,
        inputs=specs,
        inputs_from=source,
        layers=pack(with_guesses(tree.rows, forward.guesses), tree.edges, tree.results, tree.kin),
        totals=_totals(root, nodes, is_whole=forward.failure is None),
        uncounted=uncounted(forward.recorder.ops),
        left_out=forward.recorder.left_out,
        torchinfo=torchinfo.skipped,
        failure=forward.failure,
        memory=memory,
        dtype=root.dtype,
        build_s=loaded.build_s,
        forward_s=forward.seconds,
        files=loaded.files,
    )


def _totals(root: LayerRow, nodes: Sequence[Node], is_whole: bool) -> Totals:
    modules = [node.module for node in nodes]
    parameters = _each_once(p for module in modules for p in module.parameters(recurse=False))
    buffers = _each_once(b for module in modules for b in module.buffers(recurse=False))
    return Totals(
        modules=len(set(map(id, modules))),
        parameters=root.total_parameters,
        trainable=root.trainable_parameters,
        buffers=sum(map(numel, buffers)),
        parameter_bytes=sum(map(size_bytes, parameters)),
        buffer_bytes=sum(map(size_bytes, buffers)),
        mult_adds=root.mult_adds if is_whole else None,
    )


def _each_once(found: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return list({id(tensor): tensor for tensor in found}.values())
