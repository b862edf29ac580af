"""What there is to copy of what is in view; a text is made when it is taken."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from nninspect.export.layers import Sight, layer_table
from nninspect.export.shown import Shown
from nninspect.export.table import Row, Table, as_markdown, as_tsv
from nninspect.export.tables import bench_row, weight_row
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.findings import CheckResult, Finding
from nninspect.protocol.records import Setup
from nninspect.protocol.weights import TensorStats
from nninspect.text import findings, units
from nninspect.text.command import command
from nninspect.text.layer_cells import path_of
from nninspect.ui.spans import Paragraph

GAP = "  "


class Offer(NamedTuple):
    """One text to copy: what it is, the beginning of it, and all of it."""

    name: str
    preview: str
    text: Callable[[], str]


def offer(name: str, text: str) -> Offer:
    """A text that is known already, its first line as its preview."""
    return Offer(name, text.partition("\n")[0], lambda: text)


def of_layer(
    sight: Sight, rows: Sequence[int], found: Iterable[Finding], told: Iterable[Paragraph]
) -> Iterator[Offer]:
    """Of the row under the cursor: its path, its cells, the findings on it, all that is told."""
    path = path_of(sight.table, rows)
    if path:
        yield offer("path", path)
    yield _row(layer_table(dataclasses.replace(sight, rows=[rows])).rows[0])
    paths = {sight.table.path(row) for row in rows}
    yield from (_finding(each) for each in found if each.path in paths)
    yield of_detail(told)


def of_detail(told: Iterable[Paragraph]) -> Offer:
    """All that is told of a row."""
    lines = ["".join(span.text for span in paragraph.spans).rstrip() for paragraph in told]
    return Offer("detail", _lines(len(lines)), lambda: "\n".join(lines).strip() + "\n")


def of_bench(row: BenchRow, told: Iterable[Paragraph]) -> Iterator[Offer]:
    """Of one configuration."""
    yield _row(bench_row(row))
    yield of_detail(told)


def of_finding(finding: Finding) -> Iterator[Offer]:
    """Of one finding: all of it, where it is, and what to write instead."""
    yield _finding(finding)
    if finding.path:
        yield offer("path", finding.path)
    if finding.change:
        yield offer("instead", finding.change)


def of_tensor(stats: TensorStats, whole: int) -> Iterator[Offer]:
    """Of one tensor; `whole` is the bytes of all."""
    yield offer("path", stats.path)
    yield _row(weight_row(stats, whole))


def of_table(shown: Shown, rows: int) -> Iterator[Offer]:
    """All that is in view, as tables."""
    many = units.counted(rows, "row")
    yield Offer("table, Markdown", many, lambda: as_markdown(shown.table()))
    yield Offer("table, TSV", f"{many}, for a spreadsheet", lambda: as_tsv(shown.table()))


def layers_command(setup: Setup) -> Offer:
    """What opens the same again."""
    return offer("command", command(setup))


def bench_command(result: BenchResult) -> Offer:
    """What times the same again."""
    keys = [row.key for row in result.rows]
    lists = (
        ("--devices", [key.device for key in keys]),
        ("--batch", [str(key.batch) for key in keys]),
        ("--modes", [key.mode for key in keys]),
    )
    more = [word for name, all_of in lists for word in (name, ",".join(dict.fromkeys(all_of)))]
    return offer("command", command(result.setup, "bench", *more))


def check_command(result: CheckResult) -> Offer:
    """What finds the same again."""
    said = (("--loss", result.loss), ("--task", result.task))
    more = [word for name, value in said if value for word in (name, value)]
    return offer("command", command(result.setup, "check", *more))


def weights_command(setup: Setup) -> Offer:
    """What lists the same again."""
    more = ("--view", "weights", "--format", "csv")
    return offer("command", command(setup, "export", *more))


def _row(cells: Row) -> Offer:
    return offer("row", GAP.join(filter(None, Table((), (cells,)).texts[0])).strip())


def _finding(finding: Finding) -> Offer:
    lines = list(findings.block(finding))
    return Offer(f"finding {finding.code}", finding.name, lambda: "\n".join(lines) + "\n")


def _lines(count: int) -> str:
    return units.counted(count, "line")
