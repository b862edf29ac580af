"""The dialog that asks what to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from nninspect.ui.offers import Offer
from nninspect.ui.screens.choose import ChooseOne

NAME = 17


class CopyScreen(ChooseOne):
    """It gives back the place of an offer, or nothing. The key that opened it takes the first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "take", "copy", id="copy.take"),
    ]

    def __init__(self, offers: Sequence[Offer]) -> None:
        lines = {
            str(place): f"{each.name:{NAME}} {each.preview}" for place, each in enumerate(offers)
        }
        super().__init__("copy", lines, "0")

    def action_take(self) -> None:
        self.query_one(OptionList).action_select()
