"""Which files of the user's changed on disk, told by looking at them now and then."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

LOOK_SECONDS = 0.5
"""Between two looks: a stat a file, and nothing drawn where nothing changed."""

MOST_BESIDE = 100
"""Files of a folder that are watched for as long as it is not known which are used."""

Stamp = tuple[int, int, int]


class FileWatch:
    """It tells a save once, when the file has been left alone for one look.

    Editors write a file in steps, or put another in its place; one that is gone for the moment
    is no change.
    """

    def __init__(self) -> None:
        self._stamps: dict[str, Stamp | None] = {}
        self._is_settling = False

    def watch(self, files: Iterable[str]) -> None:
        """Watch these files, as they are now; what was watched before stays as it was seen."""
        self._stamps = {file: self._stamps.get(file) or _stamp(file) for file in files}

    def changed(self) -> bool:
        """Whether a file was saved since the last time that this was true."""
        stamps = {file: _stamp(file) or seen for file, seen in self._stamps.items()}
        if stamps != self._stamps:
            self._stamps, self._is_settling = stamps, True
            return False
        settled, self._is_settling = self._is_settling, False
        return settled


def _stamp(file: str) -> Stamp | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def files_of(target: str) -> tuple[str, ...]:
    """The files to watch where nothing is known yet of what a target imports: those beside it."""
    name = target.strip().rpartition(":")[0] if not target.strip().endswith(".py") else target
    path = Path(name.strip()).absolute()
    if not path.is_file():
        return ()
    beside = sorted(str(each) for each in path.parent.glob("*.py"))[:MOST_BESIDE]
    return tuple({str(path): None, **dict.fromkeys(beside)})
