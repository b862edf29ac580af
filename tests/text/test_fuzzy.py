"""Letters in their order, found quickly whatever they are."""

from __future__ import annotations

import time

from nninspect.text.fuzzy import match


def score(query: str, text: str) -> float:
    found = match(query, text)
    return found.score if found else -1.0


def test_the_letters_are_found_in_their_order_where_they_fit_best() -> None:
    found = match("rss", "a-resnet-small")
    assert found is not None
    assert found.places == (2, 4, 9)
    assert match("sr", "resnet") is None
    assert match("", "x") is not None


def test_starts_of_words_and_letters_in_a_row_count() -> None:
    assert score("net", "resnet") > score("net", "nameless-text")
    assert score("rs", "resnet-small") > score("rs", "errands")
    assert score("Mlp", "mlp") > score("mlp", "mlp-modulelist")


def test_one_letter_many_times_costs_nothing() -> None:
    begun = time.process_time()
    assert match("a" * 30 + "b", "a" * 200) is None
    assert time.process_time() - begun < 1.0  # all combinations would take years
