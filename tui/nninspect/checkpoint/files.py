"""Opens what is a regular file, and reads no more of it than is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nninspect.errors import BadCheckpoint


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its bytes' count. Raises BadCheckpoint where it is no regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadCheckpoint(f"{path.name} can't be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadCheckpoint(f"{path.name} is not a regular file")
        yield file, status.st_size


def exactly(file: BinaryIO, count: int) -> bytes:
    """So many bytes. Raises BadCheckpoint where there are fewer."""
    data = file.read(count)
    if len(data) != count:
        raise BadCheckpoint("the file ends in the middle of its header")
    return data
