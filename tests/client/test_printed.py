"""What is printed becomes text in bounded amounts, and nothing goes missing unsaid."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from nninspect.client.printed import LAST_LINES, MAX_BYTES, WINDOW_S, Piece, Printed
from nninspect.protocol.streams import TO_STDERR, TO_STDOUT


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def said(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@given(text=st.text(), size=st.integers(1, 7))
def test_text_cut_anywhere_comes_out_whole(text: str, size: int) -> None:
    printed, data = Printed(Clock()), text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert said([*chain.from_iterable(map(printed.feed, pieces)), *printed.flush()]) == text


def test_up_to_the_limit_nothing_is_dropped() -> None:
    printed = Printed(Clock())
    assert said(printed.feed(b"x" * MAX_BYTES)) == "x" * MAX_BYTES
    assert not printed.is_dropping
    assert printed.flush() == []


def test_what_is_over_the_limit_is_counted() -> None:
    printed = Printed(Clock())
    printed.feed(b"x" * MAX_BYTES)
    assert printed.feed(b"y" * 1_234_567) == []
    assert printed.is_dropping
    assert printed.flush() == [Piece("\n[… 1,234,567 bytes dropped]\n", dropped=1_234_567)]
    assert printed.flush() == []


def test_the_next_window_says_first_what_was_dropped_and_then_goes_on() -> None:
    clock = Clock()
    printed = Printed(clock)
    printed.feed(b"x" * (MAX_BYTES + 10))
    clock.now += WINDOW_S
    assert said(printed.feed(b"on")) == "\n[… 10 bytes dropped]\non"


def test_a_character_cut_by_the_limit_does_not_damage_what_follows() -> None:
    clock = Clock()
    printed = Printed(clock)
    printed.feed(b"x" * (MAX_BYTES - 1) + "é".encode())
    clock.now += WINDOW_S
    assert said(printed.feed("é".encode())) == "\ufffd\n[… 1 bytes dropped]\né"


def test_the_last_lines_are_kept_even_when_they_were_dropped() -> None:
    printed = Printed(Clock())
    printed.feed(b"x" * MAX_BYTES)
    for number in range(100):
        printed.feed(b"line %d\n" % number)
    expected = [f"line {number}" for number in range(100 - LAST_LINES, 100)]
    assert printed.last_lines().splitlines() == expected


@given(size=st.integers(1, 9))
def test_stderr_is_told_apart_wherever_its_marks_are_cut(size: int) -> None:
    data = f"a{TO_STDERR}b\n{TO_STDOUT}c{TO_STDERR}{TO_STDOUT}d\x1b_n".encode()
    printed = Printed(Clock())
    pieces = [printed.feed(data[at : at + size]) for at in range(0, len(data), size)]
    found = [*chain.from_iterable(pieces), *printed.flush()]
    assert said(piece for piece in found if piece.is_stderr) == "b\n"
    assert said(piece for piece in found if not piece.is_stderr) == "acd\x1b_n"
    assert TO_STDERR not in printed.last_lines()


def test_after_what_was_dropped_nothing_is_taken_for_stderr_that_may_not_be() -> None:
    printed = Printed(Clock())
    printed.feed((TO_STDERR + "x" * MAX_BYTES).encode())
    assert printed.flush()[-1].dropped
    assert not printed.feed(b"")
    assert printed.last_lines()
