"""The log: who wrote what, found as one types, bounded, and never in the way."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

from rich.cells import cell_len
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from nninspect.client.api import Printed
from nninspect.client.printed import MAX_BYTES
from nninspect.client.printed import Printed as Taken
from nninspect.ui.log_book import MOST_CHARS, MOST_LINES, LogBook
from nninspect.ui.log_rows import LogRows
from nninspect.ui.log_sight import LogSight


def sources(book: LogBook) -> list[tuple[str, str]]:
    return [tuple(entry) for entry in book.entries]


def test_who_wrote_a_line_is_known_and_a_traceback_ends_with_its_exception() -> None:
    book = LogBook()
    book.write("one\n")
    book.write("Traceback (most recent call last):\n  File x\n\nValueError: y\n", "stderr")
    book.write("two\n", "stderr")
    book.note("worker started\nTraceback (most recent call last):\n  File z\nKeyError: 1")
    assert sources(book) == [
        ("stdout", "one"),
        ("traceback", "Traceback (most recent call last):"),
        ("traceback", "  File x"),
        ("traceback", ""),
        ("traceback", "ValueError: y"),
        ("stderr", "two"),
        ("worker", "worker started"),
        ("traceback", "Traceback (most recent call last):"),
        ("traceback", "  File z"),
        ("traceback", "KeyError: 1"),
    ]


def test_a_progress_bar_is_one_line_in_its_latest_state() -> None:
    book = LogBook()
    for percent in range(0, 101, 10):
        book.write(f"\r{percent}%|██", "stderr")
    assert book.lines == []
    assert book.unfinished == ("stderr", "100%|██")
    book.write("loss 0.3\n")
    book.write("\r", "stderr")
    assert sources(book) == [("stderr", "100%|██"), ("stdout", "loss 0.3")]
    assert book.unfinished is None


def test_nothing_in_a_line_acts_on_the_terminal_or_is_taken_for_markup() -> None:
    book = LogBook()
    book.write("\x1b[31mred\x1b[0m [bold]b[/] \x1b]52;c;eA==\x07 \x07\x00 \x1b[2J\n")
    assert book.lines == ["red [bold]b[/]  \u2407\u2400 "]


def test_a_flood_is_bounded_whatever_it_is_made_of() -> None:
    now = [0.0]
    taken, book = Taken(lambda: now[0]), LogBook()
    pieces = (b"x\n", b"y" * 10_000 + b"\n", b"\r50%", b"\x1b[1mz\n", b"no end ")
    choose, given = random.Random(0), 0
    blocks = [piece * (MAX_BYTES // len(piece)) for piece in pieces]
    for _ in range(120):  # 30 MiB in 12 seconds
        block = choose.choice(blocks)
        given += len(block)
        for piece in taken.feed(block):
            book.write(piece.text, "stdout", piece.dropped)
        now[0] += 0.1
    for piece in taken.flush():
        book.write(piece.text, "stdout", piece.dropped)
    assert len(book.entries) == MOST_LINES
    assert sum(book.counts.values()) == MOST_LINES
    assert sum(map(len, book.lines)) <= MOST_LINES * (MOST_CHARS + 1)
    assert len(book._open) <= 2 * MOST_CHARS
    assert 0 < given - book.dropped_bytes <= 13 * MAX_BYTES
    assert book.first > 100_000


def test_a_sight_keeps_up_with_what_comes_and_what_goes() -> None:
    book = LogBook()
    sight = LogSight(book)
    sight.choose("odd", None)
    for number in range(3 * MOST_LINES):
        book.write(f"{'odd' if number % 2 else 'even'} {number}\n")
        if number % 700 == 0:
            sight.catch_up()
    sight.catch_up()
    assert [book[n].text for n in sight.numbers] == [each for each in book.lines if "odd" in each]
    first, last = sight.numbers[0], sight.numbers[-1]
    assert sight.match(last, 1) == first
    assert sight.match(first, -1) == last
    sight.choose("", "stderr")
    assert sight.numbers == []
    assert sight.match(0, 1) is None


async def shown(pilot: Pilot[None], ui: ModuleType) -> str:
    """The screen, once what was printed is drawn."""
    await pilot.pause(0.15)
    return str(ui.text_of(pilot))


def view_of(pilot: Pilot[None]) -> Any:
    return pilot.app.screen.query_one("#log-lines")


async def test_the_words_that_are_typed_are_found_and_escape_leaves_the_cursor_where_it_was(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(100, 20)) as pilot:
        client.tell(Printed("".join(f"step {n} loss 0.{n}\n" for n in range(40))))
        client.tell(Printed("careful\n", "stderr"))
        await pilot.press("5", "slash", *"Loss 0.1")
        text = await shown(pilot, ui)
        assert "11 lines with ‹loss 0.1›" in text
        assert "step 20" not in text
        await pilot.press("enter", "N", "N")
        assert view_of(pilot).current.text == "step 17 loss 0.17"
        await pilot.press("n", "escape")
        assert "step 20" in await shown(pilot, ui)
        assert view_of(pilot).current.text == "step 18 loss 0.18"
        await pilot.press("n", "n")
        assert view_of(pilot).current.text == "step 1 loss 0.1"


async def test_one_source_is_seen_by_key_and_by_mouse(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(100, 20)) as pilot:
        client.tell(Printed("plain words\n"))
        client.tell(Printed("[careful]\n", "stderr"))
        await pilot.press("5")
        text = await shown(pilot, ui)
        assert " all 4  stdout 1  stderr 1  worker 2 " in text
        assert "! [careful]" in text
        await pilot.press("s")
        text = await shown(pilot, ui)
        assert "plain words" in text
        assert "careful" not in text
        await pilot.click("#log-head", offset=(text.splitlines()[2].index("stderr") - 1, 0))
        text = await shown(pilot, ui)
        assert "plain words" not in text
        assert "[careful]" in text


async def test_the_end_is_followed_until_one_goes_up_and_again_at_the_end(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(80, 20)) as pilot:
        client.tell(Printed("".join(f"line {n}\n" for n in range(100))))
        await pilot.press("5")
        assert "line 99" in await shown(pilot, ui)
        await pilot.press("pageup")
        top = view_of(pilot).sight.numbers[view_of(pilot).scroll_offset.y]
        client.tell(Printed("".join(f"more {n}\n" for n in range(MOST_LINES - 60))))
        assert "more" not in await shown(pilot, ui)
        assert view_of(pilot).sight.numbers[view_of(pilot).scroll_offset.y] == top
        await pilot.press("G")
        assert f"more {MOST_LINES - 61}" in await shown(pilot, ui)
        assert "42 earlier lines dropped" in await shown(pilot, ui)
        client.tell(Printed("and on\r10%\r20%"))
        assert "20%" in await shown(pilot, ui)
        await wheel_up(pilot)
        client.tell(Printed("\nunseen\n" * 30))
        assert "unseen" not in await shown(pilot, ui)


async def wheel_up(pilot: Pilot[None]) -> None:
    await pilot._post_mouse_events([MouseScrollUp], "#log-lines", button=0)
    await pilot.pause()


async def test_what_came_too_fast_is_told(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(80, 20)) as pilot:
        client.tell(Printed("\n[… 2,097,152 bytes dropped]\n", dropped=2**21))
        await pilot.press("5")
        assert "2.00 MiB came too fast" in await shown(pilot, ui)


def test_rows_of_wrapped_lines_are_theirs_in_order_and_lose_no_character() -> None:
    texts = ["", "short", "x" * 25, "日本語" * 5, "exactly 10"]
    rows = LogRows(texts, 10)
    found = [""] * len(texts)
    for row in range(len(rows)):
        place, piece = rows.at(row)
        start, end = rows.pieces(texts[place])[piece]
        assert rows.first(place) <= row <= rows.last(place)
        assert cell_len(texts[place][start:end]) <= 10
        found[place] += texts[place][start:end]
    assert found == texts
    assert [rows.first(place) for place in range(len(texts))] == [0, 1, 2, 5, 8]
    assert (len(LogRows(texts, None)), len(LogRows((), 10))) == (len(texts), 0)


async def test_long_lines_wrap_by_key_and_the_cursor_goes_line_by_line(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(80, 24)) as pilot:
        long = "".join(f"word{n:03} " for n in range(40))  # 320 characters
        client.tell(Printed(f"{long}\n" * 8 + "last\n"))
        await pilot.press("5")
        assert "word039" not in await shown(pilot, ui)
        await pilot.press("w")
        text = await shown(pilot, ui)
        assert text.count("word039") == text.count("word030") == 4
        assert "› " in text
        await pilot.press("k")
        assert view_of(pilot).current.text == long
        top = view_of(pilot).scroll_offset.y
        client.tell(Printed("more\n" * 3))
        await shown(pilot, ui)
        assert view_of(pilot).scroll_offset.y == top
        await pilot.press("g", "slash", *"word039", "enter")
        assert "word039" in await shown(pilot, ui)
        await pilot.press("escape", "w")
        assert "word039" not in await shown(pilot, ui)
