"""One question to a worker from a command: start it, ask, end it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nninspect.cli.console import Console
from nninspect.client.api import Client
from nninspect.client.connection import Connection

_Answer = TypeVar("_Answer")


TICK_S = 1.0
LONG_S = 5.0
"""Seconds after which a question that takes long says so, once a tick."""


def ask(
    question: Callable[[Client], Awaitable[_Answer]],
    console: Console,
    way_out: str = "ctrl+c ends it",
) -> _Answer:
    """The worker's answer. Raises what the request raises; Cancelled after ctrl+c, and where that
    leads is said while it takes long."""
    return asyncio.run(_ask(question, console, way_out))


async def _ask(
    question: Callable[[Client], Awaitable[_Answer]], console: Console, way_out: str
) -> _Answer:
    client = Connection()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: client.cancel(trace=True))
    loop.add_signal_handler(signal.SIGTERM, client.cancel)
    await client.start(console.hear)
    ticking = asyncio.create_task(_tick(console, way_out))
    try:
        return await question(client)
    finally:
        ticking.cancel()
        await client.close()


async def _tick(console: Console, way_out: str) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        await asyncio.sleep(TICK_S)
        if (waited := loop.time() - began) > LONG_S:
            console.waited(waited, way_out)
