"""The screen with its keys."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from nninspect.protocol.findings import LOSSES, TASKS
from nninspect.ui.log_book import SOURCES
from nninspect.ui.messages import Said
from nninspect.ui.screens.taking import TakingScreen
from nninspect.ui.widgets.link_page import LinkPage

FILTER = "filter by name, type, path or shape; the log by words"
PLAN = "say what to time: devices, batch sizes, modes, and for how long"
TWIN = "a broken network beside the good one it should have been"
LOSS = "say what the model is trained with"
TASK = "say what the model's output is for"
INPUTS = "edit the inputs, the batch and the mode"
WATCH = "reload as soon as a file is saved, or not"
VALUES = "look at the values of every weight"
LEAVE = "from a page back to its rows"
COPY = "copy a path, a row, a table or what is told"
EXPORT = "write what this tab shows as JSON, CSV, Markdown or SVG"
CLEAR = "clear the filter, or close the notice"


class MainScreen(TakingScreen):
    """What each key does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", tooltip="stop what is running", id="cancel"),
        Binding("escape", "leave_page", "back", show=False, tooltip=LEAVE, id="page.leave"),
        Binding("escape", "clear", "clear", show=False, tooltip=CLEAR, id="clear"),
        Binding("slash", "filter", "filter", tooltip=FILTER, id="filter"),
        Binding("enter", "detail", "detail", tooltip="show or hide the detail", id="detail"),
        Binding("d", "move", "device", tooltip="move the model to the next device", id="device"),
        Binding("i", "inputs", "inputs", tooltip=INPUTS, id="inputs"),
        Binding("t", "dtype", "the next dtype", show=False, id="dtype"),
        Binding("E", "training", "train or eval", show=False, id="training"),
        Binding("b", "bench", "bench", tooltip="time the model on every device", id="bench"),
        Binding("B", "plan", "plan a bench", show=False, tooltip=PLAN, id="bench.plan"),
        Binding("c", "check", "check", tooltip="ask the doctor what is wrong", id="check"),
        Binding("X", "twin", "twin", show=False, tooltip=TWIN, id="twin"),
        Binding("y", "copy", "copy", tooltip=COPY, id="copy"),
        Binding("e", "export", "export", show=False, tooltip=EXPORT, id="export"),
        Binding("o", "open", "open", tooltip="open another model", id="open"),
        Binding("r", "reload", "reload", tooltip="read the files again", id="reload"),
        Binding("W", "watch", "watch", show=False, tooltip=WATCH, id="watch"),
        Binding("R", "restart", "restart the worker", show=False, id="restart"),
        Binding("1", "tab('layers')", "the Layers tab", show=False, id="tab.layers"),
        Binding("2", "tab('bench')", "the Bench tab", show=False, id="tab.bench"),
        Binding("3", "tab('doctor')", "the Doctor tab", show=False, id="tab.doctor"),
        Binding("4", "tab('weights')", "the Weights tab", show=False, id="tab.weights"),
        Binding("5", "tab('log')", "the Log tab", show=False, id="tab.log"),
        Binding("tab", "app.focus_next", "the next pane", show=False, id="pane.next"),
        Binding("shift+tab", "app.focus_previous", "the pane before", show=False, id="pane.before"),
        Binding("v", "weigh", "values", show=False, tooltip=VALUES, id="weights.look"),
        Binding("L", "loss", "loss", show=False, tooltip=LOSS, id="doctor.loss"),
        Binding("T", "task", "task", show=False, tooltip=TASK, id="doctor.task"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that would do nothing here are not offered."""
        if action == "cancel":
            return self.activity is not None
        if action == "leave_page":
            return isinstance(self.focused, LinkPage)
        if action in ("inputs", "dtype", "training"):
            return self.picture is not None
        if action == "detail" or (action == "filter" and self.tab != "log"):
            return self.tab == "layers" and self.picture is not None
        if action in ("loss", "task"):
            return self.tab == "doctor"
        return True

    def action_tab(self, tab: str) -> None:
        self.tab = tab
        if tab == "weights" and self._weights.tensors is None and not self.session.is_busy:
            self.session.weigh()
        self.refresh_bindings()

    def action_cancel(self) -> None:
        self.session.cancel()

    async def action_clear(self) -> None:
        if self.tab == "log":
            await self._log.close_filter(clear=True)
        elif self._layers.has_filter:
            await self._layers.close_filter(clear=True)
        elif self.picture is not None:
            self._layers.show_problem(None)

    async def action_filter(self) -> None:
        await (self._log if self.tab == "log" else self._layers).open_filter()

    def action_log_source(self, source: str) -> None:
        self._log.choose(next((each for each in SOURCES if each == source), None))

    def action_detail(self) -> None:
        self._layers.toggle_detail()

    def action_move(self) -> None:
        self.session.move()

    def action_inputs(self) -> None:
        self.change_inputs()

    def action_dtype(self) -> None:
        self.session.next_dtype()

    def action_training(self) -> None:
        if self.picture is not None:
            self.session.change(training=not self.picture.inspection.setup.training)

    def action_weigh(self) -> None:
        self.tab = "weights"
        self.session.weigh()

    def action_bench(self) -> None:
        self.tab = "bench"
        self.session.bench()

    def action_check(self) -> None:
        self.tab = "doctor"
        self.session.check()

    def action_twin(self) -> None:
        if self.session.setup is not None:
            self.ask_twin(self.session.setup.target)

    def action_loss(self) -> None:
        self.ask_plan("loss", tuple(LOSSES.values()))

    def action_task(self) -> None:
        self.ask_plan("task", TASKS)

    def action_plan(self) -> None:
        self.ask_bench()

    def action_reload(self) -> None:
        self.session.reload()

    def action_watch(self) -> None:
        self.watching = not self.watching
        self.said = Said("your files are watched" if self.watching else "no file is watched")

    def action_restart(self) -> None:
        self.session.restart()

    def action_copy(self) -> None:
        self.ask_copy()

    def action_export(self) -> None:
        self.ask_export()

    def action_open(self) -> None:
        self.ask_target()
