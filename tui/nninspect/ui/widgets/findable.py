"""A list that is narrowed by typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.events import Key
from textual.message import Message
from textual.widgets.option_list import Option

from nninspect.ui.widgets.options import Options


class Findable(Options):
    """Keys and what is said of them; the ones in view have each word that was typed.

    The first character that is no key of the screen's begins it, as does `find`; from there on
    every character counts, whatever it does otherwise.
    """

    @dataclass
    class Narrowed(Message):
        """Something else is looked for; None when nothing is."""

        typed: str | None

    def __init__(self, choices: Mapping[str, str], *, id: str | None = None) -> None:
        self._choices = choices
        self.typed: str | None = None
        super().__init__(*self._fitting(), id=id, markup=False)

    def find(self, typed: str | None) -> None:
        """Show what fits, the cursor where it was if that is still there; None shows all."""
        before = self.highlighted_option
        self.typed = typed
        options = self._fitting()
        self.clear_options()
        self.add_options(options)
        kept = (place for place, each in enumerate(options) if before and each.id == before.id)
        self.highlighted = next(kept, 0 if options else None)
        self.post_message(self.Narrowed(typed))

    def _fitting(self) -> list[Option]:
        words = (self.typed or "").lower().split()
        return [
            Option(text, key)
            for key, text in self._choices.items()
            if all(word in text.lower() for word in words)
        ]

    def on_key(self, event: Key) -> None:
        if self.typed is None and event.key in self.screen.active_bindings:
            return
        if event.key == "backspace" and self.typed is not None:
            self.find(self.typed[:-1])
        elif event.is_printable and event.character:
            self.find((self.typed or "") + event.character)
        else:
            return
        event.stop()
        event.prevent_default()
