"""`nninspect bench`: the forward timed on devices and batch sizes, side by side."""

from __future__ import annotations

import argparse

from nninspect.cli import as_json
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import (
    add_json_option,
    add_setup_options,
    command_parser,
    parse_batches,
    parse_names,
    positive_seconds,
    setup_of,
)
from nninspect.protocol.records import BenchPlan, BenchResult
from nninspect.text import bench as text
from nninspect.text.plain import plain

EXAMPLES = """
nninspect bench resnet-small
nninspect bench net.py:Net --devices cpu,cuda --batch 1,8,64
nninspect bench resnet-small --seconds 5 --json
"""

DEFAULT = BenchPlan(devices=(), batches=())


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench",
        "Time dummy batches on the CPU and on the accelerator, when there is one.",
        EXAMPLES,
    )
    parser.add_argument("target", metavar="TARGET", help="what to open: see targets")
    parser.add_argument(
        "--devices",
        metavar="A,B",
        type=parse_names,
        default=(),
        help="where to time it (default: cpu and the first accelerator)",
    )
    parser.add_argument(
        "--batch",
        metavar="N,N",
        type=parse_batches,
        default=(),
        dest="batches",
        help="the batch sizes (default: that of the input)",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=positive_seconds,
        default=DEFAULT.seconds,
        help=f"timed seconds a device and batch (default: {DEFAULT.seconds:g})",
    )
    add_setup_options(parser, one_batch=False)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    plan = BenchPlan(devices=options.devices, batches=options.batches, seconds=options.seconds)
    result = ask(lambda client: client.bench(setup, plan), console)
    console.clear_progress()
    if options.json:
        console.json(as_json.bench(result))
    else:
        _print(result, console)
    failures = [row.failure for row in result.rows if row.failure is not None]
    if failures and len(failures) == len(result.rows):
        return console.error(failures[0].error())
    return OK


def _print(result: BenchResult, console: Console) -> None:
    threads = f"{result.threads} CPU thread{'s' if result.threads != 1 else ''}"
    console.lines([f"{plain(result.setup.target)}, {threads}", ""])
    rows = [(*text.cells(result, row), text.verdict(row)) for row in result.rows]
    console.table((*text.COLUMNS, ""), rows)
    remarks = list(text.remarks(result))
    if remarks:
        console.lines(["", *remarks])
