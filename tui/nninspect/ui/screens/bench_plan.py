"""The dialog that asks what to time: devices, batch sizes, modes and for how long."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from nninspect.errors import BadInput
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.text import units
from nninspect.text.bench_plan import batch_field, plan
from nninspect.ui.hints import Hint, key_of, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.spans import paragraph
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.ticks import Tick

START = "plan.accept"
FIELDS = {
    "devices": "cpu,cuda:0 · empty: the CPU and the first accelerator",
    "batch": "1,8,64 · crossover · largest · empty: the input's",
    "modes": "inference,train,threads=2 · empty: inference",
    "seconds": "of warm-up, rounds and layers, at most",
    "memory": "4GiB · what the largest batch is to fit into",
}


class BenchPlanScreen(Once, ModalScreen[BenchPlan]):
    """It gives back the plan, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "start", id="plan.accept", priority=True),
        Binding("escape", "dismiss", "close", id="plan.close"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="plan.quit", priority=True),
    ]

    def __init__(self, before: BenchPlan) -> None:
        super().__init__()
        self._quick = before.quick
        self._values = {
            "devices": ",".join(before.devices),
            "batch": batch_field(before),
            "modes": ",".join(before.modes),
            "seconds": f"{before.max_time_s:g}",
            "memory": units.size(before.memory_limit_bytes) if before.memory_limit_bytes else "",
        }

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="plan") as box:
            box.can_focus = False
            box.border_title = "bench"
            box.border_subtitle = key_words(self, Hint(START), Hint("plan.close"))
            for name, about in FIELDS.items():
                with Horizontal(classes="plan-row"):
                    yield Label(name, classes="plan-name")
                    field = Input(
                        self._values[name], placeholder=about, id=f"plan-{name}", compact=True
                    )
                    field.cursor_blink = False
                    yield field
            yield Tick("quick: six rounds", self._quick, id="plan-quick", compact=True)
            yield Page(id="plan-check")

    def on_mount(self) -> None:
        self.query(Input).first().focus()
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        try:
            self._plan()
        except BadInput as error:
            said = (paragraph(f"{error.message}: {error.hint}", "bad"),)
        else:
            said = (paragraph(f"{key_of(self, START)} starts", "good"),)
        self.query_one("#plan-check", Page).paragraphs = said

    def _plan(self) -> BenchPlan:
        """Raises BadInput."""
        typed = {name: self.query_one(f"#plan-{name}", Input).value for name in FIELDS}
        return plan(
            typed["devices"],
            typed["batch"],
            typed["modes"],
            typed["seconds"],
            typed["memory"],
            self.query_one("#plan-quick", Tick).value,
        )

    def action_accept(self) -> None:
        try:
            self.dismiss(self._plan())
        except BadInput:
            self.app.bell()
