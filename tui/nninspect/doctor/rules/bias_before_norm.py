"""NN401: a bias that the next batch norm subtracts away."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import attribute, by_owner, listed, paths
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity


class BiasBeforeNorm(Rule):
    """A bias whose effect the next batch norm subtracts away.

    What it flags: a linear layer or convolution with a bias whose only user is a batch norm, with
        nothing in between.
    Why: the norm subtracts the mean and the bias with it, so it changes no output; it costs
        memory, optimizer state and time.
    Instead: pass `bias=False`; the norm has a bias of its own.
    Example:
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU())
        nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    """

    code = "NN401"
    name = "bias-before-norm"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        found = [step for step in trace.of(Role.AFFINE) if _is_lost(trace, step)]
        for steps in by_owner(evidence, found):
            lost = sum(_bias(step) for step in steps)
            yield self.finding(
                f"{listed(steps)}: {lost:,} bias parameters in front of a batch norm.",
                why="The norm subtracts the mean and the bias with it, so they change no output.",
                change="\n".join(
                    f"{attribute(step)} = nn.{type(step.module).__name__}(..., bias=False)"
                    for step in steps[:3]
                ),
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )


def _is_lost(trace: Trace, step: Step) -> bool:
    norm = trace.only_after(step, ())
    if not _bias(step) or norm is None or norm.module is None or norm.name != "batch_norm":
        return False
    return _subtracts_this_bias(step, norm.module)


def _subtracts_this_bias(step: Step, norm: nn.Module) -> bool:
    """It has one mean a feature of the layer, and both are still trained."""
    bias = getattr(step.module, "bias", None)
    return bias is not None and bias.requires_grad and norm.num_features == bias.numel()


def _bias(step: Step) -> int:
    bias = getattr(step.module, "bias", None)
    return int(bias.numel()) if isinstance(bias, nn.Parameter) else 0
