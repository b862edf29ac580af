"""The source of a module as paragraphs: numbered, highlighted, one line standing out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeAlias

from nninspect.protocol.source import Source
from nninspect.text.plain import plain
from nninspect.ui.highlight import highlighted
from nninspect.ui.spans import Paragraph, Span, code_line, paragraph

Row: TypeAlias = tuple[int, tuple[Span, ...]]
"""A line's number and what stands in it."""

HERE = "▸"
AROUND = 3
"""Lines shown before and after the one that matters, ahead of the whole."""


def source_paragraphs(source: Source, line: str = "") -> Iterator[Paragraph]:
    """The source with its place; `line`, as "net.py:18", stands out where it is in it, and comes
    first with those around it where it is further down."""
    if source.unknown:
        yield paragraph(source.unknown, "dim")
        return
    here = _line_in(source, line)
    rows = list(enumerate(highlighted(source.text), source.first_line))
    if here is not None and AROUND < here - source.first_line < len(rows):
        at = here - source.first_line
        yield from _numbered(_dedented(rows[max(0, at - AROUND) : at + AROUND + 1]), here)
        yield Paragraph()
    place = f"{PurePath(source.file).name}:{source.first_line}"
    only = ", its forward" if source.is_forward_only else ""
    yield Paragraph((Span(plain(source.owner), "strong"), Span(f"{only}  {plain(place)}", "dim")))
    yield from _numbered(rows, here)


def _numbered(rows: Iterable[Row], here: int | None) -> Iterator[Paragraph]:
    for number, spans in rows:
        mark, style = (HERE, "code-here") if number == here else (" ", "dim")
        yield code_line(f"{mark}{number:>5}  ", spans, style)


def _dedented(rows: Sequence[Row]) -> Iterator[Row]:
    """Without the indentation that all of them have; it is in the first span of each."""
    texts = ["".join(span.text for span in spans) for _, spans in rows]
    common = min(len(text) - len(text.lstrip()) for text in texts if text.strip())
    for number, spans in rows:
        cut = tuple(first._replace(text=first.text[common:]) for first in spans[:1])
        yield number, cut + spans[1:]


def _line_in(source: Source, line: str) -> int | None:
    file, _, number = line.rpartition(":")
    same_file = PurePath(file).name == PurePath(source.file).name
    return int(number) if file and same_file and number.isdecimal() else None
