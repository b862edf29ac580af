"""The torch process: one thread reads requests, the main thread carries them out."""

from __future__ import annotations

import os
import threading
import traceback
from queue import SimpleQueue
from typing import NoReturn

from nninspect.errors import NninspectError, ProtocolError
from nninspect.protocol.messages import (
    VERSION,
    Bench,
    Cancel,
    ClientHello,
    Inspect,
    Ready,
    Refused,
    WorkerHello,
)
from nninspect.protocol.records import Problem
from nninspect.worker.cancel import Cancels
from nninspect.worker.channel import Sender, receive
from nninspect.worker.dispatch import Dispatcher
from nninspect.worker.libraries import import_torch

REFUSED = 3
"""The exit code after `Refused`."""


class Worker:
    """What both threads share."""

    def __init__(self, requests: int, send: Sender) -> None:
        self._requests = requests
        self._send = send
        self._cancels = Cancels()
        self._inbox: SimpleQueue[Inspect | Bench] = SimpleQueue()

    def read(self) -> NoReturn:
        """Take requests in until the client is gone, and end the process then, at once."""
        try:
            for request in receive(self._requests):
                self._take(request)
        except NninspectError as error:
            self.refuse(error)
        os._exit(0)

    def _take(self, request: ClientHello | Inspect | Bench | Cancel) -> None:
        match request:
            case ClientHello(version):
                if version != VERSION:
                    raise ProtocolError(
                        f"the client speaks protocol {version}, the worker {VERSION}",
                        "Install the same version of nninspect on both sides.",
                    )
            case Cancel(request_id):
                self._cancels.cancel(request_id)
            case Inspect() | Bench():
                self._cancels.expect(request.request_id)
                self._inbox.put(request)

    def work(self) -> NoReturn:
        """Import torch, then carry requests out for as long as the process lives."""
        try:
            dispatcher = self._prepare()
        except NninspectError as error:
            self.refuse(error)
        pid = os.getpid()
        while os.getpid() == pid:  # a child that user code forked must not go on as a worker
            dispatcher.handle(self._inbox.get())
        os._exit(0)

    def _prepare(self) -> Dispatcher:
        import_torch()
        from nninspect.bench.run import bench
        from nninspect.engine.devices import environment
        from nninspect.engine.session import Session

        self._send(Ready(environment=environment()))
        return Dispatcher(Session(), self._send, bench=bench, cancels=self._cancels)

    def refuse(self, error: NninspectError) -> NoReturn:
        """Tell the client why this worker is of no use, and end."""
        self._send(Refused(problem=Problem.of(error)))
        os._exit(REFUSED)


def main(requests: int, answers: int) -> NoReturn:
    """Work for the client at the other end of two descriptors."""
    send = Sender(answers)
    try:
        send.open()
        send(WorkerHello(version=VERSION, pid=os.getpid()))
        worker = Worker(requests, send)
        threading.Thread(target=worker.read, name="requests", daemon=True).start()
        worker.work()
    except BaseException:
        traceback.print_exc()
    os._exit(1)
