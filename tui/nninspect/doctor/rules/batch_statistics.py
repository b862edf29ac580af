"""NN406: a batch norm that takes the batch's own statistics in eval mode."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import attribute, by_owner, listed, paths
from nninspect.protocol.findings import Finding, Severity


class BatchStatistics(Rule):
    """A batch norm uses the batch's own statistics in eval mode.

    What it flags: a batch norm without running statistics (`track_running_stats=False`), one that
        is in train mode while the model is in eval mode, and `F.batch_norm` with
        `training=True` then; but not where it standardises a weight.
    Why: an answer then depends on who else is in the batch, and a batch of 1 may fail or give
        nothing but the bias.
    Instead: keep the running statistics and pass `training=self.training`; for small batches use
        GroupNorm or LayerNorm.
    Example:
        nn.BatchNorm2d(16, track_running_stats=False)
        nn.BatchNorm2d(16)
    """

    code = "NN406"
    name = "batch-statistics"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.setup.training:
            return
        known = evidence.structure.paths  # what forward makes anew is NN507's
        steps = [s for s in evidence.trace.steps if s.module is None or id(s.module) in known]
        found = [step for step in steps if _uses_batch(step)]
        for steps in by_owner(evidence, found):
            layer = steps[0].module
            yield self.finding(
                f"{listed(steps)}: in eval mode the mean and variance are the batch's own.",
                why="An answer then depends on who else is in the batch.",
                change=f"{attribute(steps[0])} = nn.{type(layer).__name__}(...)"
                "  # with running statistics, left in eval mode"
                if layer is not None
                else "F.batch_norm(x, mean, var, training=self.training)",
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )


def _uses_batch(step: Step) -> bool:
    if step.name != "batch_norm":
        return False
    if step.module is None:
        if _is_of_weights(step):
            return False
        return bool(step.option("training", step.option("5", False)))
    return step.notes.training or step.option("running_mean") is None


def _is_of_weights(step: Step) -> bool:
    """It normalises a parameter, as weight standardisation does, and nothing that came in."""
    waiting, seen = [step], {step}
    while waiting:
        for producer in waiting.pop().producers:
            if producer is None:
                return False
            if producer not in seen:
                seen.add(producer)
                waiting.append(producer)
    return True
