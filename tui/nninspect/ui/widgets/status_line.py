"""The status line: what goes on, what was last said, and how the worker is."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive

from nninspect.text.plain import plain
from nninspect.ui.hints import key_spans
from nninspect.ui.messages import Activity, Said
from nninspect.ui.spans import Span, crop
from nninspect.ui.widgets.line import Line

BAR = 20


class StatusLine(Line):
    """An activity with its progress on the left, else a word; the worker on the right."""

    activity: reactive[Activity | None] = reactive(None)
    said: reactive[Said | None] = reactive(None)
    worker: reactive[str] = reactive("")

    def watch_activity(self) -> None:
        self._write()

    def watch_said(self) -> None:
        self._write()

    def watch_worker(self) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        width = self.content_size.width
        right = crop(self.worker, max(0, width // 2))
        left = self._left()
        room = width - cell_len(right) - 1
        spans = []
        for span in left:
            spans.append(span._replace(text=crop(span.text, max(0, room))))
            room -= cell_len(spans[-1].text)
        self.spans = (*spans, Span(" " * max(1, room + 1)), Span(right, "dim"))

    def _left(self) -> tuple[Span, ...]:
        if self.activity is not None:
            return activity_spans(self.activity)
        if self.said is None:
            return ()
        text = plain(self.said.text)
        hint = key_spans(self, self.said.hint) if self.said.hint else ()
        return (Span(f"✗ {text}", "bad") if self.said.bad else Span(text), *hint)


def activity_spans(activity: Activity) -> tuple[Span, ...]:
    """A bar where the progress is known, what for, and the stage."""
    words = ": ".join(filter(None, (activity.title, activity.stage)))
    return (*progress_spans(activity.fraction), Span(plain(words), "accent"))


def progress_spans(fraction: float | None) -> tuple[Span, ...]:
    """ "━━━━━━──── 60% "; nothing where it is not known."""
    if fraction is None:
        return ()
    fraction = max(0.0, min(fraction, 1.0))
    done = round(BAR * fraction)
    return (
        Span("━" * done, "accent"),
        Span("─" * (BAR - done), "dim"),
        Span(f" {fraction:4.0%}  ", "strong"),
    )
