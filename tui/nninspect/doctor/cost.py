"""What a run of a model takes, by the forward that was recorded: seconds, and bytes a sample."""

from __future__ import annotations

from dataclasses import dataclass

from nninspect.engine.forward import Forward

ALIVE_AT_ONCE = 3
"""Of the largest output: a step's input, its output, and one that waits, as a skip does."""


@dataclass(frozen=True)
class Cost:
    """Of one forward at the batch it was recorded with."""

    seconds: float = 0.0
    largest_bytes: int = 0
    """Of what one step made."""
    all_bytes: int = 0
    """Of what all steps made: a backward needs most of it."""
    batch: int = 1

    def bytes_of(self, batch: int, *, backward: bool = False) -> int:
        """An upper estimate of what a run of another batch has alive at once."""
        at_once = self.all_bytes if backward else ALIVE_AT_ONCE * self.largest_bytes
        return at_once * batch // max(self.batch, 1)


def cost_of(forward: Forward, batch: int | None) -> Cost:
    """The cost of a recorded forward of that batch."""
    recorder = forward.recorder
    sizes = [call.output_bytes for call in recorder.calls]
    sizes += [op.output_bytes for op in recorder.ops]
    return Cost(forward.seconds, max(sizes, default=0), sum(sizes), batch or 1)
