"""What went wrong: what failed, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from textual.reactive import reactive

from nninspect.protocol.records import Problem
from nninspect.text.plain import plain
from nninspect.ui.hints import Hint, key_spans
from nninspect.ui.spans import Paragraph, Span
from nninspect.ui.widgets.page import Page


class Notice(Page, can_focus=False):
    """A problem and the keys that help with it; there is none to see where there is no problem."""

    problem: reactive[Problem | None] = reactive(None)
    keys: reactive[tuple[Hint, ...]] = reactive(())
    """They stand in a line below the problem."""

    def watch_problem(self) -> None:
        self._write()

    def watch_keys(self) -> None:
        self._write()

    def _write(self) -> None:
        self.display = self.problem is not None
        if self.problem is not None:
            self.paragraphs = (*problem_paragraphs(self.problem), *self._keys())

    def _keys(self) -> Iterator[Paragraph]:
        if self.keys:
            spaced = (hint._replace(does=f"{hint.does}   ") for hint in self.keys)
            yield Paragraph((Span("  "), *key_spans(self, *spaced)), hang=2)


def problem_paragraphs(problem: Problem) -> Iterator[Paragraph]:
    """The message, where it happened, and the hint."""
    yield Paragraph((Span("✗ ", "bad"), Span(_lines(problem.message), "bad")), hang=2)
    if problem.where:
        yield Paragraph((Span("  at ", "dim"), Span(plain(problem.where), "strong")), hang=5)
    if problem.hint:
        yield Paragraph((Span("  "), Span(_lines(problem.hint))), hang=2)


def _lines(text: str) -> str:
    return "\n".join(map(plain, text.splitlines()))
