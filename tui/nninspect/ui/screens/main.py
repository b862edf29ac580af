"""The screen with its keys."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from nninspect.ui.screens.told import ToldScreen

FILTER = "filter by name, type, path or shape"
CLEAR = "clear the filter, or close the notice"


class MainScreen(ToldScreen):
    """What each key does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", tooltip="stop what is running", id="cancel"),
        Binding("escape", "clear", "clear", show=False, tooltip=CLEAR, id="clear"),
        Binding("slash", "filter", "filter", tooltip=FILTER, id="filter"),
        Binding("enter", "detail", "detail", tooltip="show or hide the detail", id="detail"),
        Binding("d", "move", "device", tooltip="move the model to the next device", id="device"),
        Binding("b", "bench", "bench", tooltip="time the model on every device", id="bench"),
        Binding("o", "open", "open", tooltip="open another model", id="open"),
        Binding("r", "reload", "reload", tooltip="read the files again", id="reload"),
        Binding("R", "restart", "restart the worker", show=False, id="restart"),
        Binding("1", "tab('layers')", "the Layers tab", show=False, id="tab.layers"),
        Binding("2", "tab('bench')", "the Bench tab", show=False, id="tab.bench"),
        Binding("3", "tab('log')", "the Log tab", show=False, id="tab.log"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that would do nothing here are not offered."""
        if action == "cancel":
            return self.activity is not None
        if action in ("filter", "detail"):
            return self.tab == "layers" and self.picture is not None
        return True

    def action_tab(self, tab: str) -> None:
        self.tab = tab
        self.refresh_bindings()

    def action_cancel(self) -> None:
        self.session.cancel()

    def action_clear(self) -> None:
        if self._layers.has_filter:
            self._layers.close_filter(clear=True)
        elif self.picture is not None:
            self._layers.show_problem(None)

    def action_filter(self) -> None:
        self._layers.open_filter()

    def action_detail(self) -> None:
        self._layers.toggle_detail()

    def action_move(self) -> None:
        self.session.move()

    def action_bench(self) -> None:
        self.tab = "bench"
        self.session.bench()

    def action_reload(self) -> None:
        self.session.reload()

    def action_restart(self) -> None:
        self.session.restart()

    def action_open(self) -> None:
        self.ask_target()
