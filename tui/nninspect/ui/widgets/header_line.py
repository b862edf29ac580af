"""The top line: what is looked at, where it is, and its totals."""

from __future__ import annotations

from textual.reactive import reactive

from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.records import Environment, Inspection
from nninspect.text import headline
from nninspect.ui.spans import Span
from nninspect.ui.widgets.line import Line

STYLES = {"app": "accent", "target": "strong", "mode": "dim", "dtype": "dim", "guesses": "warn"}


ACTIONS = {
    "target": "screen.open",
    "dtype": "screen.dtype",
    "mode": "screen.training",
    "input": "screen.inputs",
}
"""What a click on a part does; one on the devices moves the model."""


class HeaderLine(Line):
    """It says where the model is and which other devices there are."""

    inspection: reactive[Inspection | None] = reactive(None)
    environment: reactive[Environment | None] = reactive(None)
    stored: reactive[Checkpoint | None] = reactive(None)
    """A file of weights, where that is looked at."""

    def watch_stored(self) -> None:
        self._write()

    def watch_inspection(self) -> None:
        self._write()

    def watch_environment(self) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        if self.inspection is not None:
            pieces = headline.pieces(self.inspection, self.environment)
        elif self.stored is not None:
            pieces = headline.stored_pieces(self.stored)
        else:
            self.spans = (Span(headline.APP, "accent"),)
            return
        fitted = headline.fit(pieces, self.content_size.width)
        spans: list[Span] = []
        for key, text in fitted:
            if spans:
                spans.append(Span(headline.SEPARATOR, "dim"))
            spans += _devices(text) if key == "devices" else [_part(key, text)]
        self.spans = tuple(spans)


def _part(key: str, text: str) -> Span:
    return Span(text, STYLES.get(key, ""), ACTIONS.get(key, ""))


def _devices(text: str) -> list[Span]:
    current, arrow, others = text.partition(" ▸ ")
    return [Span(current, "good", "screen.move"), Span(arrow + others, "dim", "screen.move")]
