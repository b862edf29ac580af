"""Python source as paragraphs: numbered, highlighted, one line standing out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from nninspect.protocol.source import Source
from nninspect.text.plain import plain
from nninspect.ui.spans import Paragraph, Span, paragraph

STYLES = {
    "Keyword": "code-word",
    "Operator.Word": "code-word",
    "Name.Function": "code-name",
    "Name.Class": "code-name",
    "Name.Builtin": "code-name",
    "Name.Decorator": "code-name",
    "Literal.String": "code-text",
    "Literal.Number": "code-number",
    "Comment": "code-remark",
}
"""By the beginning of the name of a token's type."""
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
        yield Paragraph((Span(f"{mark}{number:>5}  ", style), *spans), wraps=False)


def _line_in(source: Source, line: str) -> int | None:
    file, _, number = line.rpartition(":")
    same_file = PurePath(file).name == PurePath(source.file).name
    return int(number) if file and same_file and number.isdecimal() else None


def highlighted(text: str) -> Iterator[tuple[Span, ...]]:
    """The lines of Python source, each as spans."""
    from pygments.lexers.python import PythonLexer

    spans: list[Span] = []
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        style = _style(str(kind).removeprefix("Token."))
        first, *others = value.split("\n")
        spans.append(Span(_plain(first), style))
        for piece in others:
            yield tuple(span for span in spans if span.text)
            spans = [Span(_plain(piece), style)]
    if any(span.text for span in spans):
        yield tuple(span for span in spans if span.text)


def _plain(text: str) -> str:
    return plain(text.expandtabs(4))


def _style(kind: str) -> str:
    return next((style for name, style in STYLES.items() if kind.startswith(name)), "")
