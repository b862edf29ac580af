"""`nninspect env`: what the worker runs on, for a bug report or a look at the devices."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator

import msgspec

from nninspect import __version__
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, add_traceback_option, command_parser
from nninspect.client.api import Died, Event, Ready
from nninspect.client.connection import Connection
from nninspect.places import config_file
from nninspect.protocol.records import Environment
from nninspect.text import units
from nninspect.text.plain import plain

EXAMPLES = """
nninspect env
nninspect env --json
"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("env", "Print versions and devices.", EXAMPLES)
    add_json_option(parser)
    add_traceback_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    environment = asyncio.run(_environment(console))
    if options.json:
        fields = msgspec.to_builtins(environment)
        console.json(
            {
                "nninspect": __version__,
                "bytecode": has_bytecode(),
                "config": str(config_file()),
                **fields,
            }
        )
    else:
        console.lines(_lines(environment))
    return OK


async def _environment(console: Console) -> Environment:
    """Raises WorkerError where the worker does not get ready."""
    answer: asyncio.Future[Environment] = asyncio.get_running_loop().create_future()

    def hear(event: Event) -> None:
        console.hear(event)
        match event:
            case Ready(environment):
                answer.set_result(environment)
            case Died(problem) if not answer.done():
                answer.set_exception(problem.error())

    client = Connection()
    await client.start(hear)
    try:
        return await answer
    finally:
        await client.close()


def _lines(environment: Environment) -> Iterator[str]:
    yield f"nninspect   {__version__}"
    yield f"python      {environment.python}"
    yield f"torch       {environment.torch}, {environment.threads} threads"
    yield f"host        {plain(environment.host)}, {platform.platform()}"
    for device in environment.devices:
        memory = f", {units.size(device.memory)}" if device.memory else ""
        yield f"device      {device.name}  {plain(device.title)}{memory}"
    if environment.no_accelerator:
        yield f"            no accelerator: {plain(environment.no_accelerator)}"
    config = config_file()
    yield f"config      {plain(str(config))}{'' if config.exists() else ', not there'}"
    if not has_bytecode():
        yield (
            "bytecode    missing, so every start is seconds slower; make it with: "
            f"{sys.executable} -m compileall -q {_package_folder('textual')}"
        )


def has_bytecode() -> bool:
    """Whether Textual's modules are compiled; where they are not, every start compiles them."""
    init = os.path.join(_package_folder("textual"), "app.py")
    return os.path.exists(importlib.util.cache_from_source(init))


def _package_folder(name: str) -> str:
    spec = importlib.util.find_spec(name)
    return os.path.dirname(spec.origin) if spec and spec.origin else ""
