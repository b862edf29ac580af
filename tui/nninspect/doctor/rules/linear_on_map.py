"""NN602: a linear layer on the width of a feature map."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.shapes import shape

_AS_IT_WAS = frozenset({Role.ACTIVATION, Role.DROPOUT, Role.NORM, Role.SUM})
_MAPS = ("conv2d", "conv_transpose2d", "conv3d", "conv_transpose3d")


class LinearOnMap(Rule):
    """A linear layer gets a feature map of four dimensions and works on its width.

    What it flags: a linear layer whose input is what a convolution or a pooling gave, (B, C, H,
        W), with nothing but activations, norms, dropout and sums between. After a permute, a
        reshape or a flatten it is silent: then the last dimension is what was meant.
    Why: nn.Linear works on the last dimension, here W, and treats every channel and row
        alike; it fits only as long as the width happens to be in_features.
    Instead: flatten first, `torch.flatten(x, 1)`, or bring the channels last.
    Example:
        x = self.fc(self.conv(x))
        x = self.fc(torch.flatten(self.conv(x), 1))
    """

    code = "NN602"
    name = "linear-on-map"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        for step in trace.steps:
            source = _map_before(trace, step)
            if step.name == "linear" and len(step.given_shape) == 4 and source is not None:
                yield self.finding(
                    f"{step.called} gets the map {shape(step.given_shape)} of {source.called} and"
                    f" works on its last dimension, the width {step.given_shape[-1]}.",
                    why="nn.Linear works on the last dimension alone: every channel and row is"
                    " treated alike, and another image width fails.",
                    change="x = torch.flatten(x, 1)  # before it",
                    at=evidence.at(step),
                    related=(source.path,),
                )


def _map_before(trace: Trace, step: Step) -> Step | None:
    """The convolution or pooling whose map gets there as it is."""
    made = [each for each in trace.before(step, _AS_IT_WAS) if each is not None]
    maps = (each for each in made if each.name in _MAPS or _is_pool(each))
    return next(maps, None)


def _is_pool(step: Step) -> bool:
    return step.role is Role.POOL and len(step.shape) == 4
