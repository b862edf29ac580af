"""The control groups that this process is in: how much of the CPU they let it have.

Read as cgroup v2 has it (`cpu.max`), else as v1 (`cpu.cfs_quota_us`); both count in `cpu.stat` how
often a quota ran out. In a container the group is often mounted as the root itself.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

QUOTA = "quota"
"""Why a round was held up, where a quota ran out in it."""

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def quota_cores(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """The tightest CPU quota of this process's groups, in cores; None without one."""
    found = [each for folder in _groups(root, own) if (each := _quota(folder)) is not None]
    return min(found, default=None)


class Quotas:
    """Those that hold for this process, and what they count."""

    def __init__(self, root: Path = _ROOT, own: Path = _OWN) -> None:
        limited = [folder for folder in _groups(root, own) if _quota(folder) is not None]
        self._counts = [folder / "cpu.stat" for folder in limited]

    def times_run_out(self) -> int:
        """How often one ran out since its group was made, and every process in it had to wait."""
        return sum(map(_times_run_out, self._counts))


def _groups(root: Path, own: Path) -> list[Path]:
    """The folders of this process's groups and those around them."""
    folders = dict.fromkeys((root, root / "cpu"))
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" or "cpu" in controllers.split(","):
                base = root if number == "0" else root / "cpu"
                parts = Path(path.lstrip("/")).parts
                folders.update(
                    dict.fromkeys(base.joinpath(*parts[: n + 1]) for n in range(len(parts)))
                )
    return list(folders)


def _quota(folder: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota = (folder / "cpu.cfs_quota_us").read_text()
        period = (folder / "cpu.cfs_period_us").read_text()
        return None if int(quota) < 0 else int(quota) / int(period)
    return None


def _times_run_out(count: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in count.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "nr_throttled":
                return int(value)
    return 0
