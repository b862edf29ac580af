"""The Doctor tab: what was found, the gravest first, and all of the finding under the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.findings import CheckResult, Finding
from nninspect.protocol.records import Problem
from nninspect.ui.finding_text import about, headline, not_checked, title
from nninspect.ui.hints import Hint, key_spans
from nninspect.ui.messages import Activity
from nninspect.ui.spans import Paragraph, Span
from nninspect.ui.widgets.line import Line
from nninspect.ui.widgets.line_list import LineList
from nninspect.ui.widgets.link_page import LinkPage
from nninspect.ui.widgets.notice import problem_paragraphs
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.status_line import activity_spans

if TYPE_CHECKING:
    from nninspect.ui.offers import Offer

ASK = Hint("check", "asks the doctor what is wrong with this model")
CANCEL = Hint("cancel", "cancels")
NO_LOSS = Hint(
    "doctor.loss", "says what it is trained with: rules on the output and the loss wait for it"
)


class DoctorPane(Container):
    """The last result stays in view while another check runs, and when that one fails."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "why", "why", tooltip="what the rule finds, and why", id="doctor.why"),
    ]

    result: reactive[CheckResult | None] = reactive(None)
    activity: reactive[Activity | None] = reactive(None)
    problem: reactive[Problem | None] = reactive(None)

    class Followed(Message):
        """The finding's layer is wanted."""

        def __init__(self, finding: Finding) -> None:
            self.finding = finding
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line = Line()
        self._page = Page(id="doctor-page")
        self.findings = LineList(id="findings", leads=True)
        self._about = LinkPage(id="finding")

    def compose(self) -> ComposeResult:
        yield self._line
        yield Container(self.findings, self._about, id="doctor-body")
        yield self._page

    def on_mount(self) -> None:
        self.watch(self.findings, "place", self._show_finding)
        self._write()

    def watch_result(self, before: CheckResult | None, result: CheckResult | None) -> None:
        """The cursor stays on the finding it was on, where there still is one like it."""
        was = self._current_of(before)
        findings = result.findings if result else ()
        same = [n for n, each in enumerate(findings) if was and _key(each) == _key(was)]
        self.findings.lines = tuple(map(title, findings))
        self.findings.place = same[0] if same else 0
        self._write()

    def watch_activity(self) -> None:
        self._write()

    def watch_problem(self) -> None:
        self._write()

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        finding = self._current_of(self.result)
        if finding is not None:
            self.post_message(self.Followed(finding))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "why" or self._current_of(self.result) is not None

    async def action_why(self) -> None:
        finding = self._current_of(self.result)
        if finding is not None:
            await self.run_action(f"app.rule({finding.code!r})")

    def offers(self) -> Iterator[Offer]:
        """What there is to copy of the finding under the cursor."""
        from nninspect.ui import offers

        if (finding := self._current_of(self.result)) is not None:
            yield from offers.of_finding(finding)

    def _current_of(self, result: CheckResult | None) -> Finding | None:
        place = self.findings.place
        return result.findings[place] if result and place < len(result.findings) else None

    def _show_finding(self) -> None:
        finding = self._current_of(self.result)
        self._about.paragraphs = tuple(about(finding, leads=True)) if finding else ()

    def _write(self) -> None:
        self._line.spans = self._headline()
        self._page.paragraphs = tuple(self._below())
        self.set_class(not self.findings.lines, "-healthy")
        self._show_finding()

    def _headline(self) -> tuple[Span, ...]:
        if self.activity is not None and self.activity.doing == "check":
            return (*activity_spans(self.activity), Span("  "), *key_spans(self, CANCEL))
        return headline(self.result) if self.result else key_spans(self, ASK)

    def _below(self) -> list[Paragraph]:
        found: list[Paragraph] = []
        if self.problem is not None:
            found += [*problem_paragraphs(self.problem), Paragraph()]
        if self.result is not None:
            if not self.result.loss:
                found.append(Paragraph(key_spans(self, NO_LOSS)))
            found += not_checked(self.result)
        return found


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.path
