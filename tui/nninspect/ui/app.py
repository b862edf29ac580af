"""The application: the main screen, and how it starts and ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Resize
from textual.screen import Screen

from nninspect.client.api import Client
from nninspect.protocol.records import Setup
from nninspect.ui import garbage
from nninspect.ui.display.rewriting import rewriting
from nninspect.ui.preferences import DEFAULTS, Preferences
from nninspect.ui.screens.main import MainScreen
from nninspect.ui.spans import SPAN_STYLES
from nninspect.ui.type_ahead import TypeAheadApp


@runtime_checkable
class Redrawable(Protocol):
    """A driver that remembers what the terminal shows."""

    def forget(self, width: int) -> None: ...


WIDTHS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]
HEIGHTS: list[tuple[int, str]] | None = [(0, "-tiny"), (10, "-low"), (14, "-tall")]

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class NninspectApp(TypeAheadApp):
    """It shows the first frame, then has the worker started."""

    TITLE = "nninspect"
    COMPONENT_CLASSES: ClassVar[set[str]] = SPAN_STYLES
    CSS_PATH = Path(__file__).with_name("nninspect.tcss")
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark,f1", "keys", "help", key_display="?", tooltip="this help", id="help"
        ),
        Binding("q", "quit", "quit", id="quit"),
        Binding("ctrl+q", "quit", "quit", show=False, id="quit.always"),
        Binding("ctrl+l", "redraw", "draw the screen anew", show=False, id="redraw"),
        Binding("ctrl+c", "interrupt", "cancel, or quit", show=False, id="interrupt"),
    ]

    def __init__(
        self,
        client: Client,
        setup: Setup | None = None,
        preferences: Preferences = DEFAULTS,
        model: Setup | None = None,
    ) -> None:
        """`model`: what a file of weights is compared with."""
        self._preferences = preferences
        self.chosen_keys, self._wrong_keys = _chosen(preferences)
        super().__init__()
        self.animation_level = "none"
        self._has_failed = False
        self._main = MainScreen(client, setup, preferences.watch)
        self._main.session.model = model

    @property
    def ascii_only(self) -> bool:
        """Whether nothing but ASCII is drawn; charts are drawn otherwise then."""
        return self._preferences.ascii

    def get_default_screen(self) -> MainScreen:
        return self._main

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver for this platform; where that is a terminal's, ours on top of it."""
        driver = super().get_driver_class()
        if not self._preferences.stock_display and driver.__name__ == "LinuxDriver":
            from nninspect.ui.display.driver import DiffingDriver

            driver = DiffingDriver
        if self.ascii_only:
            from nninspect.ui.display.ascii import to_ascii

            driver = rewriting(driver, to_ascii)
        if self.no_color:
            from nninspect.ui.display.colourless import without_colours

            driver = rewriting(driver, without_colours)
        return driver

    def on_mount(self) -> None:
        self._end_with_signals()
        self.call_after_refresh(self._first_frame, self._take_preferences())

    def _take_preferences(self) -> list[str]:
        """The theme and the keys that were chosen; returns what of them can't be had."""
        from nninspect.ui.themes import HIGH_CONTRAST, choose_theme

        self.register_theme(HIGH_CONTRAST)
        complaints = [*self._preferences.complaints, *choose_theme(self, self._preferences.theme)]
        if self.chosen_keys:
            self.set_keymap(dict(self.chosen_keys))
        return [*complaints, *self._wrong_keys]

    async def _first_frame(self, complaints: list[str]) -> None:
        self._main.complain(complaints)
        await self._main.begin()
        garbage.resume_collections()

    def _end_with_signals(self) -> None:
        """Textual leaves the terminal as it drew it when a signal ends it."""
        loop = asyncio.get_running_loop()
        for number in ENDING_SIGNALS:
            # No such signal here, or not the main thread, as in a test or on a server.
            with suppress(RuntimeError, ValueError):
                loop.add_signal_handler(number, self._end, number)

    def _end(self, number: int) -> None:
        self.exit(return_code=128 + number)

    def on_resize(self, event: Resize) -> None:
        self._forget_display(event.size.width)

    def action_redraw(self) -> None:
        """Draw everything, whatever the terminal shows by now."""
        self._forget_display(self.size.width)
        self.screen.refresh()

    def display_gave_up(self, why: str) -> None:
        """The diffing display found a fault in itself: the stock one goes on from here."""
        self._main.note(f"the diffing display is off: {why}; please report it")
        self.screen.refresh()

    def write_through(self, sequence: str) -> None:
        """Send the terminal what draws nothing, as a text for its clipboard."""
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def _forget_display(self, width: int) -> None:
        if isinstance(self._driver, Redrawable):
            self._driver.forget(width)

    def action_interrupt(self) -> None:
        """What a person expects of ctrl+c: stop what runs; with nothing running, the app."""
        session = self._main.session
        if session.is_busy:
            session.cancel()
        else:
            self.exit()

    def _fatal_error(self) -> None:
        """Textual's own draws the traceback, with all its values, across the terminal."""
        from rich.text import Text

        from nninspect.ui.crash import report

        error = sys.exception()
        if error is not None and not self._has_failed:
            self._has_failed = True  # what comes of it while the app ends is no news
            self.exit(return_code=1, message=Text(report(error)))

    def action_keys(self) -> None:
        from nninspect.ui.screens.help import Help

        self.push_screen(Help(self.screen))

    def action_rule(self, code: str) -> None:
        """What a rule of the doctor finds, and why; a network that shows it can be opened."""
        from nninspect.ui.screens.rule import RuleScreen

        self.push_screen(RuleScreen(code), self._main.open_target)

    def get_key_display(self, binding: Binding) -> str:
        """As Textual's, which has signs for some; their names where only ASCII is drawn."""
        shown = super().get_key_display(binding)
        return binding.key if self.ascii_only and not shown.isascii() else shown

    def action_command_palette(self) -> None:
        from nninspect.ui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """As Textual's, in our palette."""
        from textual.theme import ThemeProvider

        from nninspect.ui.screens.palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: our own actions and the theme."""
        from nninspect.ui.commands import commands

        yield from commands(self, screen)


def _chosen(preferences: Preferences) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The keymap, and what can't be had; it is there before a widget tells of a key."""
    if not preferences.keys:
        return {}, ()
    from nninspect.ui.keys import keymap

    return keymap(preferences.keys)


def run_app(
    client: Client,
    setup: Setup | None = None,
    preferences: Preferences = DEFAULTS,
    model: Setup | None = None,
) -> int:
    """Run the UI until it is quit, end the worker, and return the exit code."""
    garbage.wait_with_collections()
    return asyncio.run(serve(NninspectApp(client, setup, preferences, model), client))


async def serve(app: NninspectApp, client: Client, headless: bool = False) -> int:
    """Run an app; its client is closed however it ends."""
    try:
        await app.run_async(headless=headless)
    finally:
        await client.close()
    return app.return_code or 0
