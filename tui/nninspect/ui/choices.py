"""What the picker offers: cards, a problem's choices, and whatever was typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from textual.content import Content
from textual.fuzzy import Matcher

from nninspect.plugin import Collection, ModelCard, collections
from nninspect.text.inputs import format_input
from nninspect.text.plain import plain
from nninspect.ui.spans import Paragraph, Span, paragraph

NAME = 26
LABEL = 10


class Choice(NamedTuple):
    """One line of the picker: what it opens, what it is found by, and what is said about it."""

    target: str
    line: Content
    words: str
    about: tuple[Paragraph, ...]


def card_choices() -> tuple[Choice, ...]:
    """Every installed card, the good ones of a collection before the broken ones."""
    found = collections()
    names = Counter(card.name for collection in found for card in collection.cards)
    return tuple(
        _card_choice(collection, card, names[card.name] > 1)
        for collection in found
        for card in sorted(collection.cards, key=lambda card: bool(card.mistake))
    ) + tuple(_broken_collection(collection) for collection in found if collection.problem)


def plain_choices(targets: tuple[str, ...]) -> tuple[Choice, ...]:
    """Targets of which nothing more is known."""
    return tuple(Choice(target, Content(plain(target)), target, ()) for target in targets)


def matching(choices: tuple[Choice, ...], query: str) -> tuple[Choice, ...]:
    """The choices that fit what was typed, the best first, and the typed text as a target."""
    query = query.strip()
    if not query:
        return choices
    matcher = Matcher(query)
    ranked = [(_rank(choice, query.lower(), matcher), choice) for choice in choices]
    found = [choice for rank, choice in sorted(ranked, key=itemgetter(0)) if rank < _NO_MATCH]
    typed = Choice(query, Content(f"open ‹{plain(query)}›"), query, _about_typed())
    first = any(mark in query for mark in ":/.")
    return (typed, *found) if first else (*found, typed)


_NO_MATCH = 3.0


def _rank(choice: Choice, query: str, matcher: Matcher) -> float:
    """The lower the better: the name has it, the other words have it, the name has its letters."""
    if query in choice.target:
        return 0.0
    if all(word in choice.words.lower() for word in query.split()):
        return 1.0
    score = matcher.match(choice.target)
    return 2.0 + 1 / (1 + score) if score > 0 else _NO_MATCH


def _card_choice(collection: Collection, card: ModelCard, collides: bool) -> Choice:
    target = f"{collection.name}/{card.name}" if collides else card.name
    broken = "✗ " if card.mistake else ""
    line = Content.assemble(
        (f"{plain(target):{NAME}} ", "bold"), (broken, "$warning"), (plain(card.title), "")
    )
    words = " ".join((target, card.title, *card.concepts))
    return Choice(target, line, words, tuple(_about(card)))


def _broken_collection(collection: Collection) -> Choice:
    line = Content.assemble((f"{plain(collection.name):{NAME}} ", "bold"), ("can't be read", ""))
    return Choice("", line, collection.name, (paragraph(plain(collection.problem), "bad"),))


def _about(card: ModelCard) -> Iterator[Paragraph]:
    yield paragraph(plain(card.title), "strong")
    yield Paragraph()
    yield paragraph(plain(card.description))
    yield Paragraph()
    if card.mistake:
        yield Paragraph((Span("✗ ", "bad"), Span(plain(card.mistake), "warn")), hang=2)
    facts = (
        ("instead of", card.twin_of),
        ("shows", ", ".join(card.concepts)),
        ("task", card.task),
        ("loss", card.loss),
        ("inputs", "  ".join(map(format_input, card.inputs))),
    )
    for label, value in facts:
        if value:
            yield Paragraph((Span(f"{label:{LABEL}} ", "dim"), Span(plain(value))), hang=LABEL + 1)


def _about_typed() -> tuple[Paragraph, ...]:
    return (
        paragraph("Opens what was typed", "strong"),
        Paragraph(),
        paragraph("net.py:Net, pkg.module:make_net or the name of a card"),
    )
