"""What control groups let a process have, from files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nninspect.engine.cgroup import Quotas, memory_left, quota_cores

NO_LIMIT = "9223372036854771712"
"""As v1 writes it: more than any machine has."""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("0::/a/b", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "300000 100000"}, 2.0),
        (
            "4:cpu,cpuacct:/x",
            {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
)
def test_the_quota_is_the_tightest_of_the_groups(
    own: str, files: dict[str, str], cores: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        write(tmp_path / "cgroup" / name, text)
    write(tmp_path / "own", own)
    assert quota_cores(tmp_path / "cgroup", tmp_path / "own") == cores


def test_a_quota_that_ran_out_is_counted_in_every_group_that_has_one(tmp_path: Path) -> None:
    for folder, quota, times in (("a", "50000", 3), ("a/b", "20000", 4), ("a/b/c", "max", 99)):
        write(tmp_path / "cgroup" / folder / "cpu.max", f"{quota} 100000")
        write(tmp_path / "cgroup" / folder / "cpu.stat", f"nr_periods 9\nnr_throttled {times}\n")
    write(tmp_path / "own", "0::/a/b/c")
    assert Quotas(tmp_path / "cgroup", tmp_path / "own").times_run_out() == 7
    assert Quotas(tmp_path / "none", tmp_path / "own").times_run_out() == 0


V2 = {"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 5\ninactive_file 100\n"}
V1 = {
    "memory.limit_in_bytes": "1000",
    "memory.usage_in_bytes": "700",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 200\n",
}


@pytest.mark.parametrize(
    ("own", "folder", "files", "left"),
    [
        ("0::/a/b", "a", V2, 400),
        ("0::/a/b", "a", V2 | {"memory.max": "max"}, None),
        ("0::/a/b", "", V2 | {"memory.current": "1200"}, 0),
        ("4:memory:/x", "memory/x", V1, 500),
        ("4:memory:/x", "memory", V1 | {"memory.limit_in_bytes": NO_LIMIT}, int(NO_LIMIT) - 500),
        ("4:cpu:/x", "memory/x", V1, None),
    ],
)
def test_memory_is_left_up_to_the_limit_but_for_files_that_are_only_cached(
    own: str, folder: str, files: dict[str, str], left: int | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        write(tmp_path / "cgroup" / folder / name, text)
    write(tmp_path / "own", own)
    assert memory_left(tmp_path / "cgroup", tmp_path / "own") == left
