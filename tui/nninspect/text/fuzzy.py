"""Whether a text has the letters of a query in their order, how well, and which they are."""

from __future__ import annotations

from typing import NamedTuple

LONGEST = 200
"""Letters of a text that are looked at."""
_START, _NEXT = 2.0, 3.0
"""What a letter is worth at the start of a word, and right behind the one before it."""


class Match(NamedTuple):
    """The places of the letters, and the score: the higher the better."""

    score: float
    places: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """The best of the greedy matches from each place where the first letter stands.

    Its cost grows with the length of the text squared, whatever the letters are.
    """
    query, text = query.lower(), text.lower()[:LONGEST]
    if not query:
        return Match(0.0, ())
    found = (_from(query, text, start) for start, letter in enumerate(text) if letter == query[0])
    return max((each for each in found if each), key=lambda each: each.score, default=None)


def _from(query: str, text: str, start: int) -> Match | None:
    places = [start]
    for letter in query[1:]:
        place = text.find(letter, places[-1] + 1)
        if place < 0:
            return None
        places.append(place)
    score = sum(
        1.0
        + _START * (place == 0 or not text[place - 1].isalnum())
        + _NEXT * (number > 0 and place == places[number - 1] + 1)
        for number, place in enumerate(places)
    )
    return Match(score - len(text) / LONGEST, tuple(places))
