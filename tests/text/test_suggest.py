"""What was probably meant."""

from __future__ import annotations

import pytest

from nninspect.text.suggest import did_you_mean


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("hiden", ["hidden", "depth"], "Did you mean hidden?"),
        ("NET", ["Net", "Other"], "Did you mean Net?"),
        ("xyzzy", ["hidden", "depth"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_known_word_is_suggested(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint
