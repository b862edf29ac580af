"""What the picker offers: what was opened before, the models of the folder, and the cards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from textual.content import Content

from nninspect.plugin import Collection, ModelCard, collections
from nninspect.protocol.records import Setup
from nninspect.text import fuzzy
from nninspect.text.command import options
from nninspect.text.inputs import format_input
from nninspect.text.plain import plain
from nninspect.text.suggest import nearest
from nninspect.ui.found_models import Found
from nninspect.ui.spans import Paragraph, Span, paragraph

NAME = 26
LABEL = 10
MATCHED = "bold underline $text-accent"


class Choice(NamedTuple):
    """One line of the picker: what it opens, what it is found by, and what is said about it."""

    target: str
    title: str
    words: str
    about: tuple[Paragraph, ...] = ()
    setup: Setup | None = None
    """With which options it opens; None opens it where the last model was."""
    tag: str = ""
    """What stands before the title: "recent", "✗"."""
    twins: tuple[str, ...] = ()
    """The good network that a card is of, and its broken ones."""
    is_recent: bool = False

    def line(self, query: str = "") -> Content:
        """As it is listed, with the letters that were typed set off."""
        name = plain(self.target) or self.words
        style = "$text-warning" if self.tag == BROKEN else "$text-accent"
        tag = (f"{self.tag} ", style) if self.tag else ("", "")
        line = Content.assemble((f"{name:{NAME}} ", "bold"), tag, (plain(self.title), ""))
        found = fuzzy.match(query, name) if query and self.target else None
        for place in found.places if found else ():
            line = line.stylize(MATCHED, place, place + 1)
        return line


BROKEN = "✗"
RECENT = "recent"


def card_choices() -> tuple[Choice, ...]:
    """Every installed card, the good ones of a collection before the broken ones."""
    found = collections()
    names = Counter(card.name for collection in found for card in collection.cards)
    return tuple(
        _card_choice(collection, card, names[card.name] > 1)
        for collection in found
        for card in sorted(collection.cards, key=lambda card: bool(card.mistake))
    ) + tuple(_broken_collection(collection) for collection in found if collection.problem)


def plain_choices(targets: Iterable[str]) -> tuple[Choice, ...]:
    """Targets of which nothing more is known."""
    return tuple(Choice(target, "", target) for target in targets)


def recent_choices(setups: Iterable[Setup], others: Iterable[Choice]) -> Iterator[Choice]:
    """What was opened before, with its options; what is among the others with all that is said
    there."""
    known = {choice.target: choice for choice in others if choice.target}
    for setup in setups:
        said = " ".join(options(setup))
        base = known.get(setup.target) or Choice(
            setup.target, "", setup.target, _about_recent(setup)
        )
        title = said or base.title
        yield base._replace(title=title, setup=setup, tag=RECENT, is_recent=True)


def found_choices(found: Iterable[Found]) -> Iterator[Choice]:
    """The models of the folder."""
    for model in found:
        about = (
            paragraph(plain(model.target), "strong"),
            Paragraph(),
            paragraph(plain(model.about)),
        )
        yield Choice(model.target, model.about, f"{model.target} {model.about}", about)


def merged(recent: Iterable[Choice], others: Iterable[Choice]) -> list[Choice]:
    """Both in this order; what was opened without options stands only among those."""
    first = list(recent)
    plainly = {choice.target for choice in first if choice.setup == Setup(target=choice.target)}
    return first + [each for each in others if each.target not in plainly]


def matching(choices: Sequence[Choice], query: str) -> tuple[Choice, ...]:
    """The choices that fit what was typed, the best first, and the typed text as a target; where
    none fits, what was probably meant."""
    query = query.strip()
    if not query:
        return tuple(choices)
    ranked = [(rank, choice) for choice in choices if (rank := _rank(choice, query.lower()))]
    found = [choice for _, choice in sorted(ranked, key=lambda each: each[0])]
    near = nearest(query, [choice.target for choice in choices if choice.target])
    if not found:
        found = [choice for choice in choices if choice.target == near and near][:1]
    typed = Choice(query, "open what was typed", query, tuple(_about_typed(query, near)))
    first = any(mark in query for mark in ":/.") and query not in {each.target for each in found}
    return (typed, *found) if first else (*found, typed)


Rank = tuple[int, float]


def _rank(choice: Choice, query: str) -> Rank | None:
    """The lower the better: the name has it, the other words have it, the name has its letters."""
    if query in choice.target.lower():
        return 0, 0.0
    if all(word in choice.words.lower() for word in query.split()):
        return 1, 0.0
    found = fuzzy.match(query.replace(" ", ""), choice.target)
    return (2, -found.score) if found else None


def _card_choice(collection: Collection, card: ModelCard, collides: bool) -> Choice:
    prefix = f"{collection.name}/" if collides else ""
    good = card.twin_of or card.name
    broken = [each.name for each in collection.cards if each.twin_of == good]
    return Choice(
        prefix + card.name,
        card.title,
        " ".join((prefix + card.name, card.title, *card.concepts)),
        tuple(_about(card, prefix, broken)),
        tag=BROKEN if card.mistake else "",
        twins=tuple(prefix + name for name in (good, *broken)) if broken else (),
    )


def _broken_collection(collection: Collection) -> Choice:
    about = (paragraph(plain(collection.problem), "bad"),)
    return Choice("", "can't be read", collection.name, about)


def _about(card: ModelCard, prefix: str, broken: Sequence[str]) -> Iterator[Paragraph]:
    yield paragraph(plain(card.title), "strong")
    yield Paragraph()
    yield paragraph(plain(card.description))
    yield Paragraph()
    if card.mistake:
        yield Paragraph((Span(f"{BROKEN} ", "bad"), Span(plain(card.mistake), "warn")), hang=2)
    facts = (
        ("shows", ", ".join(card.concepts)),
        ("task", card.task),
        ("loss", card.loss),
        ("inputs", "  ".join(map(format_input, card.inputs))),
    )
    for label, value in facts:
        if value:
            yield Paragraph((Span(f"{label:{LABEL}} ", "dim"), Span(plain(value))), hang=LABEL + 1)
    for number, name in enumerate((card.twin_of,) if card.mistake else broken):
        label = ("instead of" if card.mistake else "broken") if number == 0 else ""
        link = Span(name, "link", f"screen.show({prefix + name!r})")
        yield Paragraph((Span(f"{label:{LABEL}} ", "dim"), link), hang=LABEL + 1)


def _about_recent(setup: Setup) -> tuple[Paragraph, ...]:
    said = msgspec.structs.replace(setup, target="")
    return (
        paragraph(plain(setup.target), "strong"),
        Paragraph(),
        paragraph(plain(" ".join(options(said))) or "opened before, as it is"),
    )


def _about_typed(query: str, near: str) -> Iterator[Paragraph]:
    yield paragraph("Opens what was typed", "strong")
    yield Paragraph()
    if near and near != query:
        link = Span(plain(near), "link", f"screen.show({near!r})")
        yield Paragraph((Span("Did you mean ", "warn"), link, Span("?", "warn")))
        yield Paragraph()
    yield paragraph("net.py:Net, pkg.module:make_net or the name of a card")
