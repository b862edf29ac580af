"""What exceptions say, whatever they are."""

from __future__ import annotations

from nninspect.engine.blame import MOST_TEXT, described, message_of


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("I can't even say it")


def test_an_exception_that_fails_to_say_it_is_named() -> None:
    assert message_of(Mute()) == ""
    assert described(Mute()) == "Mute"


def test_an_endless_message_is_cut() -> None:
    assert len(message_of(ValueError("y" * 10 * MOST_TEXT))) == MOST_TEXT
