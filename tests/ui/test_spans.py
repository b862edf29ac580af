"""Spans wrapped to rows."""

from __future__ import annotations

from nninspect.ui.spans import Paragraph, Span, wrap


def rows(*texts: str, width: int, hang: int = 0) -> list[str]:
    """The rows of a paragraph of so many spans."""
    found = wrap(Paragraph(tuple(map(Span, texts)), hang), width)
    return ["".join(span.text for span in row).rstrip() for row in found]


def test_a_word_in_two_styles_stays_on_one_row() -> None:
    assert rows("now ", "super", "().__init__", "() and on", width=18) == [
        "now",
        "super().__init__()",
        "and on",
    ]


def test_words_break_where_a_span_ends_with_a_space() -> None:
    assert rows("one ", "two ", "three", width=8, hang=2) == ["one two", "  three"]


def test_a_word_wider_than_a_row_is_cut_where_its_style_ends_or_at_the_edge() -> None:
    assert rows("abc", "defghij", width=5) == ["abc", "defgh", "ij"]


def test_a_break_is_one_also_between_two_words_that_touch() -> None:
    assert rows("one\n", "two", width=20) == ["one", "two"]
