"""Tables as they are written: numbers for programs, words for people."""

from __future__ import annotations

import csv
import io

import pytest

from nninspect.errors import UsageError
from nninspect.export.as_svg import MOST_ROWS, as_svg
from nninspect.export.table import Cell, Table, as_csv, as_markdown, as_tsv

TABLE = Table(
    ("layer", "mult-adds", "note"),
    (
        (Cell("  conv", "stem.conv"), Cell("40.1 M", 40_127_000), 'a, "b" | *c*'),
        (Cell("  gone", "stem.gone"), Cell("?", None), ""),
    ),
)


def test_csv_has_paths_and_every_digit_and_nothing_for_what_is_not_known() -> None:
    assert list(csv.reader(io.StringIO(as_csv(TABLE)))) == [
        ["layer", "mult-adds", "note"],
        ["stem.conv", "40127000", 'a, "b" | *c*'],
        ["stem.gone", "", ""],
    ]
    assert as_tsv(TABLE).splitlines()[2] == "stem.gone\t\t"


def test_markdown_is_aligned_and_escapes_what_it_would_take_for_its_own() -> None:
    titles, rule, conv, gone = as_markdown(TABLE).splitlines()
    assert len({len(titles), len(rule), len(conv), len(gone)}) == 1
    assert "| stem.conv |    40.1 M |" in conv
    assert '| a, "b" \\| \\*c\\* |' in conv
    assert "-: |" in rule


def test_a_picture_has_the_tree_and_loads_nothing_from_elsewhere() -> None:
    picture = as_svg(TABLE, "net <x>")
    assert picture.startswith("<svg")
    assert "&#160;&#160;conv" in picture
    assert "net&#160;&lt;x&gt;" in picture
    assert "url(" not in picture.replace("url(#", "")
    assert "@font-face" not in picture
    assert "src:" not in picture


def test_a_picture_without_room_says_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        as_svg(Table(("a",), (("x",),) * (MOST_ROWS + 1)), "net")
    assert "CSV" in caught.value.hint
