"""The worker's end of the pipe: answers out, whole and one at a time; requests in."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from nninspect.protocol.framing import RequestReader, encode
from nninspect.protocol.messages import MAGIC, Request, Response
from nninspect.worker import streams

_BLOCK = 64 * 2**10


class Sender:
    """Answers to one descriptor, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def open(self) -> None:
        """Write the magic that comes before every message."""
        self._write(MAGIC)

    def __call__(self, message: Response) -> None:
        """Raises ProtocolError, with nothing written, on a message that can't be encoded."""
        data = encode(message)
        streams.flush()  # the client shows what was printed before an answer before the answer
        self._write(data)

    def _write(self, data: bytes) -> None:
        with self._lock:
            rest = memoryview(data)
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except OSError:
                    os._exit(0)  # the client is gone


def receive(descriptor: int) -> Iterator[Request]:
    """Requests as they come, until the client is gone.

    Raises ProtocolError on anything that is not a request.
    """
    reader = RequestReader()
    while data := os.read(descriptor, _BLOCK):
        yield from reader.feed(data)
