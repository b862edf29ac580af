"""What was opened last is remembered: little of it, and whatever lies in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nninspect.errors import UsageError
from nninspect.protocol.records import Setting, Setup
from nninspect.recent import MOST, Recent


@pytest.fixture
def recent(tmp_path: Path) -> Recent:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "net.py").write_text("")
    return Recent(tmp_path / "state" / "recent.json", tmp_path / "here")


def targets(recent: Recent) -> list[str]:
    return [setup.target for setup in recent.read()]


def test_the_latest_comes_first_with_its_options_once(recent: Recent) -> None:
    recent.add(Setup(target="net.py:Net", batch=8))
    recent.add(Setup(target="mlp"))
    recent.add(Setup(target="net.py:Net", batch=64, device="cuda:0"))
    assert [(each.target, each.batch) for each in recent.read()] == [
        ("net.py:Net", 64),
        ("mlp", None),
    ]
    recent.add(Setup(target="net.py:Net", settings=(Setting("hidden", "3"),)))
    assert targets(recent) == ["net.py:Net", "net.py:Net", "mlp"]


def test_a_file_is_known_from_elsewhere_too(recent: Recent, tmp_path: Path) -> None:
    recent.add(Setup(target="net.py:Net"))
    recent.add(Setup(target="hf:model"))
    elsewhere = Recent(tmp_path / "state" / "recent.json", tmp_path)
    assert targets(elsewhere) == ["hf:here/model", "here/net.py:Net"]
    far = Recent(tmp_path / "state" / "recent.json", tmp_path / "state")
    assert targets(far)[1] == str(tmp_path / "here" / "net.py:Net")
    elsewhere.remove(elsewhere.read()[1])
    assert targets(recent) == ["hf:model"]


def test_only_so_many_are_kept_and_only_for_their_owner(recent: Recent, tmp_path: Path) -> None:
    for number in range(MOST + 5):
        recent.add(Setup(target=f"pkg.mod:net{number}"))
    assert len(targets(recent)) == MOST
    assert targets(recent)[0] == f"pkg.mod:net{MOST + 4}"
    assert (tmp_path / "state" / "recent.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\x00", b"[]", b'{"schema": 99, "recent": []}', b'{"schema":1,"recent":[{"x":1}]}'],
)
def test_a_damaged_file_is_as_good_as_none_and_written_anew(
    recent: Recent, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "recent.json").write_bytes(content)
    assert targets(recent) == []
    recent.add(Setup(target="mlp"))
    assert targets(recent) == ["mlp"]


def test_where_it_can_not_be_kept_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't keep"):
        Recent(tmp_path / "file" / "recent.json", tmp_path).add(Setup(target="mlp"))
