"""A worker that need not wait for torch: it is forked from a process that has imported it.

`warm_worker.py serve SOCKET` imports what a worker imports, and forks one for each that asks.
`warm_worker.py join SOCKET` stands in a worker's place: it hands its streams, folder and variables
over to a fork, and ends as that does. This is for tests of what a worker answers, not of its
process: nobody sweeps what the fork leaves behind.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import socket
import sys
from select import select

FLIGHT = "NNINSPECT_FLIGHT"
WANTED = (
    *("nninspect.worker.main", "nninspect.worker.streams", "nninspect.engine.session"),
    *("nninspect.bench.run", "nninspect.doctor.catalog", "nninspect.doctor.check"),
    *("nninspect_models.catalog", "numpy.random"),
)
"""What a worker imports, at its start and at its first request. Nothing may run here: a fork has
neither the threads nor the devices that this process began to use."""


def join(path: str) -> None:
    """Be a worker by way of the server."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    state = json.dumps({"cwd": os.getcwd(), "env": dict(os.environ)})
    socket.send_fds(server, [f"{state}\n".encode()], [0, 1, 2, int(os.environ[FLIGHT])])
    os.closerange(0, 2)  # the fork alone has them now, so that their other ends see it close them
    status = int(server.recv(64) or b"9")
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


class Server:
    """Forks a worker for each that joins, tells how it ended, and kills it should that go first."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._joined: dict[socket.socket, int] = {}
        self._ended, writable = os.pipe()
        os.set_blocking(writable, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writable)

    def run(self) -> None:
        """Until stdin is closed."""
        while True:
            ready, _, _ = select([0, self._ended, self._listener, *self._joined], [], [])
            if 0 in ready:
                break
            for gone in self._joined.keys() & set(ready):
                pid = self._joined.pop(gone)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                gone.close()
            if self._ended in ready:
                os.read(self._ended, 4096)
                self._tell_ends()
            if self._listener in ready:
                self._take(self._listener.accept()[0])
        for pid in self._joined.values():
            os.kill(pid, signal.SIGKILL)

    def _tell_ends(self) -> None:
        for joined, pid in list(self._joined.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with contextlib.suppress(OSError):
                    joined.send(str(status).encode())
                joined.close()
                del self._joined[joined]

    def _take(self, joined: socket.socket) -> None:
        data, descriptors, _, _ = socket.recv_fds(joined, 2**16, 4)
        while data and not data.endswith(b"\n"):
            data += joined.recv(2**16)
        pid = os.fork()
        if pid:
            self._joined[joined] = pid
            for descriptor in descriptors:
                os.close(descriptor)
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (self._listener, joined, *self._joined):
            each.close()
        work(json.loads(data), descriptors)


def work(state: dict[str, object], descriptors: list[int]) -> None:
    """Be the worker that was asked for."""
    from nninspect.worker import streams
    from nninspect.worker.main import main

    os.setpgid(0, 0)
    *streams_given, flight = descriptors
    for number, descriptor in enumerate(streams_given):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(state["cwd"]))
    os.environ.clear()
    os.environ.update(state["env"], **{FLIGHT: str(flight)})
    main(*streams.take())


def serve(path: str) -> None:
    """Import, say so in a line on stdout, and fork until stdin is closed."""
    for name in WANTED:
        importlib.import_module(name)
    sys.modules["nninspect.doctor.catalog"].all_rules()
    server = Server(path)
    print("ready", flush=True)
    server.run()


if __name__ == "__main__":
    {"join": join, "serve": serve}[sys.argv[1]](sys.argv[2])
