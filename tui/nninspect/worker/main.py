"""The torch process: one thread reads requests, the main thread carries them out."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import NoReturn

from nninspect.errors import NninspectError, ProtocolError
from nninspect.protocol.messages import (
    VERSION,
    Cancel,
    ClientHello,
    Ready,
    Refused,
    Request,
    Work,
    WorkerHello,
)
from nninspect.protocol.records import Problem
from nninspect.worker.cancel import Cancels
from nninspect.worker.channel import Sender, receive
from nninspect.worker.dispatch import Dispatcher
from nninspect.worker.engine import Engine, load

REFUSED = 3
"""The exit code after `Refused`."""


class Worker:
    """What both threads share."""

    def __init__(self, requests: int, send: Sender, load: Callable[[], Engine]) -> None:
        self._requests = requests
        self._send = send
        self._load = load
        self._cancels = Cancels()
        self._inbox: SimpleQueue[Work] = SimpleQueue()

    def read(self) -> NoReturn:
        """Take requests in until the client is gone, and end the process then, at once."""
        try:
            for request in receive(self._requests):
                self._take(request)
        except NninspectError as error:
            self.refuse(error)
        except OSError:  # user code closed what is not its own; no answer would get out either
            traceback.print_exc()
        os._exit(0)

    def _take(self, request: Request) -> None:
        match request:
            case ClientHello(version):
                if version != VERSION:
                    raise ProtocolError(
                        f"the client speaks protocol {version}, the worker {VERSION}",
                        "Install the same version of nninspect on both sides.",
                    )
            case Cancel(request_id):
                self._cancels.cancel(request_id)
            case _:
                self._cancels.expect(request.request_id)
                self._inbox.put(request)

    def work(self) -> NoReturn:
        """Load the engine, then carry requests out for as long as the process lives."""
        try:
            engine = self._load()
        except NninspectError as error:
            self.refuse(error)
        self._send(Ready(environment=engine.environment))
        dispatcher = Dispatcher(engine, self._send, self._cancels)
        pid = os.getpid()
        while os.getpid() == pid:  # a child that user code forked must not go on as a worker
            dispatcher.handle(self._inbox.get())
            engine.end_if_lost()
        os._exit(0)

    def refuse(self, error: NninspectError) -> NoReturn:
        """Tell the client why this worker is of no use, and end."""
        self._send(Refused(problem=Problem.of(error)))
        os._exit(REFUSED)


def main(requests: int, answers: int, load: Callable[[], Engine] = load) -> NoReturn:
    """Work for the client at the other end of two descriptors."""
    send = Sender(answers)
    try:
        send.open()
        send(WorkerHello(version=VERSION, pid=os.getpid()))
        worker = Worker(requests, send, load)
        threading.Thread(target=worker.read, name="requests", daemon=True).start()
        worker.work()
    except BaseException:  # told here, as what ends a process by `_exit` is told nowhere
        traceback.print_exc()
    os._exit(1)
