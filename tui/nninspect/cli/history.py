"""`nninspect history`: the past benchmarks of a model."""

from __future__ import annotations

import argparse

import msgspec

from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, command_parser
from nninspect.history.past import History
from nninspect.protocol.bench import BenchResult
from nninspect.text import bench as text
from nninspect.text import units
from nninspect.text.intervals import interval, median

EXAMPLES = """
nninspect history resnet-small
nninspect history net.py:Net --json
"""
COLUMNS = ("when", "torch", "device", "batch", "mode", "p50", "interval", "verdict")
TEXTS = (0, 1, 2, 4, 7)
"""The columns that are no figures."""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("history", "List the past benchmarks of a model.", EXAMPLES)
    parser.add_argument("target", metavar="TARGET", help="as it was given to bench")
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console()
    past = History.of_user().past(options.target)
    if options.json:
        console.json(msgspec.to_builtins(past.runs))
    elif past.runs:
        rows = [row for result in past.runs for row in rows_of(result)]
        console.table(COLUMNS, rows, left=TEXTS)
    else:
        console.note(f"there is no past run of {options.target}: nninspect bench {options.target}")
    if past.unreadable:
        runs = units.counted(past.unreadable, "run")
        console.note(f"{runs} can't be read: another version saved them, or they are damaged")
    return OK


def rows_of(result: BenchResult) -> list[tuple[str, ...]]:
    """A line a configuration; the time stands in the first."""
    found: list[tuple[str, ...]] = []
    for row in result.rows:
        when = "" if found else result.run.time_utc[:19].replace("T", " ")
        latency = row.latency
        figures = (median(latency), interval(latency)) if latency else ("–", "–")
        key = row.key
        named = (key.device, str(key.batch), key.mode)
        found.append((when, result.run.torch, *named, *figures, text.verdict(row)))
    return found
