"""An error of our own that nothing caught: its traceback goes to a file, a sentence to the user."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path


def report(error: BaseException, folder: Path | None = None) -> str:
    """Write the traceback, and say what failed and where it is. Where no file can be written,
    the last line of the traceback has to do."""
    text = "".join(traceback.format_exception(error))
    said = f"nninspect itself failed: {type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="nninspect-", suffix=".log", dir=folder, delete=False
        ) as file:
            file.write(text)
    except OSError:
        return f"{said}\n{traceback.format_tb(error.__traceback__)[-1].strip()}"
    return f"{said}\nThe traceback is in {file.name}: it makes a good bug report."
