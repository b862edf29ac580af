"""One question to a worker from a command: start it, ask, end it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nninspect.cli.console import Console
from nninspect.client.api import Client, Listener
from nninspect.client.connection import Connection

_Answer = TypeVar("_Answer")


def ask(question: Callable[[Client], Awaitable[_Answer]], console: Console) -> _Answer:
    """The worker's answer. Raises what the request raises; Cancelled after ctrl+c."""
    return asyncio.run(_ask(question, console.hear))


async def _ask(question: Callable[[Client], Awaitable[_Answer]], listener: Listener) -> _Answer:
    client = Connection()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: client.cancel(trace=True))
    loop.add_signal_handler(signal.SIGTERM, client.cancel)
    await client.start(listener)
    try:
        return await question(client)
    finally:
        await client.close()
