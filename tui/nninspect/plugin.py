"""The public API for collections of models: what a package offers to `nninspect`.

A collection is a tuple of `ModelCard`s that an entry point of the group `nninspect.models`
names. Cards import no torch: the factory is a string, resolved only in the worker.

    [project.entry-points."nninspect.models"]
    acme = "acme_models.catalog:CARDS"
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from nninspect.errors import BadTarget
from nninspect.protocol.records import InputSpec as InputSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "nninspect.models"


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One network of a collection, as the picker and `nninspect list` show it."""

    name: str
    """What the user types; lower-case words joined by hyphens."""
    title: str
    description: str
    """One paragraph."""
    factory: str
    """`package.module:callable`; called with the user's `--set` arguments, returns the model."""
    inputs: tuple[InputSpec, ...]
    concepts: tuple[str, ...] = ()
    task: str = ""
    """ "regression", "binary classification", "multi-class classification", or "". """
    loss: str = ""
    """The name of the loss in `torch.nn.functional`: "cross_entropy", "mse_loss" …, or "". """
    twin_of: str = ""
    """For a broken network: the name of the good one that it should have been."""
    mistake: str = ""
    """For a broken network: what is wrong with it, a sentence."""
    findings: tuple[str, ...] = ()
    """For a broken network: the codes of all that the doctor finds on it."""


class Collection(msgspec.Struct, frozen=True):
    """The cards of one entry point; `problem` says why it could not be read."""

    name: str
    cards: tuple[ModelCard, ...]
    problem: str = ""


@cache
def collections() -> tuple[Collection, ...]:
    """Every installed collection, by name. One that can't be read hides no other."""
    from importlib.metadata import entry_points  # it costs start-up: email, zipfile, csv

    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(_read(entry) for entry in found)


def _read(entry: EntryPoint) -> Collection:
    try:
        cards = tuple(entry.load())
        wrong = [card for card in cards if not isinstance(card, ModelCard)]
        if wrong:
            raise TypeError(f"{wrong[0]!r} is not a ModelCard")
    except Exception as error:  # a stranger's package: whatever it raises is its own
        return Collection(entry.name, (), f"{type(error).__name__}: {error}")
    return Collection(entry.name, cards)


def find_card(target: str) -> ModelCard | None:
    """The card that a target names: `name`, or `collection/name` where two collide.

    Raises BadTarget where the bare name stands in several collections.
    """
    wanted_collection, _, name = target.rpartition("/")
    found = [
        (collection.name, card)
        for collection in collections()
        for card in collection.cards
        if card.name == name and wanted_collection in ("", collection.name)
    ]
    if len(found) > 1:
        choices = tuple(f"{collection}/{name}" for collection, _ in found)
        raise BadTarget(
            f"{name!r} is in several collections",
            "Say which: " + " or ".join(choices),
            choices=choices,
        )
    return found[0][1] if found else None
