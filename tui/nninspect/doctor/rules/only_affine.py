"""NN202: a network without any activation."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.chains import LAYERS
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_LINEAR = frozenset({Role.AFFINE, Role.MOVE, Role.JOIN, Role.SUM, Role.DROPOUT})
_AVERAGES = ("avg_pool", "adaptive_avg_pool", "mean", "sum")


class OnlyAffine(Rule):
    """Several affine layers, and no activation anywhere: the network is one affine map.

    What it flags: a network of two and more trained linear layers or convolutions in a row in
        which everything else is linear as well, but a softmax or a sigmoid at its end. A single
        layer (linear or logistic regression) is left alone.
    Why: however deep, W3(W2(W1 x + b1) + b2) + b3 is W x + b for some W and b. It can fit
        what is linear and nothing else.
    Instead: put an activation after every layer but the last.
    Example:
        self.layers = nn.Sequential(nn.Linear(784, 128), nn.Linear(128, 10))
        self.layers = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    """

    code = "NN202"
    name = "only-affine"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        if not is_only_affine(trace):
            return
        layers = _chain(trace)
        parameters = sum(w.numel() for step in layers for w in step.weights)
        yield self.finding(
            f"{len(layers)} layers with {parameters:,} parameters, from {layers[0].called} to"
            f" {layers[-1].called}, and no activation between any of them.",
            why="However many affine layers follow each other, together they are one affine"
            " map: the network can fit what is linear and nothing else.",
            change="\n".join(_change(step) for step in layers[:-1]),
            at=evidence.at(layers[1]),
            related=tuple(step.path for step in layers),
        )


def is_only_affine(trace: Trace) -> bool:
    """Everything on the way of at least two layers in a row is linear, the end aside."""
    layers = _chain(trace)
    if len({id(step.module or step) for step in layers}) < 2:
        return False
    return all(_is_linear(trace, step) for step in trace.steps)


def _chain(trace: Trace) -> list[Step]:
    """The longest line of trained layers, each fed by the one before it through linear steps."""
    best: dict[Step, list[Step]] = {}
    for step in trace.steps:
        lines = [best[made] for made in step.producers if made is not None and made in best]
        longest = max(lines, key=len, default=[])
        is_layer = step.name in LAYERS and any(w.requires_grad for w in step.weights)
        best[step] = [*longest, step] if is_layer else longest
    return max(best.values(), key=len, default=[])


def _is_linear(trace: Trace, step: Step) -> bool:
    if step.role in _LINEAR or step.name.startswith(_AVERAGES):
        return True
    is_end = trace.is_returned(step) and not trace.is_followed_by(step, {Role.AFFINE})
    return is_end and (step.role is Role.SOFTMAX or step.name in ("sigmoid", "logsigmoid"))


def _change(step: Step) -> str:
    return f"x = F.relu(self.{step.path}(x))" if step.module is not None else "x = F.relu(x)"
