"""The command line that shows the same again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nninspect.protocol.records import Setup
from nninspect.text.inputs import format_input

_USUAL = Setup(target="")


def command(setup: Setup, name: str = "", *more: str) -> str:
    """ "nninspect check net.py:Net --batch 64 --loss cross_entropy", quoted for a shell; without
    a name, what opens the app."""
    words = ("nninspect", *([name] if name else []), setup.target, *options(setup), *more)
    return shlex.join(words)


def options(setup: Setup) -> Iterator[str]:
    """Those that are not as they are by default."""
    for setting in setup.settings:
        yield from ("--set", f"{setting.name}={setting.text}")
    for spec in setup.inputs:
        yield from ("--input", format_input(spec))
    if setup.batch is not None:
        yield from ("--batch", str(setup.batch))
    if setup.device != _USUAL.device:
        yield from ("--device", setup.device)
    if setup.dtype is not None:
        yield from ("--dtype", setup.dtype)
    if setup.training:
        yield "--train"
