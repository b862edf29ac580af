"""One run against another, in words."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.history.against import Against, RowAgainst
from nninspect.text.bench import speedup
from nninspect.text.intervals import median
from nninspect.text.plain import plain
from nninspect.text.remarks import name


def lines(compared: Against) -> Iterator[str]:
    """What differs between the two runs, then each configuration."""
    for each in compared.differences:
        yield f"{each.what}: {plain(each.then)} then, {plain(each.now)} now"
    for row in compared.rows:
        yield f"{name(row.key)}: {_said(row)}"


def _said(row: RowAgainst) -> str:
    """ "12 % faster …", or both figures and why there is no ratio."""
    figures = " then, ".join(
        median(each.latency)
        for each in (row.then, row.now)
        if each is not None and each.latency is not None
    )
    both = f"{figures} now" if " then, " in figures else figures
    if row.compare.ratio is None:
        return "; ".join(filter(None, (both, f"no ratio: {plain(row.compare.withheld)}")))
    words = {"this": "faster", "against": "slower", "": "no difference that shows"}
    return f"{both}, {speedup(row.compare)}, {words[row.compare.winner]}"
