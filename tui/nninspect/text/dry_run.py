"""How a dry run is told: a mark for a line, and sentences for a detail."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.dry_run import DryRun, Guess, Rung
from nninspect.text import units
from nninspect.text.plain import plain

RUNGS = {
    Rung.META: "a dry run on meta: shapes, no values",
    Rung.FAKE: "a dry run over the real parameters: shapes, no values",
    Rung.REAL: "a real forward on the CPU, as no dry run gets through",
}


def mark(dry_run: DryRun | None) -> str:
    """What has to stand beside the figures: "3 guesses"; "" where they rest on none."""
    return _guesses(dry_run) if dry_run is not None and dry_run.guesses else ""


def sentences(dry_run: DryRun | None) -> Iterator[str]:
    """The rung with what it rests on, and why those before it were left."""
    if dry_run is None:
        return
    rests = f"; figures rest on {_guesses(dry_run)}" if dry_run.guesses else ""
    yield f"{RUNGS[dry_run.rung]}{rests}"
    for rung, why in zip(Rung, dry_run.left, strict=False):
        yield f"not {RUNGS[rung].partition(':')[0]}: {plain(why)}"


def note(guess: Guess) -> str:
    """ "guessed: nonzero took all 12 elements (net.py:18) ×3"."""
    where = f" ({guess.source})" if guess.source else ""
    times = f" ×{guess.times}" if guess.times > 1 else ""
    return f"guessed: {guess.op} took {guess.assumed}{where}{times}"


def _guesses(dry_run: DryRun) -> str:
    count = len(dry_run.guesses)
    return "1 guess" if count == 1 else f"{units.count(count)} guesses"
