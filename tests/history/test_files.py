"""A saved run reads back as it was, and anything else is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nninspect.errors import UsageError
from nninspect.history import files


def test_a_run_reads_back_as_it_was(tmp_path: Path, a_result) -> None:
    files.save(a_result(), tmp_path / "run.json")
    assert files.load(tmp_path / "run.json") == a_result()


def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(
    tmp_path: Path, a_row, a_result
) -> None:
    path = tmp_path / "run.json"
    files.save(a_result(), path)
    files.save(a_result(a_row(0.5)), path)
    assert files.load(path) == a_result(a_row(0.5))
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, a_result) -> None:
    with pytest.raises(UsageError, match=r"can.t save to .*No such file"):
        files.save(a_result(), tmp_path / "none" / "run.json")


def test_where_nothing_can_be_saved_is_said_before_it_is_measured(tmp_path: Path) -> None:
    files.check(tmp_path / "run.json")
    for path, why in ((tmp_path / "none" / "run.json", "no folder"), (tmp_path, "be written")):
        with pytest.raises(UsageError, match=why):
            files.check(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run": {}}', b"\xff\xfe"])
def test_what_is_no_saved_run_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"x\.json is not a saved benchmark"):
        files.decode(content, "x.json")


def test_another_schema_is_refused_by_its_number(a_result) -> None:
    saved = json.loads(files.encode(a_result()))
    saved["run"]["schema"] = 99
    with pytest.raises(UsageError, match="schema 99"):
        files.decode(json.dumps(saved).encode(), "x.json")


def test_a_damaged_run_is_refused_by_its_place(a_result) -> None:
    saved = json.loads(files.encode(a_result()))
    saved["machine"]["threads"] = "two"
    with pytest.raises(UsageError, match=r"machine\.threads"):
        files.decode(json.dumps(saved).encode(), "x.json")


def test_a_file_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        files.load(tmp_path / "none.json")
    assert "--save" in caught.value.hint
