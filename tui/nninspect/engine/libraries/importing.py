"""Importing a library that may be missing, or broken: both are messages."""

from __future__ import annotations

import importlib
from types import ModuleType

from nninspect.engine.blame import described, user_traceback
from nninspect.errors import BadTarget, Interrupted


def import_library(name: str) -> ModuleType:
    """The library, imported when it is first asked for. Raises BadTarget with the pip command."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        needs = "" if missing == name else f", which {name} needs"
        raise BadTarget(
            f"there is no {missing} here{needs}",
            f"Install it into the environment that nninspect runs in: pip install {missing}",
            details=user_traceback(error),
        ) from None
    except Interrupted:
        raise
    except BaseException as error:  # a broken installation raises whatever it likes
        raise _broken(name, error) from None


def _broken(name: str, error: BaseException) -> BadTarget:
    """Compiled for another torch, as a rule: its operators are not there, or a symbol is not."""
    fits = f"pip install --force-reinstall --no-deps {name}"
    return BadTarget(
        f"{name} is installed, but can't be imported: {described(error)}",
        f"It has to fit the installed torch; install the release that was made for it: {fits}==…",
        details=user_traceback(error),
    )
