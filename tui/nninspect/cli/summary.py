"""`nninspect summary`: the layer tree as text or JSON."""

from __future__ import annotations

import argparse

from nninspect.checkpoint.names import names_checkpoint
from nninspect.cli import checkpoint
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import (
    add_json_option,
    add_model_option,
    add_setup_options,
    command_parser,
    model_of,
    setup_of,
)
from nninspect.export import as_json
from nninspect.protocol.records import Inspection
from nninspect.text import report

EXAMPLES = """
nninspect summary resnet-small
nninspect summary net.py:Net --set hidden=128 --input 64,784
nninspect summary net.py:Net --json | jq .totals.parameters
nninspect summary model.safetensors --model net.py:Net
"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "summary",
        "Print a model's layers with their input and output shapes and parameters.",
        EXAMPLES,
    )
    parser.add_argument("target", metavar="TARGET", help="what to open: see targets")
    add_setup_options(parser)
    parser.add_argument(
        "--unfold", action="store_true", help="show each layer of a run of equal ones (×N)"
    )
    add_model_option(parser)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    model = model_of(options, setup)
    if names_checkpoint(setup.target):
        return checkpoint.show(setup.target, model, console, options)
    way_out = "ctrl+c shows the tree so far"
    inspection = ask(lambda client: client.inspect(setup), console, way_out)
    console.clear_progress()
    if options.json:
        console.json(as_json.inspection(inspection))
    else:
        print_inspection(inspection, console, unfold=options.unfold)
    return OK if inspection.failure is None else console.error(inspection.failure.error())


def print_inspection(inspection: Inspection, console: Console, *, unfold: bool) -> None:
    """Head, table and remarks."""
    console.lines([*report.head(inspection), ""])
    rows = report.table(inspection, unfold=unfold)
    console.table(report.COLUMNS, rows, left=report.TEXT_COLUMNS, may_narrow=report.SHAPE_COLUMNS)
    remarks = list(report.remarks(inspection, unfold=unfold))
    if remarks:
        console.lines(["", *remarks])
