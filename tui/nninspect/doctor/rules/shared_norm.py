"""NN411: one batch norm for different activations."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity


class SharedNorm(Rule):
    """One batch norm is called on what different layers made.

    What it flags: a batch norm with running statistics that is called several times in a forward,
        behind different layers. A whole branch that is called twice (siamese networks,
        recurrence) is left alone: there the layer before is the same as well.
    Why: its running mean and variance become a mixture that fits none of its places, so in eval
        mode everything is normalised by the wrong numbers.
    Instead: one norm for each place.
    Example:
        x = self.norm(self.conv2(self.norm(self.conv1(x))))
        x = self.norm2(self.conv2(self.norm1(self.conv1(x))))
    """

    code = "NN411"
    name = "shared-norm"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        for path, module in evidence.structure.modules():
            calls = [step for step in trace.of_module(module) if step.name == "batch_norm"]
            sources = {id(found): found for step in calls for found in _sources(trace, step)}
            if len(sources) < 2 or _has_no_statistics(calls[0]):
                continue
            names = ", ".join(found.called for found in list(sources.values())[:3])
            yield self.finding(
                f"{path} is called {len(calls)} times, behind {names}.",
                why="Its running statistics become a mixture that fits none of its places.",
                change=f"self.{path.rpartition('.')[2]}2 ="
                f" nn.{type(module).__name__}({module.num_features})  # one for each place",
                at=evidence.at_path(path),
            )


def _has_no_statistics(step: Step) -> bool:
    """Nothing is remembered, so nothing can be mixed."""
    return step.option("running_mean") is None


def _sources(trace: Trace, step: Step) -> Iterator[Step]:
    """The layers before it, one of each that is a module: calls of the same one are one."""
    for before in trace.before(step):
        if before is not None and before.module is not None:
            yield trace.of_module(before.module)[0]
