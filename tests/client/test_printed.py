"""What is printed becomes text in bounded amounts, and nothing goes missing unsaid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nninspect.client.printed import LAST_LINES, MAX_BYTES, WINDOW_S, Printed


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@given(text=st.text(), size=st.integers(1, 7))
def test_text_cut_anywhere_comes_out_whole(text: str, size: int) -> None:
    printed, data = Printed(Clock()), text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert "".join(map(printed.feed, pieces)) == text


def test_up_to_the_limit_nothing_is_dropped() -> None:
    printed = Printed(Clock())
    assert printed.feed(b"x" * MAX_BYTES) == "x" * MAX_BYTES
    assert not printed.is_dropping
    assert printed.flush() == ""


def test_what_is_over_the_limit_is_counted() -> None:
    printed = Printed(Clock())
    printed.feed(b"x" * MAX_BYTES)
    assert printed.feed(b"y" * 1_234_567) == ""
    assert printed.is_dropping
    assert printed.flush() == "\n[… 1,234,567 bytes dropped]\n"
    assert printed.flush() == ""


def test_the_next_window_says_first_what_was_dropped_and_then_goes_on() -> None:
    clock = Clock()
    printed = Printed(clock)
    printed.feed(b"x" * (MAX_BYTES + 10))
    clock.now += WINDOW_S
    assert printed.feed(b"on") == "\n[… 10 bytes dropped]\non"


def test_a_character_cut_by_the_limit_does_not_damage_what_follows() -> None:
    clock = Clock()
    printed = Printed(clock)
    printed.feed(b"x" * (MAX_BYTES - 1) + "é".encode())
    clock.now += WINDOW_S
    assert printed.feed("é".encode()) == "\ufffd\n[… 1 bytes dropped]\né"


def test_the_last_lines_are_kept_even_when_they_were_dropped() -> None:
    printed = Printed(Clock())
    printed.feed(b"x" * MAX_BYTES)
    for number in range(100):
        printed.feed(b"line %d\n" % number)
    expected = [f"line {number}" for number in range(100 - LAST_LINES, 100)]
    assert printed.last_lines().splitlines() == expected
