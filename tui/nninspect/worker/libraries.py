"""Imports torch, or says what is in the way."""

from __future__ import annotations

import gc
import sys
import traceback

from nninspect.errors import WorkerMissing

OLDEST_TORCH = (2, 6)


def import_torch() -> None:
    """Raises WorkerMissing when torch is missing, broken or too old."""
    gc.disable()  # an import makes much and frees nothing: collections only cost time
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise WorkerMissing("torch is not installed", _install()) from None
        raise _broken(error) from error
    except Exception as error:
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
