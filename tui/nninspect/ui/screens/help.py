"""The keys, made from the bindings that work on the screen below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

from nninspect.ui.hints import Hint, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.spans import Paragraph, Span, paragraph
from nninspect.ui.widgets.page import Page

KEY = 18
TITLES = {"LayerTree": "In the tree", "LogPane": "In the log", "LogView": "In its lines"}


class Help(Once, ModalScreen[None]):
    """A list of keys; any of the closing ones leaves it."""

    AUTO_FOCUS = "Page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "dismiss", "close", id="help.close"),
        Binding("down,j", "scroll(1)", "down", show=False, id="help.down"),
        Binding("up,k", "scroll(-1)", "up", show=False, id="help.up"),
        Binding("pagedown,space", "scroll(10)", "page down", show=False, id="help.page_down"),
        Binding("pageup", "scroll(-10)", "page up", show=False, id="help.page_up"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="help.quit"),
    ]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._paragraphs = tuple(_paragraphs(below))

    def compose(self) -> ComposeResult:
        page = Page(id="help")
        page.set_reactive(Page.paragraphs, self._paragraphs)
        page.border_title = "keys"
        page.border_subtitle = key_words(self, Hint("help.close", "closes"))
        yield page

    def action_scroll(self, rows: int) -> None:
        self.query_one(Page).scroll_relative(y=rows, animate=False)


def _paragraphs(screen: Screen[object]) -> Iterator[Paragraph]:
    """The bindings of each node, the innermost first, each action with all its keys."""
    for node, actions in _by_node(screen).items():
        yield paragraph(_title(node, screen), "accent")
        for description, keys in actions.items():
            yield Paragraph(
                (Span(f"{'  '.join(keys):{KEY}} ", "key"), Span(description)), hang=KEY + 1
            )
        yield Paragraph()


def _by_node(screen: Screen[object]) -> dict[DOMNode, dict[str, list[str]]]:
    found: dict[DOMNode, dict[str, list[str]]] = {}
    for node, binding, _, _ in screen.active_bindings.values():
        if binding.id and binding.description:
            does = binding.tooltip or binding.description
            keys = found.setdefault(node, {}).setdefault(does, [])
            display = screen.app.get_key_display(binding)
            if display not in keys:
                keys.append(display)
    return found


def _title(node: DOMNode, screen: Screen[object]) -> str:
    if node is screen:
        return "Everywhere"
    return "Application" if node is screen.app else TITLES.get(type(node).__name__, "Here")
