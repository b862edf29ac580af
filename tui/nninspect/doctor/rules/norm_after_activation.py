"""NN402: a batch norm behind the activation."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import attribute, by_owner, listed, paths
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity


class NormAfterActivation(Rule):
    """A batch norm follows the activation, where it usually stands before it.

    What it flags: affine layer, activation, batch norm, in this order with nothing else between.
        It runs and trains, and some networks mean it.
    Why: the norm gets values from which the activation has cut a part, and shifts what it gives
        below 0 again. Before the activation it makes about half of them pass, whatever the
        weights are.
    Instead: convolution (bias=False), batch norm, activation.
    Example:
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.BatchNorm2d(16))
        nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    """

    code = "NN402"
    name = "norm-after-activation"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        norms = [step for step in trace.of(Role.NORM) if _activation_before(trace, step)]
        for steps in by_owner(evidence, norms):
            activation = _activation_before(trace, steps[0])
            assert activation is not None
            name = attribute(activation) if activation.module is not None else "F.relu"
            yield self.finding(
                f"{listed(steps)}: batch norm behind an activation, {activation.name}.",
                why="The norm gets values from which a part was cut; before the activation it"
                " keeps about half of them passing.",
                change=_change(steps[0], activation, name),
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )


def _change(norm: Step, activation: Step, name: str) -> str:
    is_listed = norm.path.rpartition(".")[2].isdigit() and activation.module is not None
    if not is_listed:
        return f"x = {name}({attribute(norm)}(x))  # norm first"
    kinds = (type(norm.module).__name__, type(activation.module).__name__)
    return "nn.Sequential(layer, {}(...), {}())  # norm first".format(*(f"nn.{k}" for k in kinds))


def _activation_before(trace: Trace, norm: Step) -> Step | None:
    if norm.name != "batch_norm" or norm.module is None:
        return None
    activation = trace.only_before(norm, ())
    if activation is None or activation.role is not Role.ACTIVATION:
        return None
    layer = trace.only_before(activation, ())
    return activation if layer is not None and layer.role is Role.AFFINE else None
