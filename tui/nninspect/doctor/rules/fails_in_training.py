"""NN606: a forward that works in eval mode and fails in train mode."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nninspect.doctor.causes import line_text
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.runs import BATCH
from nninspect.protocol.findings import Finding, Severity

_WANTS_MORE = re.compile(r"target|label|loss|ground.?truth|None", re.IGNORECASE)


class FailsInTraining(Rule):
    """The forward works in eval mode and fails in train mode.

    What it flags: the same batch works after `model.eval()` and raises after `model.train()`. It
        is silent where the message asks for labels or targets, which a training forward may
        want.
    Why: the model can't be trained.
    Instead: mend the branch that `self.training` takes; a BatchNorm needs more than one value a
        channel, so don't use it on one that is pooled to a single number of a single sample.
    Example:
        x = self.drop(x) if self.training else x  # __init__ sets self.dropout
        x = self.dropout(x)
    """

    code = "NN606"
    name = "fails-in-training"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        run = evidence.probes.run
        if evidence.setup.training or run(BATCH).error is not None:
            return
        failed = run(BATCH, training=True)
        if failed.error is None or _WANTS_MORE.search(failed.failure):
            return
        frames = evidence.source.frames(failed.error)
        at = next((Place("", file.path, line) for file, line, _ in frames), Place())
        line = line_text(evidence, at)
        yield self.finding(
            f"A batch of {BATCH} works in eval mode and fails in train mode"
            f"{f' at `{line}`' if line else ''}: {failed.failure}.",
            why="The model can't be trained.",
            change="Mend the line, which only runs while self.training is True.",
            at=at,
        )
