"""What the user is asked, each in a dialog of its own, and what follows from the answer."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nninspect.client.api import Client
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.records import Problem, Setup
from nninspect.ui.messages import Said
from nninspect.ui.screens.showing import ShowingScreen
from nninspect.ui.session import Session

if TYPE_CHECKING:
    from nninspect.recent import Recent
    from nninspect.ui.choices import Choice

NOT_SAID = "as the model card says, or not known"


class AskingScreen(ShowingScreen):
    """A dialog is loaded when it is first asked for: that keeps the first frame quick."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.session = Session(client, self.post_message)

    @cached_property
    def recent(self) -> Recent:
        """What was opened before; made when it is first asked for."""
        from nninspect.recent import Recent, default_file

        return Recent(default_file(), Path.cwd())

    def ask_target(self, problem: Problem | None = None) -> None:
        """Ask what to look at: the cards, or what a problem says would have worked."""
        from nninspect.ui.screens.picker import Picker

        self.app.push_screen(Picker(self.recent, problem), partial(self._open_choice, problem))

    def _open_choice(self, problem: Problem | None, choice: Choice | None) -> None:
        """With its own options; what a problem offers, with those that led to the problem."""
        if choice is None:
            return
        setup = choice.setup
        if problem is not None and self.session.setup is not None:
            setup = msgspec.structs.replace(self.session.setup, target=choice.target)
        if setup is None:
            self.open_target(choice.target)
        else:
            self.tab = "layers"
            self.session.open(setup)

    def ask_plan(self, what: str, known: tuple[str, ...]) -> None:
        """Ask for the loss or the task, and check again with it."""
        from nninspect.ui.screens.choose import ChooseOne

        plan = self.session.check_plan
        self.app.push_screen(
            ChooseOne(
                what, {"": NOT_SAID, **dict(zip(known, known, strict=True))}, getattr(plan, what)
            ),
            partial(self._check_with, what),
        )

    def _check_with(self, what: str, value: str | None) -> None:
        if value is not None:
            plan = self.session.check_plan
            self.session.check_plan = msgspec.structs.replace(plan, **{what: value})
            self.session.check()

    def ask_bench(self) -> None:
        """Ask what to time, and time it."""
        from nninspect.ui.screens.bench_plan import BenchPlanScreen

        self.app.push_screen(BenchPlanScreen(self.session.next_plan), self._bench_as)

    def _bench_as(self, plan: BenchPlan | None) -> None:
        if plan is not None:
            self.tab = "bench"
            self.session.bench(plan)

    def ask_twin(self, target: str) -> None:
        """A bundled network beside its twin; which, where there are several."""
        from nninspect.ui.twins import twins_of

        pairs = {broken: (broken, good) for broken, good in twins_of(target)}
        if len(pairs) > 1:
            from nninspect.ui.screens.choose import ChooseOne

            shown = ChooseOne(
                "broken twins", dict(zip(pairs, pairs, strict=True)), next(iter(pairs))
            )
            self.app.push_screen(shown, lambda name: self._compare(pairs.get(name or "")))
        elif pairs:
            self._compare(next(iter(pairs.values())))
        else:
            self.said = Said("only bundled networks have a twin to compare with")

    def _compare(self, pair: tuple[str, str] | None) -> None:
        if pair is not None:
            self.session.compare(*pair)

    def open_target(self, target: str | None) -> None:
        """Look at it, where one was chosen."""
        if target:
            device = self.picture.inspection.setup.device if self.picture else "cpu"
            self.tab = "layers"
            self.session.open(Setup(target=target, device=device))

    def change_inputs(self) -> None:
        """Ask for other inputs, starting from those in view."""
        from nninspect.ui.screens.inputs import Inputs

        if self.picture is not None:
            self.app.push_screen(Inputs(self.picture.inspection), self._change)

    def _change(self, changes: dict[str, object] | None) -> None:
        if changes:
            self.session.change(**changes)
