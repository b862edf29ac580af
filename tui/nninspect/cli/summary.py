"""`nninspect summary`: the layer tree as text or JSON."""

from __future__ import annotations

import argparse

from nninspect.cli import as_json
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, add_setup_options, command_parser, setup_of
from nninspect.protocol.records import Inspection
from nninspect.text import report

EXAMPLES = """
nninspect summary resnet-small
nninspect summary net.py:Net --set hidden=128 --input 64,784
nninspect summary net.py:Net --json | jq .totals.parameters
"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "summary",
        "Print a model's layers with their input and output shapes and parameters.",
        EXAMPLES,
    )
    parser.add_argument("target", metavar="TARGET", help="what to open: see targets")
    add_setup_options(parser)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    inspection = ask(lambda client: client.inspect(setup), console)
    console.clear_progress()
    if options.json:
        console.json(as_json.inspection(inspection))
    else:
        print_inspection(inspection, console)
    return OK if inspection.failure is None else console.error(inspection.failure.error())


def print_inspection(inspection: Inspection, console: Console) -> None:
    """Head, table and remarks."""
    console.lines([*report.head(inspection), ""])
    console.table(report.COLUMNS, report.table(inspection), left=report.TEXT_COLUMNS)
    remarks = list(report.remarks(inspection))
    if remarks:
        console.lines(["", *remarks])
