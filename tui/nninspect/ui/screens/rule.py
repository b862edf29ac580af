"""What a rule of the doctor finds, why that matters, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from nninspect.doctor import manual
from nninspect.text.plain import plain
from nninspect.ui.finding_text import MARKS, STYLES
from nninspect.ui.highlight import highlighted
from nninspect.ui.hints import Hint, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.spans import Paragraph, Span, code_line, paragraph
from nninspect.ui.widgets.link_page import LinkPage


class RuleScreen(Once, ModalScreen[str]):
    """It gives back a network to open, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w", "dismiss", "close", id="rule.close"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="rule.quit"),
    ]

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def compose(self) -> ComposeResult:
        page = LinkPage(id="rule")
        page.set_reactive(LinkPage.paragraphs, tuple(_paragraphs(self._code)))
        page.border_title = self._code
        page.border_subtitle = key_words(self, Hint("rule.close", "closes"))
        yield page

    def action_show(self, network: str) -> None:
        self.dismiss(network)

    def action_leave_page(self) -> None:
        self.dismiss(None)


def _paragraphs(code: str) -> Iterator[Paragraph]:
    page = manual.page(code)
    if page is None:
        yield paragraph(f"nothing is written about {plain(code)}", "dim")
        return
    style = STYLES[page.severity]
    yield Paragraph(
        (
            Span(f"{MARKS[page.severity]} ", style),
            Span(page.name, style),
            Span(f"  {page.severity.word}, {page.family}", "dim"),
        )
    )
    yield Paragraph()
    yield paragraph(page.summary, "strong")
    for title, text in (
        ("what it flags", page.flags),
        ("why", page.why),
        ("instead", page.instead),
    ):
        yield Paragraph()
        yield paragraph(title, "dim")
        yield paragraph(text)
    yield Paragraph()
    yield paragraph("example", "dim")
    for line in highlighted(page.example):
        yield code_line("  ", line)
    yield from _networks(manual.shown_by(code))


def _networks(names: tuple[str, ...]) -> Iterator[Paragraph]:
    """Those that show the rule; each opens."""
    if names:
        yield Paragraph()
        yield paragraph("shown by", "dim")
    for name in names:
        yield Paragraph((Span("  "), Span(name, "link", f"screen.show({name!r})")))
