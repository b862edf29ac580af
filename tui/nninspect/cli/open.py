"""`nninspect [TARGET]`: the app; without a terminal, what to use instead."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nninspect.cli.console import Console
from nninspect.cli.exit_codes import USAGE
from nninspect.cli.options import (
    add_model_option,
    add_setup_options,
    command_parser,
    model_of,
    setup_of,
)
from nninspect.client.process import spawn
from nninspect.places import config_file

if TYPE_CHECKING:
    from nninspect.ui.preferences import Preferences

EXAMPLES = """
nninspect                                   choose a network
nninspect resnet-small                      open a bundled one
nninspect net.py:Net --set hidden=128       open your own
nninspect net.py:Net --input int64:1x128 --device cuda:0
nninspect summary net.py:Net                the same as text; see nninspect summary --help
"""

COMMANDS = """\
commands, each with --help:
  list, summary, diff, bench, history, check, rule, export, env, keys
                              text and JSON, for pipes and CI
"""

EARLY_START_CORES = 4
"""With as many cores the worker starts beside the UI's imports; with fewer, after its first
frame, so as not to slow it."""


def parser() -> argparse.ArgumentParser:
    from nninspect import __version__

    parser = command_parser("", "See what a PyTorch model is, and what it does.", EXAMPLES)
    parser.usage = "nninspect [TARGET] [options]\n       nninspect COMMAND …"
    parser.epilog = f"{COMMANDS}\n{parser.epilog}"
    parser.add_argument("target", metavar="TARGET", nargs="?", help="what to open: see targets")
    parser.add_argument("--version", action="version", version=f"nninspect {__version__}")
    add_setup_options(parser)
    add_model_option(parser)
    add_view_options(parser)
    return parser


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """What is of the app alone."""
    add = parser.add_argument_group("the app").add_argument
    add("--watch", action="store_true", help="read your files again as soon as one is saved")
    add(
        "--stock-display",
        action="store_true",
        help="draw every change in full, as Textual does: more bytes, nothing of our own",
    )
    add("--ascii", action="store_true", help="draw with nothing but ASCII")


def run(options: argparse.Namespace) -> int:
    setup = setup_of(options) if options.target else None
    model = model_of(options, setup) if setup else None
    if why_not := no_terminal():
        return _without_terminal(options, why_not)
    console = Console()
    console.starting("nninspect starts…")
    load_asyncio()
    process = spawn() if setup and (os.cpu_count() or 1) >= EARLY_START_CORES else None

    from nninspect.client.connection import Connection
    from nninspect.ui.app import run_app

    console.clear_progress()
    return run_app(Connection(process), setup, _preferences(options), model)


def load_asyncio() -> None:
    """As a build without `ssl` has it: that would be 8 MB and 5 ms for connections that the app
    never opens. Whoever imports `ssl` later gets it."""
    if "ssl" in sys.modules:
        return
    sys.modules["ssl"] = cast(ModuleType, None)
    try:
        import asyncio  # noqa: F401 - for what it does without
    finally:
        del sys.modules["ssl"]


def _preferences(options: argparse.Namespace) -> Preferences:
    """The config file's, where the command line says nothing else."""
    from nninspect.ui.preferences import read_config

    found = read_config(config_file())
    return dataclasses.replace(
        found,
        stock_display=options.stock_display or found.stock_display,
        ascii=options.ascii or found.ascii or not _writes_unicode(),
        watch=options.watch or found.watch,
    )


def _writes_unicode() -> bool:
    """Whether the terminal is written to in an encoding that has more than ASCII."""
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").startswith("utf")


def no_terminal() -> str:
    """Why the app can't be shown here, or ""."""
    if not (sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty()):
        return "this is not a terminal"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"the terminal is TERM={os.environ.get('TERM', '')!r}, which can't move the cursor"
    return ""


def _without_terminal(options: argparse.Namespace, why_not: str) -> int:
    console = Console()
    if options.target is None:
        console.note(
            f"{why_not}; use `nninspect list` for the networks, "
            "`nninspect summary TARGET` and `nninspect bench TARGET` for text or --json"
        )
        return USAGE
    from nninspect.cli import summary

    console.note(f"{why_not}, so this is `nninspect summary`")
    options.json, options.unfold = False, False
    return summary.run(options)
