"""The past runs of each model, in the user's data directory: the latest of them, no more."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nninspect.errors import UsageError
from nninspect.history import files
from nninspect.protocol.bench import BenchResult

KEPT_RUNS = 50
"""Runs of one model that are kept; the oldest goes first."""

LAST = "last"
"""What names the latest run of the same model, where a file is asked for."""


@dataclass(frozen=True)
class PastRuns:
    """The runs of one model that can be read, the latest last, and how many can't be."""

    runs: tuple[BenchResult, ...]
    unreadable: int = 0


def default_folder() -> Path:
    """Where the runs are: the platform's data directory of the user, not made yet."""
    import platformdirs  # only where a run is kept or asked for: it costs start-up

    return platformdirs.user_data_path("nninspect") / "bench"


def is_finished(result: BenchResult) -> bool:
    """It ran to its end and has a figure: worth keeping."""
    return result.stopped not in ("cancelled", "died") and any(row.latency for row in result.rows)


def identity(target: str, folder: Path) -> str:
    """What tells a model from others: a file's target by its absolute path, any other as it is."""
    path, separator, name = target.partition(":")
    file = folder / path
    return f"{file.resolve()}{separator}{name}" if file.exists() else target


class History:
    """One folder a model, one file a run, named so that their order is that of time."""

    def __init__(self, folder: Path, working_folder: Path) -> None:
        self._folder = folder
        self._working_folder = working_folder

    @classmethod
    def of_user(cls) -> History:
        """The user's own; relative targets are meant from the working folder."""
        return cls(default_folder(), Path.cwd())

    def add(self, result: BenchResult) -> Path:
        """Keep a run, and let go of the oldest beyond `KEPT_RUNS`. Raises `UsageError`."""
        folder = self._folder_of(result.setup.target)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"can't keep the run in {folder}: {error.strerror}") from error
        path = folder / f"{_for_a_name(result.run.time_utc)}-{_for_a_name(result.run.id)}.json"
        files.save(result, path)
        for old in _files(folder)[:-KEPT_RUNS]:
            old.unlink(missing_ok=True)
        return path

    def past(self, target: str) -> PastRuns:
        """The runs of a model; files that can't be read are counted and left alone."""
        runs: list[BenchResult] = []
        unreadable = 0
        for path in _files(self._folder_of(target)):
            try:
                runs.append(files.load(path))
            except UsageError:
                unreadable += 1
        return PastRuns(tuple(runs), unreadable)

    def latest(self, target: str) -> BenchResult | None:
        """The last run of a model that can be read."""
        for path in reversed(_files(self._folder_of(target))):
            with suppress(UsageError):
                return files.load(path)
        return None

    def named(self, name: str, target: str) -> BenchResult:
        """The run in a file; "last" is the latest of the same model. Raises `UsageError`."""
        if name != LAST:
            return files.load(Path(name))
        found = self.latest(target)
        if found is None:
            raise UsageError(
                f"there is no past run of {target} to compare with",
                f"measure it once: nninspect bench {target}",
            )
        return found

    def _folder_of(self, target: str) -> Path:
        whole = identity(target, self._working_folder)
        import hashlib  # its OpenSSL is 3.5 MB, and the app mostly opens no history

        digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
        return self._folder / f"{_for_a_name(Path(target).name)[:40]}-{digest}"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _for_a_name(text: str) -> str:
    """The text with everything that a file name could stumble over replaced."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text).lstrip(".") or "run"
