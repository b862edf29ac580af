"""Whose line raised: the user's, not torch's and not ours; and the traceback they want to see."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

_OURS = Path(__file__).resolve().parent.parent
_LIBRARIES = tuple(
    Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "purelib", "platlib")
)


def user_line(error: BaseException) -> str:
    """ "net.py:12 in forward: x = self.fc(x)" of the innermost line of the user's; or ""."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{Path(error.filename).name}:{error.lineno}: {(error.text or '').strip()}"
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if is_users(file):
            text = linecache.getline(file, line).strip()
            return f"{Path(file).name}:{line} in {frame.f_code.co_name}: {text}"
    return ""


def is_users(file: str) -> bool:
    """A real file that is neither ours nor an installed library's."""
    if file.startswith("<"):
        return False
    path = Path(file).resolve()
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    return not any(folder in path.parents for folder in (_OURS, *_LIBRARIES))


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, from the first line outside of nninspect on."""
    return "".join(traceback.format_exception(type(error), error, _below_ours(error.__traceback__)))


def _below_ours(trace: TracebackType | None) -> TracebackType | None:
    start = trace
    while start is not None:
        if _OURS not in Path(start.tb_frame.f_code.co_filename).resolve().parents:
            return start
        start = start.tb_next
    return trace


def described(error: BaseException) -> str:
    """ "RuntimeError: its first line"."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
