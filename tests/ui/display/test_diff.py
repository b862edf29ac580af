"""The pure part: whatever is drawn, what is written instead leaves a terminal showing the same."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nninspect.ui.display.frames import FrameFilter
from nninspect.ui.display.pen import PLAIN, Pen, read_sgr

WIDTH, HEIGHT = 24, 10
STYLES = ("", "1", "1;31", "38;2;10;20;30;48;2;1;2;3", "48;2;1;2;3", "7", "4;38;5;9", "2;3;44")

pieces = st.tuples(
    st.integers(0, HEIGHT - 1),
    st.integers(0, WIDTH - 1),
    st.text("ab ─", min_size=1, max_size=WIDTH),
    st.sampled_from(STYLES),
)
frames = st.lists(pieces, min_size=1, max_size=12)
lines = st.lists(st.integers(0, 40), min_size=HEIGHT, max_size=HEIGHT)


def drawn(pieces: list[tuple[int, int, str, str]]) -> str:
    """As Textual writes it: each piece at its place, with its style begun and ended."""
    text = ""
    for y, x, piece, style in pieces:
        text += f"\x1b[{y + 1};{x + 1}H"
        text += f"\x1b[{style}m{piece}\x1b[0m" if style else piece
        text += "\n" if y < HEIGHT - 1 else ""
    return text + "\x1b[1;1H"


def whole(rows: list[int], cursor: int) -> str:
    """A screen of rows that are alike but for a number, one of them under the cursor."""
    return drawn(
        [
            (y, 0, f"  {'·' * (row % 5)} row {row} of them".ljust(WIDTH), STYLES[3 + (y == cursor)])
            for y, row in enumerate(rows)
        ]
    )


class Screens:
    """Two terminals: one gets what Textual writes, the other what is written instead."""

    def __init__(self) -> None:
        self.stock = pyte.Screen(WIDTH, HEIGHT)
        self.diffed = pyte.Screen(WIDTH, HEIGHT)
        self.gave_up: list[str] = []
        self.frames = FrameFilter(self.gave_up.append)
        self.frames.forget(WIDTH)
        for screen in (self.stock, self.diffed):
            screen.reset_mode(7, private=True)  # as Textual has it: nothing wraps

    def write(self, data: str) -> str:
        shorter = self.frames.filter(data)
        pyte.Stream(self.stock).feed(data)
        pyte.Stream(self.diffed).feed(shorter)
        assert not self.gave_up
        assert cells(self.diffed) == cells(self.stock), repr(shorter)
        return shorter


def cells(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """What there is to see: of a blank only its background, and what is drawn on it."""
    return [
        [_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)
    ]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = cell.underscore, cell.strikethrough, cell.reverse
    ink = (cell.fg, cell.bold, cell.italics) if cell.data != " " or any(lines) else ()
    return cell.data, cell.bg, *lines, *ink


@settings(max_examples=150, deadline=None)
@given(st.lists(frames, min_size=1, max_size=6))
def test_any_pieces_anywhere_look_as_they_would(
    drawings: list[list[tuple[int, int, str, str]]],
) -> None:
    screens = Screens()
    for pieces in drawings:
        screens.write(drawn(pieces))


@settings(max_examples=150, deadline=None)
@given(lines, st.lists(st.tuples(st.integers(-HEIGHT, HEIGHT), st.integers(0, HEIGHT)), max_size=6))
def test_rows_that_scroll_look_as_they_would(rows: list[int], steps: list[tuple[int, int]]) -> None:
    screens = Screens()
    start = 50
    screens.write(whole(rows, 0))
    for step, cursor in steps:
        start += step
        screens.write(whole([(start + y) * 7 % 97 for y in range(HEIGHT)], cursor))


def test_a_scrolled_screen_costs_little_more_than_its_new_row() -> None:
    screens = Screens()
    first = screens.write(whole(list(range(HEIGHT)), -1))
    scrolled = screens.write(whole(list(range(1, HEIGHT + 1)), -1))
    assert "\x1b[M" in scrolled
    assert len(scrolled) < len(first) / 3


def test_titles_above_rows_that_scroll_are_left_where_they_are() -> None:
    screens = Screens()
    titled = (0, 0, "a title".ljust(WIDTH), "1"), (0, 0, "another".ljust(WIDTH), "1")
    for first, title in enumerate(titled):
        rows = whole([0, *range(first + 1, first + HEIGHT)], -1)
        written = screens.write(rows.removesuffix("\x1b[1;1H") + drawn([title]))
    assert f"\x1b[2;{HEIGHT}r" in written
    assert len(written) < 120


def test_a_colour_is_sent_once_a_frame_and_words_in_it_in_one_piece() -> None:
    screens = Screens()
    rows = [
        piece
        for y in range(HEIGHT)
        for piece in ((y, 0, f"label {y}", STYLES[3]), (y, 12, f"{y} words", "1;31"))
    ]
    written = screens.write(drawn(rows))
    assert written.count("38;2;10;20;30") == written.count("31m") == 1
    assert all(f"label {y}" in written and f"{y} words" in written for y in range(HEIGHT))


def test_what_is_shown_already_is_not_sent_again() -> None:
    screens = Screens()
    frame = whole(list(range(HEIGHT)), 3)
    screens.write(frame)
    assert screens.write(frame) == ""


def test_after_a_resize_everything_is_sent_again() -> None:
    screens = Screens()
    frame = whole(list(range(HEIGHT)), 3)
    first = screens.write(frame)
    screens.frames.forget(WIDTH)
    assert screens.write(frame) == first


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("\x1b[2;3H가나\x1b[1;1H", id="wide characters"),
        pytest.param("\x1b[2;3He\u0301\x1b[1;1H", id="combining characters"),
        pytest.param("\x1b[2J", id="a cleared screen"),
        pytest.param("\x1b[?1049h", id="another screen"),
        pytest.param("\x1b[2;3Hx\x1b[5X", id="an unknown sequence"),
        pytest.param("no place", id="text at no place"),
    ],
)
def test_what_is_no_plain_frame_passes_and_nothing_is_taken_for_known_then(data: str) -> None:
    screens = Screens()
    frame = whole(list(range(HEIGHT)), 3)
    first = screens.write(frame)
    assert screens.frames.filter(data) == data
    assert screens.frames.filter(frame) == first


@pytest.mark.parametrize("data", ["\x1b[?2026h", "\x1b]52;c;eA==\x07", "\x1b[?1000l\x1b[>1u"])
def test_what_draws_nothing_passes_and_the_screen_stays_known(data: str) -> None:
    screens = Screens()
    frame = whole(list(range(HEIGHT)), 3)
    screens.write(frame)
    assert screens.frames.filter(data) == data
    assert screens.write(frame) == ""


def test_a_failed_check_ends_it_for_good_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    screens = Screens()
    frame = whole(list(range(HEIGHT)), 3)
    monkeypatch.setattr("nninspect.ui.display.frames.changes", lambda shown, frame: "\x1b[1;1Hno")
    assert screens.frames.filter(frame) == frame
    assert "row 0" in screens.gave_up[0]
    monkeypatch.undo()
    assert screens.frames.filter(frame) == frame
    assert screens.frames.filter(frame) == frame


sgr = st.sampled_from([*STYLES[1:], "22", "23", "24", "27", "39", "49", "0"])


@given(st.lists(sgr), st.lists(sgr))
def test_a_pen_turns_into_any_other(before: list[str], after: list[str]) -> None:
    def pen_after(sequences: list[str]) -> Pen:
        pen = PLAIN
        for parameters in sequences:
            pen = read_sgr(pen, parameters) or PLAIN
        return pen

    old, new = pen_after(before), pen_after(after)
    changed = read_sgr(old, old.change_to(new)[2:-1]) if old != new else old
    assert changed == new
