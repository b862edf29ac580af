"""Textual's lists of options, in terminals without any room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import OptionList

if TYPE_CHECKING:
    _List = OptionList
else:
    _List = object  # as the second list among its bases it would hide the first one's styles


def has_room(shown: OptionList) -> bool:
    """Whether it has lines: one that is not laid out yet, or is nothing but its border, has none,
    and Textual's own paging would look for them."""
    return bool(shown.scrollable_content_region)


class Paged(_List):
    """What a list of Textual's is mixed with, to page through what it shows."""

    def action_page_up(self) -> None:
        if has_room(self):
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        if has_room(self):
            super().action_page_down()  # type: ignore[no-untyped-call]


class Options(Paged, OptionList):
    """One is chosen of it."""
