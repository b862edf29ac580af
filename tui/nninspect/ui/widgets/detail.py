"""The facts of the layer under the cursor."""

from __future__ import annotations

from collections.abc import Iterator

from textual.reactive import reactive

from nninspect.protocol.layers import LayerRow
from nninspect.text import layers
from nninspect.text.plain import plain
from nninspect.ui.spans import Paragraph, Span
from nninspect.ui.widgets.page import Page

LABEL = 11


class Detail(Page, can_focus=False):
    """One layer, and the parameters of the whole model that it is a part of."""

    subject: reactive[tuple[LayerRow, int] | None] = reactive(None)

    def watch_subject(self, shown: tuple[LayerRow, int] | None) -> None:
        self.paragraphs = tuple(_paragraphs(*shown)) if shown else ()
        self.scroll_to(y=0, animate=False)


def _paragraphs(row: LayerRow, whole: int) -> Iterator[Paragraph]:
    kind = plain(f"{row.type}({row.extra})" if row.extra else row.type)
    yield Paragraph((Span(f"{plain(row.path) or '(the model)'} ", "strong"), Span(kind, "accent")))
    yield Paragraph()
    for label, value in layers.facts(row, whole):
        for number, line in enumerate(value.split("\n")):
            title = label if number == 0 else ""
            yield Paragraph((Span(f"{title:{LABEL}}", "dim"), Span(line)), hang=LABEL)
    sentences = (*layers.mark_sentences(row.marks), *map(plain, row.notes))
    if sentences:
        yield Paragraph()
    for sentence in sentences:
        yield Paragraph((Span("• ", "warn"), Span(sentence, "warn")), hang=2)
