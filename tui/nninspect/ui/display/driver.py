"""Textual's driver for a terminal, with every frame made shorter on its way out."""

from __future__ import annotations

from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from nninspect.ui.display.frames import FrameFilter


class DiffingDriver(LinuxDriver):
    """What is drawn is the same as ever; only what changed of it is sent.

    It reads what Textual writes, not how Textual makes it, so nothing private of it is used.
    """

    def __init__(self, app: Any, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.frames = FrameFilter(lambda why: app.call_later(app.display_gave_up, why))

    def write(self, data: str) -> None:
        if shorter := self.frames.filter(data):
            super().write(shorter)

    def forget(self, width: int) -> None:
        """A terminal that many cells wide may show anything: send all of the next frame."""
        self.frames.forget(width)
