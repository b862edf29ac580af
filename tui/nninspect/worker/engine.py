"""What carries requests out: torch and the engine on it, or what is in the way of them."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from nninspect.errors import WorkerMissing
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.flight import Death, inherited
from nninspect.protocol.records import Environment, Inspection, Setup
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

OLDEST_TORCH = (2, 6)


Report: TypeAlias = Callable[[str, float | None], None]
"""Hears how far it is: the stage, and the fraction of the whole where it is known."""


class Session(Protocol):
    """Remembers the model between requests."""

    def inspect(
        self, setup: Setup, *, reload: bool, progress: Report, deaths: Sequence[Death]
    ) -> Inspection: ...

    def weights(
        self, setup: Setup, path: str, below: bool, progress: Report
    ) -> tuple[TensorStats, ...]: ...

    def source(self, setup: Setup, path: str, progress: Report) -> Source: ...


class Engine(NamedTuple):
    """What the worker runs; tests have one without torch."""

    environment: Environment
    session: Session
    bench: Callable[[Any, Setup, BenchPlan, Any, Callable[[BenchResult], None]], BenchResult]
    """Session, setup, plan, a Report that also takes a `BenchProgress`, and what hears of the
    result so far."""
    check: Callable[[Any, Setup, CheckPlan, Report], CheckResult]
    end_if_lost: Callable[[], None] = lambda: None
    """Asked after each answer: ends a process that can use an accelerator no more."""


def load() -> Engine:
    """The real one. Raises WorkerMissing when torch is missing, broken or too old."""
    numbers = inherited()
    _import_torch()
    from nninspect.bench.run import bench
    from nninspect.doctor.check import check
    from nninspect.engine.devices import environment
    from nninspect.engine.lost_device import end_if_any_lost
    from nninspect.engine.session import Session
    from nninspect.engine.user_warnings import tell_at_users_lines

    tell_at_users_lines()
    return Engine(environment(), Session(numbers), bench, check, end_if_any_lost)


def _import_torch() -> None:
    gc.disable()  # an import makes much and frees nothing: collections only cost time
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise WorkerMissing("torch is not installed", _install()) from None
        raise _broken(error) from error
    except Exception as error:  # a library that does not load, a file of the user's in the way
        raise _broken(error) from error
    finally:
        gc.enable()
        gc.freeze()
    version = str(getattr(torch, "__version__", "0.0"))
    if _numbers(version) < OLDEST_TORCH:
        raise WorkerMissing(f"torch {version} is too old: nninspect needs 2.6", _install())


def _numbers(version: str) -> tuple[int, ...]:
    """ "2.10.0a0+git" to (2, 10)."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _install() -> str:
    return f"Type: {sys.executable} -m pip install 'torch>=2.6'"


def _broken(error: Exception) -> WorkerMissing:
    return WorkerMissing(
        f"torch can't be imported: {type(error).__name__}: {error}",
        f"See what it says on its own: {sys.executable} -c 'import torch'",
        details=traceback.format_exc(),
    )
