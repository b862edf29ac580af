"""Results as JSON: the records' own fields, with derived figures beside the raw ones.

Seconds, bytes and counts; null for what is not known. `schema` rises when a field changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from nninspect.export.layers import Sight
from nninspect.plugin import Collection, ModelCard
from nninspect.protocol.checkpoint import Checkpoint, Fit
from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import INPUT, OUTPUT, LayerRow, Mark, Tensors
from nninspect.protocol.memory import Memory, Optimizer
from nninspect.protocol.records import Inspection, Problem, Setup
from nninspect.protocol.weights import TensorStats
from nninspect.text.inputs import format_input
from nninspect.text.weights import health

SCHEMA = 1


def inspection(found: Inspection, sight: Sight | None = None) -> dict[str, Any]:
    """An inspection: setup, totals, every layer and op, what led where, and the failure.

    With a sight, the layers are in its order, and those that its filter keeps.
    """
    table = sight.table if sight else LayerTable(found.layers)
    rows = range(len(table)) if sight is None or sight.kept is None else sight.kept
    kept = {INPUT, OUTPUT, *rows}
    return {
        "schema": SCHEMA,
        "title": found.title,
        "setup": _setup(found.setup),
        "inputs": [format_input(spec) for spec in found.inputs],
        "inputs_from": found.inputs_from,
        "batch": found.batch,
        "dtype": found.dtype,
        "totals": msgspec.to_builtins(found.totals),
        "dry_run": msgspec.to_builtins(found.dry_run),
        "failure": _problem(found.failure),
        "memory": _memory(found.memory),
        "uncounted_ops": list(found.uncounted),
        "left_out_ops": found.left_out,
        "torchinfo_skipped": found.torchinfo,
        "build_s": found.build_s,
        "forward_s": found.forward_s,
        "layers": [_layer(table.row(row)) for row in rows],
        "edges": [_edge(table, *edge) for edge in table.edges if kept.issuperset(edge)],
    }


def _edge(table: LayerTable, made: int, used: int) -> list[Any]:
    """Two paths; null for the model's input, and for its output, where a list tells which of its
    parts, as ["logits"]; [""] for the only one."""
    path = None if made == INPUT else table.path(made)
    if used != OUTPUT:
        return [path, table.path(used)]
    return [path, None, list(table.results(made, made + 1))]


def _memory(memory: Memory | None) -> dict[str, Any] | None:
    """The parts in bytes, and their sums."""
    if memory is None:
        return None
    return {
        **msgspec.to_builtins(memory),
        "inference": memory.inference,
        "training": {each.name.lower(): memory.training(each) for each in Optimizer},
    }


def _layer(row: LayerRow) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(row)
    marks = [mark.name.lower() for mark in Mark if mark & row.marks and mark.name]
    return {
        **fields,
        "inputs": _tensors(row.inputs),
        "outputs": _tensors(row.outputs),
        "different_calls": [
            {"inputs": _tensors(c.inputs), "outputs": _tensors(c.outputs), "times": c.times}
            for c in row.different_calls
        ],
        "marks": marks,
        "kind": row.kind.name.lower(),
    }


def _tensors(found: Tensors | None) -> list[dict[str, Any]] | None:
    if found is None:
        return None
    return [
        {"key": tensor.key, "shape": list(tensor.shape), "dtype": tensor.dtype} for tensor in found
    ]


def _setup(setup: Setup) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(setup)
    return {
        **fields,
        "settings": {setting.name: setting.text for setting in setup.settings},
        "inputs": [format_input(spec) for spec in setup.inputs],
    }


def _problem(problem: Problem | None) -> Any:
    return None if problem is None else msgspec.to_builtins(problem)


def check(result: CheckResult) -> dict[str, Any]:
    """A check: every finding, how many of each severity, and the rules that did not look."""
    return {
        "schema": SCHEMA,
        "setup": _setup(result.setup),
        "title": result.title,
        "loss": result.loss,
        "loss_from": result.loss_from,
        "task": result.task,
        "inputs_from": result.inputs_from,
        "findings": [_finding(finding) for finding in result.findings],
        "counts": {severity.word: result.count(severity) for severity in Severity},
        "suppressed": result.suppressed,
        "rules": result.ran,
        "skipped": [msgspec.to_builtins(rule) for rule in result.skipped],
        "seconds": result.seconds,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(finding)
    return {**fields, "severity": finding.severity.word}


def weights(setup: Setup, tensors: Sequence[TensorStats]) -> dict[str, Any]:
    """Every parameter and buffer with what is known of its values."""
    return {
        "schema": SCHEMA,
        "setup": _setup(setup),
        "tensors": [
            {**msgspec.to_builtins(stats), "health": health(stats), "is_sampled": stats.is_sampled}
            for stats in tensors
        ],
    }


def checkpoint(found: Checkpoint, fit: Fit | None = None) -> dict[str, Any]:
    """A file of weights: every tensor, what else is in it, and how it fits a model."""
    return {
        "schema": SCHEMA,
        **msgspec.to_builtins(found),
        "parameters": found.parameters,
        "size": found.size,
        "dtypes": dict(found.dtypes),
        "tensors": [
            {name: getattr(tensor, name) for name in tensor.__struct_fields__}
            for tensor in found.tensors
        ],
        "rest": dict(found.rest),
        "metadata": dict(found.metadata),
        "fit": None if fit is None else {**msgspec.to_builtins(fit), "fits": fit.fits},
    }


def catalogue(collections: tuple[Collection, ...]) -> dict[str, Any]:
    """Every collection with its cards."""
    return {
        "schema": SCHEMA,
        "collections": [
            {
                "name": collection.name,
                "problem": collection.problem,
                "networks": [_card(card) for card in collection.cards],
            }
            for collection in collections
        ],
    }


def _card(card: ModelCard) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(card)
    return {**fields, "inputs": [format_input(spec) for spec in card.inputs]}
