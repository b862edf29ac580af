"""Whose line raised: the user's, not torch's and not ours; and the traceback they want to see."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from collections.abc import Iterator
from functools import lru_cache
from itertools import dropwhile
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException

_OURS = Path(__file__).resolve().parent.parent
_LIBRARIES = tuple(
    Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "purelib", "platlib")
)


def user_line(error: BaseException) -> str:
    """ "net.py:12 in forward: x = self.fc(x)" of the innermost line of the user's; or ""."""
    if isinstance(error, SyntaxError) and error.lineno and is_users(error.filename or "<unknown>"):
        name = Path(str(error.filename)).name
        return f"{name}:{error.lineno}: {(error.text or '').strip()}".rstrip(": ")
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if is_users(file):
            linecache.checkcache(file)
            text = linecache.getline(file, line).strip()
            return f"{Path(file).name}:{line} in {frame.f_code.co_name}: {text}".rstrip(": ")
    return ""


@lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """A real file that is neither ours nor an installed library's."""
    if file.startswith("<"):
        return False
    path = Path(file).resolve()
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    return not any(folder in path.parents for folder in (_OURS, *_LIBRARIES))


@lru_cache(maxsize=4096)
def is_ours(file: str) -> bool:
    return _OURS in Path(file).resolve().parents


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, from the user's first line on, our own lines left out."""
    report = TracebackException.from_exception(error)
    for part in _chain(report):
        part.stack = StackSummary.from_list(_users_part(part.stack))
    return "".join(report.format())


def _chain(report: TracebackException | None) -> Iterator[TracebackException]:
    if report is not None:
        yield report
        yield from _chain(report.__cause__)
        yield from _chain(report.__context__)


def _users_part(frames: StackSummary) -> list[FrameSummary]:
    not_ours = [frame for frame in frames if not is_ours(frame.filename)]
    return list(dropwhile(lambda frame: not is_users(frame.filename), not_ours)) or not_ours


MOST_TEXT = 10_000
"""Characters of a message that are read: some carry a whole tensor, or a page of HTML."""


def message_of(error: BaseException) -> str:
    """What an exception says, cut where it is endless; "" where it fails to say it."""
    try:
        return str(error)[:MOST_TEXT]
    except Exception:  # the user's own exception, with a broken __str__
        return ""


def described(error: BaseException) -> str:
    """ "RuntimeError: its first line", or its first two where the first one only leads up."""
    lines = message_of(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    leads_up = lines[0].endswith(":") and len(lines) > 1
    text = f"{lines[0]} {lines[1].strip()}" if leads_up else lines[0]
    return f"{type(error).__name__}: {text}"


def let_go(error: BaseException | None) -> None:
    """Drop the frames that an exception holds, and what led to it. A frame above that holds the
    exception would keep them, and the tensors in them, until garbage is collected."""
    chain = [error]
    while chain:
        each = chain.pop()
        if each is not None and each.__traceback__ is not None:
            each.__traceback__ = None
            chain += (each.__cause__, each.__context__)
