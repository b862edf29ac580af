"""Whether a model takes its batch at dimension 1, as sequences without `batch_first` have it."""

from __future__ import annotations

import ast
import re

import torch

from nninspect.doctor.deadline import Unavailable
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.runs import BATCH

_TIME = r"(?:T|L|S|(?:n_|num_|src_|tgt_)?(?:time\w*|seq\w*|steps?|len\w*))"
_BATCH = r"(?:B|N|bs|bsz|(?:n_)?batch\w*)"
_ORDERS = {
    "time": re.compile(rf"(?<![\w.]){_TIME}\s*[,x×]\s*{_BATCH}\b|batch_first\s*=\s*False"),
    "batch": re.compile(rf"(?<![\w.]){_BATCH}\s*[,x×]\s*{_TIME}\b"),
}


def batch_of_output(evidence: Evidence) -> int | None:
    """The dimension of the output that follows dimension 1 of the inputs, each place of it by
    itself; None where there is none, so that the batch is not there."""
    inputs = evidence.probes.inputs
    if any(len(spec.shape) < 2 or spec.batch_dim for spec in inputs) or not inputs:
        return None
    try:
        return _followed(evidence)
    except Unavailable:
        return None


def _followed(evidence: Evidence) -> int | None:
    run = evidence.probes.along(1).run
    outputs = (run().output, run(first_from=1).output, run(BATCH + 1).output)
    one, changed, more = outputs
    if one is None or changed is None or more is None or one.shape != changed.shape:
        return None
    if one.dim() != more.dim() or not one.is_floating_point():
        return None
    grown = [dim for dim in range(one.dim()) if more.shape[dim] == one.shape[dim] + 1 == BATCH + 1]
    if len(grown) != 1:
        return None
    moved = (changed - one).abs().movedim(grown[0], 0).flatten(1).amax(1)
    return grown[0] if float(moved[0]) > 0 and not bool(torch.any(moved[1:])) else None


def knows_time(evidence: Evidence) -> bool:
    """The forward itself treats dimension 0 as time: positions that are the same for every place
    of dimension 1 are added, an attention mask spans dimension 0, or a recurrent layer is given
    a first state of as many samples as dimension 1 has."""
    (length, width, *_) = evidence.probes.inputs[0].shape
    states = any(len(step.inputs) > 1 for step in evidence.trace.of(Role.RECURRENT))
    positions = any(
        tensor.shape[:2] == (length, 1) and len(tensor.shape) > 2
        for step in evidence.trace.of(Role.SUM)
        for tensor in step.inputs
    )
    masks = any(
        tensor.shape == (length, length) and "mask" in tensor.key
        for call in evidence.trace.calls
        for tensor in call.inputs
    )
    return length != width and (positions or masks or states)


def written_order(evidence: Evidence) -> str:
    """What comes first by the source of the classes, their comments and docstrings: "time" where
    shapes are written as (T, B, ...) or `batch_first=False` is, "batch" for (B, T, ...); "" where
    they tell nothing, or both."""
    texts = [
        ast.get_source_segment(written.file.text, written.node) or ""
        for written in evidence.source_classes()
    ]
    found = {name for name, order in _ORDERS.items() if any(map(order.search, texts))}
    return found.pop() if len(found) == 1 else ""
