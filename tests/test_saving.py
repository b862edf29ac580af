"""A file is written whole or stays as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nninspect.saving import save


def test_a_file_that_is_there_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    save(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_a_private_file_is_its_owners_and_another_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        save(tmp_path / "mine", b"", is_private=True)
        save(tmp_path / "usual", b"")
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("mine", "usual")]
    assert modes == [0o600, 0o644]


def test_where_it_fails_nothing_is_left_beside(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        save(tmp_path / "folder", b"x")
    with pytest.raises(TypeError):
        save(tmp_path / "file", "no bytes")  # type: ignore[arg-type]
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_what_is_no_file_is_written_to_as_it_is() -> None:
    save(Path("/dev/null"), b"x")
    assert not Path("/dev/null").is_file()
