"""The source of a module as paragraphs: numbered, highlighted, one line standing out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from nninspect.protocol.source import Source
from nninspect.text.plain import plain
from nninspect.ui.highlight import highlighted
from nninspect.ui.spans import Paragraph, Span, code_line, paragraph

HERE = "▸"


def source_paragraphs(source: Source, line: str = "") -> Iterator[Paragraph]:
    """The source with its place; `line`, as "net.py:18", stands out where it is in it."""
    if source.unknown:
        yield paragraph(source.unknown, "dim")
        return
    place = f"{PurePath(source.file).name}:{source.first_line}"
    only = ", its forward" if source.is_forward_only else ""
    yield Paragraph((Span(plain(source.owner), "strong"), Span(f"{only}  {plain(place)}", "dim")))
    here = _line_in(source, line)
    for number, spans in enumerate(highlighted(source.text), source.first_line):
        mark, style = (HERE, "code-here") if number == here else (" ", "dim")
        yield code_line(f"{mark}{number:>5}  ", spans, style)


def _line_in(source: Source, line: str) -> int | None:
    file, _, number = line.rpartition(":")
    same_file = PurePath(file).name == PurePath(source.file).name
    return int(number) if file and same_file and number.isdecimal() else None
