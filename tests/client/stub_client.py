"""A UI process for tests to end: it asks a stub worker for one thing and then does nothing.

`stub_client.py TARGET`; a line on stdin makes it leave without a word to the worker.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from pathlib import Path

from nninspect.client import process
from nninspect.client.connection import Connection
from nninspect.protocol.records import Setup

STUB = str(Path(__file__).with_name("stub_worker.py"))


async def main() -> None:
    command = (*process.COMMAND, sys.executable, "-P", STUB)
    connection = Connection(spawn=functools.partial(process.spawn, command))
    await connection.start(lambda event: None)
    request = asyncio.ensure_future(connection.inspect(Setup(target=sys.argv[1])))
    told_to_leave = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), told_to_leave.set)
    await told_to_leave.wait()
    request.cancel()


if __name__ == "__main__":
    asyncio.run(main())
