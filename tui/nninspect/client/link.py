"""One worker process on the event loop: its three pipes, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import IO, Protocol, TypeAlias, cast

from nninspect.client.printed import WINDOW_S, Piece, Printed
from nninspect.client.process import Process, kill_session
from nninspect.protocol.flight import Position

END_S = 2.0
"""Seconds that a supervisor gets to end everything, before it is killed itself."""

PAUSE_S = 0.02
"""Seconds that what is printed gathers, so that many small prints cost the client little."""

_MUCH = 32 * 2**10
"""Bytes: half a pipe. What printed this much has no time to lose, and is read on at once."""

_BLOCK = 256 * 2**10
"""Bytes read at once: more than a pipe holds, so that one read empties it."""


_Streams: TypeAlias = tuple[IO[bytes], IO[bytes], IO[bytes]]


class Ears(Protocol):
    """Who hears of what a link gets. Nothing is heard after `ended`, or `Link.hang_up`."""

    def received(self, data: bytes) -> None:
        """Bytes of the protocol."""

    def printed(self, piece: Piece) -> None:
        """Text that is not of the protocol."""

    def ended(self, code: int) -> None:
        """The process ended by itself, with this `returncode`. All it said was heard before."""


class Link:
    """A started worker process. Nothing here blocks the event loop.

    Its end is watched by itself, not by the end of its pipes: a child that the user's code
    forked may hold those open for as long as it likes.
    """

    def __init__(self, process: Process, ears: Ears) -> None:
        self._process = process
        self._ears: Ears | None = ears
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[int] = self._loop.create_future()
        self._printed = Printed()
        self._is_count_due = False
        self._unsent = bytearray()
        self._streams = cast(_Streams, (process.stdin, process.stdout, process.stderr))
        self._stdin, self._stdout, self._stderr = (stream.fileno() for stream in self._streams)
        for stream in self._streams:
            os.set_blocking(stream.fileno(), False)
        self._loop.add_reader(self._stdout, self._read_answers)
        self._loop.add_reader(self._stderr, self._read_printed)
        _watch(self._loop, process, self._on_gone)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_lines(self) -> str:
        """The last lines that were printed."""
        return self._printed.last_lines()

    @property
    def position(self) -> Position | None:
        """How far the look under way is, or was when the process ended."""
        return self._process.flight.position()

    def write(self, data: bytes) -> None:
        """Send bytes as soon as the process takes them; lost when it is gone."""
        if not self._streams[0].closed:
            self._unsent += data
            self._write_on()

    def hang_up(self) -> None:
        """Let the process end, with all it started, and listen to it no more."""
        self._ears = None
        self._close_stdin()
        self._process.terminate()

    async def gone(self) -> None:
        """Once it was hung up: see to it that the process ends, whatever it is doing."""
        await asyncio.wait([self._gone], timeout=END_S)
        if not self._gone.done():
            self._process.kill()
            await asyncio.wait([self._gone], timeout=END_S)

    def _write_on(self) -> None:
        try:
            del self._unsent[: os.write(self._stdin, self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._stdin, self._write_on)
        else:
            self._loop.remove_writer(self._stdin)

    def _read_answers(self) -> None:
        data = self._read(self._stdout)
        self._read_printed()  # printed before it answered, so shown before the answer
        if data and self._ears:
            self._ears.received(data)

    def _read_printed(self) -> None:
        data = self._read(self._stderr)
        if data and len(data) < _MUCH:
            self._loop.remove_reader(self._stderr)
            self._loop.call_later(PAUSE_S, self._resume)
        self._print(self._printed.feed(data))
        if self._printed.is_dropping and not self._is_count_due:
            self._is_count_due = True
            self._loop.call_later(WINDOW_S, self._count)

    def _count(self) -> None:
        self._is_count_due = False
        self._print(self._printed.flush())

    def _resume(self) -> None:
        if not self._gone.done():
            self._loop.add_reader(self._stderr, self._read_printed)

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, _BLOCK)
        except BlockingIOError:
            return b""
        if not data:
            self._loop.remove_reader(descriptor)
        return data

    def _print(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if self._ears:
                self._ears.printed(piece)

    def _on_gone(self) -> None:
        self._read_answers()
        self._print(self._printed.flush())
        self._close_stdin()
        for stream in self._streams[1:]:
            self._loop.remove_reader(stream.fileno())
            stream.close()
        code = self._process.wait()
        if code == -signal.SIGKILL:  # perhaps it was not the worker but its supervisor
            self._loop.run_in_executor(None, kill_session, self.pid)
        self._gone.set_result(code)
        ears, self._ears = self._ears, None
        if ears:
            ears.ended(code)
        self._process.flight.close()

    def _close_stdin(self) -> None:
        if not self._streams[0].closed:
            self._unsent.clear()
            self._loop.remove_writer(self._stdin)
            self._streams[0].close()


def _watch(loop: asyncio.AbstractEventLoop, process: Process, on_gone: Callable[[], None]) -> None:
    """Call back on the loop once the process has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # macOS; an old kernel; already waited for
        threading.Thread(target=_wait, args=(loop, process, on_gone), daemon=True).start()
        return

    def gone() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        on_gone()

    loop.add_reader(descriptor, gone)


def _wait(loop: asyncio.AbstractEventLoop, process: Process, on_gone: Callable[[], None]) -> None:
    process.wait()
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(on_gone)
