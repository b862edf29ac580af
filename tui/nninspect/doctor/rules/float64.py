"""NN804: double precision."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

_CASTS = frozenset({"to", "double", "type", "type_as"})


class Float64(Rule):
    """The model computes in float64.

    What it flags: parameters that are float64, unless float64 was asked for; and an op in which a
        float64 tensor makes the whole result float64 although everything else is narrower, as a
        buffer made from a numpy array does. An explicit `.double()` is left alone.
    Why: it takes twice the memory, runs at half the speed on a CPU and at a small fraction on
        most GPUs, and not at all on MPS; the precision is hardly ever needed to train.
    Instead: `model.float()`; for values from numpy `torch.tensor(array, dtype=torch.float32)`.
    Example:
        self.register_buffer("mean", torch.tensor(np.array([0.5, 0.2])))
        self.register_buffer("mean", torch.tensor([0.5, 0.2]))
    """

    code = "NN804"
    name = "float64"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.setup.dtype == "float64":
            return
        parameters = evidence.structure.parameters
        wide = [name for name, p in parameters.items() if p.dtype == torch.float64]
        if wide and len(wide) == len(parameters):
            yield self._of_parameters(evidence, wide)
        elif not wide and evidence.recorded is not None:
            step = next((s for s in evidence.recorded.steps if _is_promoted(s)), None)
            if step is not None:
                yield self._of_step(step)

    def _of_parameters(self, evidence: Evidence, names: list[str]) -> Finding:
        parameters = evidence.structure.parameters
        size = sum(parameters[name].numel() for name in names)
        return self.finding(
            f"All {len(names)} parameters, {size:,} elements, are float64.",
            why="Twice the memory of float32 and a fraction of the speed; MPS can't run it.",
            change="model.float()",
            at=evidence.at_path(names[0].rpartition(".")[0]),
        )

    def _of_step(self, step: Step) -> Finding:
        return self.finding(
            f"{step.called} gets float32 and float64, and gives float64.",
            why="From there on everything is computed in float64, or fails at the next layer.",
            change="Make the float64 tensor float32: torch.tensor(..., dtype=torch.float32).",
            at=step.at,
        )


def _is_promoted(step: Step) -> bool:
    """Tensors of several dtypes went in, and float64 came out although no cast asked for it."""
    if step.name in _CASTS or not step.outputs or step.outputs[0].dtype != "float64":
        return False
    given = {each.dtype for each in step.inputs if each.shape}
    return "float64" in given and not given.isdisjoint(("float32", "float16", "bfloat16"))
