"""When a benchmark fails a build: `--fail-on untrusted`, `--fail-on slower:5%`, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nninspect.errors import UsageError
from nninspect.history.against import Against
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.records import Record


class FailOn(Record, frozen=True):
    """What counts as a failure."""

    untrusted: bool = False
    slower: float | None = None
    """The share that a configuration may be slower than the saved run: 0.05 is 5 %."""


def parse(text: str) -> FailOn:
    """ "untrusted", "slower:5%", or both with a comma between. Raises `UsageError`."""
    asked = FailOn()
    for part in text.split(","):
        name = part.strip().lower()
        found = re.fullmatch(r"slower:(\d+(?:\.\d+)?)\s*%", name)
        if name == "untrusted":
            asked = FailOn(untrusted=True, slower=asked.slower)
        elif found:
            asked = FailOn(untrusted=asked.untrusted, slower=float(found[1]) / 100)
        else:
            raise UsageError(
                f"--fail-on does not know {part.strip()!r}",
                "write untrusted, slower:5% or untrusted,slower:5%",
            )
    return asked


def failures(asked: FailOn, result: BenchResult, compared: Against | None) -> Iterator[str]:
    """Why the build fails, a sentence a configuration; nothing where it passes.

    Slower is a claim, so the interval must exclude 1; how much slower is the ratio itself. Where no
    row has a ratio, nothing was checked, and that is no pass.
    """
    if asked.untrusted:
        for row in result.rows:
            if row.quality is not None and row.quality.verdict == "untrusted":
                yield f"{said(row.key)} is untrusted: {', '.join(row.quality.reasons)}"
    if asked.slower is not None and compared is not None:
        if all(each.compare.ratio is None for each in compared.rows):
            why = next((each.compare.withheld for each in compared.rows), "no row was measured")
            yield f"slower:{100 * asked.slower:g}% was checked for no row: {why}"
        for each in compared.rows:
            ratio = each.compare.ratio
            if ratio is None or each.compare.winner != "against":
                continue
            slower = 1 / ratio - 1
            if slower > asked.slower:
                yield f"{said(each.key)} is {slower:.1%} slower; {asked.slower:.1%} is allowed"


def said(key: Key) -> str:
    """A configuration for people."""
    return f"{key.device}, batch {key.batch}, {key.mode}"
