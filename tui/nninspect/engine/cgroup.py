"""The control groups that this process is in: what they let it have of the CPU and the memory.

Read as cgroup v2 has it (`cpu.max`, `memory.max`), else as v1 (`cpu.cfs_quota_us`,
`memory.limit_in_bytes`). In a container the group is often mounted as the root itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

QUOTA = "quota"
"""Why a round was held up, where a quota ran out in it."""

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")

_Number = TypeVar("_Number", int, float)


def quota_cores(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """The tightest CPU quota of this process's groups, in cores; None without one."""
    return _least(_quota, _groups("cpu", root, own))


class Quotas:
    """Those that hold for this process, and what they count."""

    def __init__(self, root: Path = _ROOT, own: Path = _OWN) -> None:
        self._limited = [each for each in _groups("cpu", root, own) if _quota(each) is not None]

    def times_run_out(self) -> int:
        """How often one ran out since its group was made, and every process in it had to wait."""
        return sum(_counted(folder / "cpu.stat", "nr_throttled") for folder in self._limited)


def memory_left(root: Path = _ROOT, own: Path = _OWN) -> int | None:
    """Bytes until the tightest memory limit of this process's groups; None without one. Files that
    are only cached don't count: they are dropped first."""
    return _least(_left, _groups("memory", root, own))


def _groups(controller: str, root: Path, own: Path) -> list[Path]:
    """The folders of this process's groups and those around them."""
    folders = [root, root / controller]
    with suppress(OSError):
        for line in own.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" or controller in controllers.split(","):
                base = root if number == "0" else root / controller
                parts = Path(path.lstrip("/")).parts
                folders += [base.joinpath(*parts[: n + 1]) for n in range(len(parts))]
    return folders


def _least(limit: Callable[[Path], _Number | None], folders: list[Path]) -> _Number | None:
    return min((each for folder in folders if (each := limit(folder)) is not None), default=None)


def _quota(folder: Path) -> float | None:
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota = (folder / "cpu.cfs_quota_us").read_text()
        period = (folder / "cpu.cfs_period_us").read_text()
        return None if int(quota) < 0 else int(quota) / int(period)
    return None


def _left(folder: Path) -> int | None:
    for limit, usage, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):  # another version, or no limit: "max"
            most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            return max(0, most - used + _counted(folder / "memory.stat", cached))
    return None


def _counted(stat: Path, wanted: str) -> int:
    with suppress(OSError, ValueError):
        for line in stat.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == wanted:
                return int(value)
    return 0
