"""`nninspect bench`: the model timed on devices, batches and modes, side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nninspect.cli import as_json
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK, exit_code_of
from nninspect.cli.options import (
    add_json_option,
    add_setup_options,
    command_parser,
    parse_batches,
    parse_names,
    positive_seconds,
    setup_of,
)
from nninspect.errors import BadInput, Cancelled, DeviceError, ForwardFailed, NninspectError
from nninspect.protocol.bench import BenchError, BenchPlan, BenchResult
from nninspect.text import bench as text
from nninspect.text import units
from nninspect.text.plain import plain

EXAMPLES = """
nninspect bench resnet-small
nninspect bench net.py:Net --devices cpu,cuda --batch 1,8,64
nninspect bench net.py:Net --modes inference,train --quick
nninspect bench resnet-small --max-time 10 --json --save before.json
"""

DEFAULT = BenchPlan()


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "bench",
        "Time the model on the CPU and on the accelerator, when there is one: interleaved rounds, "
        "with an interval and a verdict for every figure.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("target", metavar="TARGET", help="what to open: see targets")
    add(
        "--devices",
        metavar="A,B",
        type=parse_names,
        default=(),
        help="where to time it (default: cpu and the first accelerator)",
    )
    add(
        "--batch",
        metavar="N,N",
        type=parse_batches,
        default=(),
        dest="batches",
        help="the batch sizes (default: that of the input)",
    )
    add(
        "--modes",
        metavar="A,B",
        type=parse_names,
        default=(),
        help="inference, train, threads=N … (default: inference; without an accelerator, "
        "thread counts as well)",
    )
    add("--quick", action="store_true", help="six rounds without pauses, in place of ten")
    add(
        "--max-time",
        metavar="S",
        type=positive_seconds,
        default=DEFAULT.max_time_s,
        help=f"seconds of rounds at most, after the warm-up (default: {DEFAULT.max_time_s:g})",
    )
    add("--save", metavar="FILE", type=Path, help="write the result there, as JSON")
    add_setup_options(parser, one_batch=False)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    plan = BenchPlan(
        devices=options.devices,
        batches=options.batches,
        modes=options.modes,
        quick=options.quick,
        max_time_s=options.max_time,
        argv=tuple(sys.argv),
    )
    result = ask(lambda client: client.bench(setup, plan), console)
    console.clear_progress()
    if options.json:
        console.json(as_json.bench(result))
    else:
        _print(result, console)
    if options.save:
        _save(result, options.save)
    return _exit_code(result, console)


def _exit_code(result: BenchResult, console: Console) -> int:
    """That of the first failure where every row failed, and of an interrupt."""
    errors = [row.error for row in result.rows if row.error is not None]
    if errors and len(errors) == len(result.rows):
        return console.error(_raised(errors[0]))
    return exit_code_of(Cancelled("cancelled")) if result.stopped == "cancelled" else OK


def _raised(error: BenchError) -> NninspectError:
    kind = ForwardFailed if error.kind == "Failed" else DeviceError
    return kind(error.message, error.hint, details=error.details)


def _save(result: BenchResult, path: Path) -> None:
    try:
        path.write_text(as_json.dumps(as_json.bench(result)), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the result can't be saved: {error.strerror}: {path}", "Give --save another path"
        ) from None


def _print(result: BenchResult, console: Console) -> None:
    console.lines([_headline(result), ""])
    console.table(text.COLUMNS, [text.cells(row) for row in result.rows])
    remarks = list(text.remarks(result))
    if remarks:
        console.lines(["", *remarks])


def _headline(result: BenchResult) -> str:
    machine = result.machine
    rounds = max((len(row.latency.kept) for row in result.rows if row.latency), default=0)
    ended = f", ended as {result.stopped}" if result.stopped else ""
    return (
        f"{plain(result.setup.target)}, {units.counted(machine.threads, 'CPU thread')}"
        f" on {plain(machine.cpu)}, {units.counted(rounds, 'round')}{ended}"
    )
