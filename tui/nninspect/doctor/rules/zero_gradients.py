"""NN707: parameters whose gradient is exactly zero."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.backward import Gradients
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.flow import SEEDS, moved_off
from nninspect.doctor.rule import Need, Rule
from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.protocol.findings import Finding, Severity


class ZeroGradients(Rule):
    """Parameters take part in the forward, and their gradient is exactly zero.

    What it flags: parameters of which every element's gradient is 0 for several random batches.
        Constant weights are moved off their values first, so that a branch that starts at zero
        is not blamed; a bias that a norm takes out again is left alone. Parameters that no
        gradient reaches at all are NN508's, and what a recurrent layer multiplies its state with
        is left alone: a first state is 0.
    Why: they are never trained. Units that a ReLU has cut for every input, a factor that is 0,
        a saturated `clamp` or a rounded value stand behind them.
    Instead: look at what follows the layer: is its input always below 0, clamped or rounded?
    Example:
        x = torch.round(self.fc(x))  # flat everywhere
        x = x + (torch.round(x) - x).detach()  # straight-through
    """

    code = "NN707"
    name = "zero-gradients"
    severity = Severity.INFO
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        training, first = evidence.probes.backward()
        names = [name for name in first.of if _is_zero(first.of[name]) and not _is_of_a_state(name)]
        names = [name for name in names if not _cancels(evidence, name, first)]
        if not names:
            return
        runs = moved_off(evidence, training)
        names = [name for name in names if all(_is_zero(run.of.get(name)) for run in runs)]
        if not names:
            return
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        paths = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
        yield self.finding(
            f"The gradient of {shown} is exactly 0 for {len(SEEDS)} random batches"
            f" ({len(names)} of {len(first.of)} parameters).",
            why="A weight without a gradient stays as it is, however long the training.",
            change="Look at what follows: a ReLU that is always below 0, a clamp, a rounding, a"
            " factor of 0.",
            at=evidence.at_path(paths[0]),
            related=tuple(paths[1:]),
        )


def _is_zero(gradient: torch.Tensor | None) -> bool:
    return gradient is not None and not bool(gradient.count_nonzero())


def _cancels(evidence: Evidence, name: str, gradients: Gradients) -> bool:
    """Another parameter of the same layer gets a gradient: then one gets there, and what it would
    do to this one adds up to nothing, as of a bias in front of a norm."""
    path = name.rpartition(".")[0]
    module = evidence.structure.by_path.get(path)
    if module is None or not is_leaf_of_torch(module):
        return False
    beside = (gradients.of.get(f"{path}.{other}") for other in module._parameters)
    return any(gradient is not None and not _is_zero(gradient) for gradient in beside)


def _is_of_a_state(name: str) -> bool:
    return name.rpartition(".")[2].startswith("weight_hh")
