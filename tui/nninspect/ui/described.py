"""What the worker told of one module, as paragraphs: its weights and its source."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.weights import TensorStats
from nninspect.text import bars, shapes, weights
from nninspect.text.plain import plain
from nninspect.ui.code import source_paragraphs
from nninspect.ui.messages import Described
from nninspect.ui.spans import Paragraph, Span, paragraph

HISTOGRAM = 32


def described_paragraphs(described: Described, line: str) -> Iterator[Paragraph]:
    """Its own weights, but for those of an op, which has a `line` instead; and its source."""
    if described.problem:
        yield Paragraph()
        yield paragraph(plain(described.problem), "bad")
    for stats in () if line else described.tensors:
        yield Paragraph()
        yield from tensor_paragraphs(stats)
    if described.source is not None:
        yield Paragraph()
        yield from source_paragraphs(described.source, line)


def tensor_paragraphs(stats: TensorStats) -> Iterator[Paragraph]:
    """One tensor: what it is, how its values lie, and what is wrong with them."""
    name = plain(stats.path.rpartition(".")[2])
    what = f" {shapes.shape(stats.shape)} {stats.dtype} {weights.kind(stats)}"
    health = weights.health(stats)
    style = "bad" if weights.is_broken(stats) else "warn"
    word = () if stats.values is None or health == weights.FINE else (Span(f"  {health}", style),)
    yield Paragraph((Span(name, "accent"), Span(what, "dim"), *word))
    if stats.values is not None and stats.values.histogram:
        yield Paragraph((Span(bars.spark(stats.values.histogram, HISTOGRAM), "code-name"),))
    for sentence in weights.sentences(stats):
        yield Paragraph((Span(plain(sentence)),), hang=2)
    for number, path in enumerate(stats.also):
        module = path.rpartition(".")[0]
        head = Span("also " if number == 0 else "     ", "dim")
        yield Paragraph((head, Span(plain(path), "link", f"screen.go({module!r})")), hang=5)
