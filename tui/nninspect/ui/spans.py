"""Styled pieces of text, and how they become the strips that Textual draws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.css.styles import RenderStyles
from textual.strip import Strip
from textual.widget import Widget

SPAN_STYLES = {
    f"span--{name}"
    for name in (
        *("dim", "strong", "accent", "good", "bad", "warn", "key", "link", "active", "even", "odd"),
        *("code-word", "code-name", "code-text", "code-number", "code-remark", "code-here"),
    )
}
"""The component classes that a span may name, without their prefix; `nninspect.tcss` has them.

They are the app's: on each widget that draws spans, Textual would match every one of them against
the whole stylesheet whenever the widget's classes change, which took a third of a start.
"""

ELLIPSIS = "…"
CODE_HANG = 4
"""How much further in a line of code goes on."""


class Span(NamedTuple):
    """A piece of one line: its text, its style, and the action that a click on it runs."""

    text: str
    style: str = ""
    action: str = ""


class Paragraph(NamedTuple):
    """Spans that wrap at words, later rows indented by `hang`; or one row, cropped."""

    spans: tuple[Span, ...] = ()
    hang: int = 0
    wraps: bool = True


def paragraph(text: str, style: str = "") -> Paragraph:
    """A paragraph in one style."""
    return Paragraph((Span(text, style),))


def code_line(gutter: str, spans: tuple[Span, ...], style: str = "dim") -> Paragraph:
    """A line of code behind a gutter; what does not fit goes on further in than it began."""
    text = "".join(span.text for span in spans)
    indent = len(text) - len(text.lstrip())
    return Paragraph((Span(gutter, style), *spans), hang=cell_len(gutter) + indent + CODE_HANG)


def ink(component: RenderStyles, background: Color) -> Style:
    """A component's colour and weight without its background, to lie on another."""
    style = component.text_style
    if component.has_rule("color"):
        style += Style(color=(background + component.color).rich_color)
    return style


class SpanPainter:
    """It draws spans on a widget's own background, or on that of a component of it; `forget` when
    the widget's styles change."""

    def __init__(self, widget: Widget, component: str = "") -> None:
        self._widget = widget
        self._component = component
        self._styles: dict[str, Style] = {}

    def forget(self) -> None:
        self._styles.clear()

    def strip(self, spans: Iterable[Span], width: int) -> Strip:
        """The spans, cropped and padded to a width."""
        segments = [Segment(text, self._style(style)) for text, style, _ in spans if text]
        return Strip(segments).adjust_cell_length(width, self._style(""))

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._widget.rich_style
            if self._component:
                style = self._widget.get_component_rich_style(self._component)
            if name:
                component = self._widget.app.get_component_styles(f"span--{name}")
                style += ink(component, self._widget.background_colors[1])
            self._styles[name] = style
        return style


def span_at(spans: Iterable[Span], x: int) -> Span | None:
    """The span that covers a cell."""
    for span in spans:
        x -= cell_len(span.text)
        if x < 0:
            return span
    return None


def crop(text: str, width: int) -> str:
    """The text in at most that many cells, an ellipsis where some of it is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""


def pad(text: str, width: int, right: bool = False) -> str:
    """The text in exactly that many cells."""
    text = crop(text, width)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def wrap(found: Paragraph, width: int) -> list[tuple[Span, ...]]:
    """The rows that a paragraph takes at a width."""
    if not found.wraps or width < 1:
        return [found.spans]
    hang = min(found.hang, width // 2)
    rows: list[list[Span]] = [[]]
    used = 0
    for unit in _units(found.spans, width - hang):
        text = "".join(span.text for span in unit)
        is_break = text == "\n"
        if is_break or (used > hang and used + cell_len(text.rstrip()) > width):
            rows.append([Span(" " * hang)])
            used = hang
        if not is_break:
            rows[-1] += unit
            used += cell_len(text)
    return [tuple(row) for row in rows]


def _units(spans: Iterable[Span], width: int) -> Iterator[list[Span]]:
    """What stays together on a row: words, in however many styles, as far as they fit one."""
    unit: list[Span] = []
    used, is_open = 0, False
    for text, style, action in spans:
        for word in _words(text, width):
            if unit and (not is_open or word == "\n" or used + cell_len(word.rstrip()) > width):
                yield unit
                unit, used = [], 0
            unit.append(Span(word, style, action))
            used += cell_len(word)
            is_open = not word[-1].isspace()
    if unit:
        yield unit


def _words(text: str, width: int) -> Sequence[str]:
    """Words with the spaces after them, those wider than a row in pieces; breaks as "\\n"."""
    pieces: list[str] = []
    for word in re.findall(r"\n|[^\S\n]+|\S+[^\S\n]*", text):
        while cell_len(word.rstrip()) > width:
            head = set_cell_size(word, width).rstrip()
            pieces.append(head)
            word = word[len(head) :]
        if word:
            pieces.append(word)
    return pieces
