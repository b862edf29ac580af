"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_OWNERS = 0o600
_USUAL = 0o666
"""As the umask allows."""


def save(path: Path, content: bytes, *, is_private: bool = False) -> None:
    """Write beside the file first, so that a full disk or a kill leaves no half of one.

    A file that is there keeps its permissions, and a link stays one; what is no file, as
    /dev/stdout, is written to as it is. Raises OSError.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        mode = _OWNERS if is_private else _USUAL
        with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            stream.write(content)
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
