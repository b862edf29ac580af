"""stdout carries data, stderr progress and messages; this module alone writes to either."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Sequence

from nninspect.cli.exit_codes import exit_code_of
from nninspect.client.api import Advanced, Event, Printed
from nninspect.errors import NninspectError
from nninspect.protocol.bench_plan import BenchProgress
from nninspect.text import elided
from nninspect.text.bench import latest, progress
from nninspect.text.plain import plain, without_escapes
from nninspect.text.remarks import name

PIPE_WIDTH = 100
"""Columns that a table should fit in where there is no terminal."""

_CLEAR_LINE = "\r\x1b[K"


class Console:
    """Where a command prints to."""

    def __init__(self, *, traceback: bool = False) -> None:
        """`traceback`: print a failure's traceback as well."""
        self._traceback = traceback
        self._shows_progress = sys.stderr.isatty()
        self._has_progress = False
        self._stage = ""
        """What is under way."""

    def lines(self, lines: Iterable[str]) -> None:
        """Data, as text."""
        for line in lines:
            print(line)

    def sentences(self, sentences: Iterable[str]) -> None:
        """Data, as text; a terminal breaks it between words."""
        for each in sentences:
            self.lines([each] if self.width is None else textwrap.wrap(each, self.width) or [""])

    def json(self, value: object) -> None:
        """Data, as JSON."""
        print(json.dumps(value, indent=2, ensure_ascii=False))

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        left: int | Collection[int] = 1,
        may_narrow: Sequence[int] = (),
    ) -> None:
        """Data, as a table; `left`, so many of the first columns or these, are text, the others
        figures.

        `may_narrow`: the columns whose cells lose their middle where the table is too wide.
        """
        rows = elided.fitted(titles, rows, may_narrow, self.width or PIPE_WIDTH)
        texts = range(left) if isinstance(left, int) else left
        if self.width is not None:
            _print_rich(titles, rows, texts)
        else:
            self.lines(aligned(titles, rows, texts))

    @property
    def width(self) -> int | None:
        """Columns of the terminal that data goes to; None where it goes to none."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def hear(self, event: Event) -> None:
        """What a worker says meanwhile: progress, and what user code prints."""
        match event:
            case Advanced(_, _, BenchProgress() as found):
                of = f"; {name(found.latest)} at {latest(found)}" if found.latest else ""
                self._stage = f"{progress(found)}{of}"
                self._progress(self._stage)
            case Advanced(stage, fraction):
                done = "" if fraction is None else f" {fraction:.0%}"
                self._stage = f"{plain(stage)}{done}"
                self._progress(self._stage)
            case Printed(text):
                self.clear_progress()
                sys.stderr.write(text)
                sys.stderr.flush()

    def waited(self, seconds: float, way_out: str) -> None:
        """That the stage under way still is, and what ends it."""
        if self._stage:
            told = f" ({seconds:.0f} s so far; {way_out})"
            room = shutil.get_terminal_size().columns - 1 - len(told)
            self._progress(f"{self._stage[: max(0, room)]}{told}")

    def starting(self, text: str) -> None:
        """A sign of life, until `clear_progress`, while what is slow is imported."""
        self._progress(text)

    def _progress(self, text: str) -> None:
        if self._shows_progress:
            room = shutil.get_terminal_size().columns - 1  # a second line would stay behind
            sys.stderr.write(f"{_CLEAR_LINE}{text[:room]}")
            sys.stderr.flush()
            self._has_progress = True

    def clear_progress(self) -> None:
        """Take the progress line away before anything else is written."""
        if self._has_progress:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()
            self._has_progress = False

    def error(self, error: NninspectError) -> int:
        """Print what failed and what to do next; the exit code that goes with it."""
        self.clear_progress()
        for line in error_lines(error, traceback=self._traceback):
            print(line, file=sys.stderr)
        return exit_code_of(error)

    def note(self, text: str) -> None:
        """A message beside the data."""
        self.clear_progress()
        print(f"nninspect: {text}", file=sys.stderr)


def error_lines(error: NninspectError, *, traceback: bool) -> Iterable[str]:
    """An error as text: message, where, hint, choices; the traceback only when asked for."""
    if traceback and error.details:
        yield without_escapes(error.details.rstrip())
    where = f" [{plain(error.where)}]" if error.where else ""
    yield f"nninspect: {plain(error.message)}{where}"
    if error.hint:
        yield f"  {plain(error.hint)}"
    for choice in error.choices:
        yield f"    {plain(choice)}"
    if error.details and not traceback:
        yield "  (--traceback shows the whole traceback)"


def aligned(
    titles: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int]
) -> Iterable[str]:
    """Columns as wide as their widest cell, two spaces apart; text left, figures right."""
    table = [tuple(titles), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(titles))]
    for row in table:
        cells = (
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _print_rich(
    titles: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column, title in enumerate(titles):
        is_text = column in left
        table.add_column(title, justify="left" if is_text else "right", no_wrap=not is_text)
    for row in rows:
        table.add_row(*map(Text, row))
    RichConsole(highlight=False).print(table)
