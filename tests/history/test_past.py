"""The past of a model: in order, bounded, by the model and not by how its path was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nninspect.errors import UsageError
from nninspect.history import past
from nninspect.history.past import History, identity


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data", tmp_path)


def test_runs_come_back_oldest_first(history: History, a_result) -> None:
    late = a_result(run={"id": "b", "time_utc": "2026-02-01T00:00:00Z"})
    early = a_result(run={"id": "c", "time_utc": "2026-01-01T00:00:00Z"})
    history.add(late)
    history.add(early)
    assert history.past("net.py:Net").runs == (early, late)
    assert history.named("last", "net.py:Net") == late


def test_each_model_has_its_own_past(history: History, a_result) -> None:
    history.add(a_result(target="resnet-small"))
    assert history.past("cnn-digits").runs == ()
    assert len(history.past("resnet-small").runs) == 1


def test_a_file_is_the_same_model_however_its_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "net.py").touch()
    short = identity("net.py:Net", tmp_path)
    assert short == identity(f"{tmp_path}/net.py:Net", Path("/"))
    assert short == identity("./net.py:Net", tmp_path)
    assert short != identity("net.py:Other", tmp_path)


def test_the_oldest_go_beyond_what_is_kept(
    history: History, a_result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "KEPT_RUNS", 3)
    for number in range(5):
        history.add(a_result(run={"id": f"{number}", "time_utc": f"2026-01-0{number + 1}"}))
    assert [run.run.id for run in history.past("net.py:Net").runs] == ["2", "3", "4"]


def test_a_file_that_cannot_be_read_is_counted_and_left(history: History, a_result) -> None:
    path = history.add(a_result())
    (path.parent / "0-broken.json").write_text("{")
    found = history.past("net.py:Net")
    assert (len(found.runs), found.unreadable) == (1, 1)
    assert (path.parent / "0-broken.json").exists()


def test_no_past_run_is_said_with_how_to_make_one(history: History) -> None:
    with pytest.raises(UsageError) as caught:
        history.named("last", "resnet-small")
    assert caught.value.hint == "measure it once: nninspect bench resnet-small"


def test_a_name_never_leaves_its_folder(history: History, tmp_path: Path, a_result) -> None:
    run = {"id": "../../up", "time_utc": "../.."}
    path = history.add(a_result(target="../../x:../y", run=run))
    assert (tmp_path / "data").resolve() in path.resolve().parents
