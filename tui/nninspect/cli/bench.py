"""`nninspect bench`: the model timed on devices, batches and modes, side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import FOUND, OK, exit_code_of
from nninspect.cli.options import (
    add_json_option,
    add_setup_options,
    command_parser,
    setup_of,
    typed,
)
from nninspect.errors import (
    BadInput,
    Cancelled,
    DeviceError,
    ForwardFailed,
    NninspectError,
    UsageError,
    WorkerDied,
)
from nninspect.history import files, report
from nninspect.history.against import Against, against
from nninspect.history.fail_on import FailOn, failures, parse
from nninspect.history.past import LAST, History, is_finished
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchError, BenchPlan
from nninspect.text import bench as text
from nninspect.text import units
from nninspect.text.bench_plan import batches, names, seconds, size
from nninspect.text.parts import COLUMNS as PART_COLUMNS
from nninspect.text.parts import parts
from nninspect.text.plain import plain

EXAMPLES = """
nninspect bench resnet-small
nninspect bench net.py:Net --devices cpu,cuda --batch 1,8,64
nninspect bench net.py:Net --modes inference,train --quick
nninspect bench net.py:Net --crossover
nninspect bench net.py:Net --modes inference,train --largest-batch --memory-limit 4GiB
nninspect bench net.py:Net --save before.json
nninspect bench net.py:Net --against before.json --fail-on slower:5%
"""

DEFAULT = BenchPlan()
MOST_LAYERS = 12


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
        type=names,
        default=(),
        help="where to time it (default: cpu and the first accelerator)",
    )
    add(
        "--batch",
        metavar="N,N",
        type=typed(batches),
        default=(),
        dest="batches",
        help="the batch sizes (default: that of the input)",
    )
    add(
        "--modes",
        metavar="A,B",
        type=names,
        default=(),
        help="inference, train, threads=N … (default: inference; without an accelerator, "
        "thread counts as well)",
    )
    add("--quick", action="store_true", help="six rounds without pauses, in place of ten")
    add(
        "--max-time",
        metavar="S",
        type=typed(seconds),
        default=DEFAULT.max_time_s,
        help="seconds of warm-up, rounds and layers together, at most "
        f"(default: {DEFAULT.max_time_s:g}); loading, first calls, compiling and --largest-batch "
        "come on top, and one round is measured however long it takes",
    )
    add(
        "--crossover",
        action="store_true",
        help="find the batch from which on one device or thread count overtakes the other: without "
        "--batch, powers of two are tried and those around it timed",
    )
    add(
        "--largest-batch",
        action="store_true",
        help="find the largest batch that fits, in 12 tries at most, after the rounds",
    )
    add(
        "--memory-limit",
        metavar="SIZE",
        type=typed(size),
        help="what the largest batch is to fit into, as 4GiB (default: the accelerator's memory; "
        "the CPU has no limit of its own)",
    )
    add("--save", metavar="FILE", type=Path, help="write the result there, as JSON")
    add(
        "--against",
        metavar="FILE",
        help=f"compare with a saved run; {LAST!r} is the latest of this model on this machine",
    )
    add(
        "--fail-on",
        metavar="WHAT",
        type=typed(parse),
        default=FailOn(),
        help="end with exit code 1: untrusted, slower:5%% (needs --against), or both with a comma",
    )
    add("--layers", action="store_true", help="print which layers take the time, row by row")
    add("--no-history", action="store_true", help="don't keep the run: see nninspect history")
    add_setup_options(parser, one_batch=False)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    if options.fail_on.slower is not None and options.against is None:
        raise BadInput("--fail-on slower needs a run to compare with", "Add --against FILE")
    history = History.of_user()
    before = history.named(options.against, setup.target) if options.against else None
    plan = plan_of(options)
    result = ask(lambda client: client.bench(setup, plan), console)
    console.clear_progress()
    compared = against(before, result) if before else None
    if options.json:
        console.lines([files.encode(result).decode().rstrip()])
    else:
        _print(result, compared, console)
        if options.layers:
            _print_layers(result, console)
    if options.save:
        files.save(result, options.save)
    if not options.no_history:
        keep(result, history, console)
    code = _exit_code(result, console)
    failed = list(failures(options.fail_on, result, compared))
    for sentence in failed:
        console.note(sentence)
    return code or (FOUND if failed else OK)


def plan_of(options: argparse.Namespace) -> BenchPlan:
    """The plan that the options make."""
    return BenchPlan(
        devices=options.devices,
        batches=options.batches,
        modes=options.modes,
        quick=options.quick,
        max_time_s=options.max_time,
        crossover=options.crossover,
        largest_batch=options.largest_batch or options.memory_limit is not None,
        memory_limit_bytes=options.memory_limit,
        argv=tuple(sys.argv),
    )


def keep(result: BenchResult, history: History, console: Console) -> None:
    """Keep a finished run with the past ones of its model; its figures stand where it can't be."""
    try:
        if is_finished(result):
            history.add(result)
    except UsageError as error:
        console.note(error.message)


def _exit_code(result: BenchResult, console: Console) -> int:
    """That of the first failure where every row failed, of an interrupt, and of a death."""
    errors = [row.error for row in result.rows if row.error is not None]
    if errors and len(errors) == len(result.rows):
        return console.error(_raised(errors[0]))
    ends = {"cancelled": Cancelled("cancelled"), "died": WorkerDied(result.cut_short)}
    ended = ends.get(result.stopped)
    return OK if ended is None else exit_code_of(ended)


def _raised(error: BenchError) -> NninspectError:
    kinds: dict[str, type[NninspectError]] = {"Failed": ForwardFailed, "Died": WorkerDied}
    kind = kinds.get(error.kind, DeviceError)
    return kind(error.message, error.hint, details=error.details)


def _print(result: BenchResult, compared: Against | None, console: Console) -> None:
    console.lines([_headline(result), ""])
    console.table(text.COLUMNS, [text.cells(row) for row in result.rows])
    for row in result.rows:
        if found := list(parts(row)):
            console.lines(["", text.name(row.key)])
            console.table(PART_COLUMNS, found)
    if answers := list(text.answers(result)):
        console.lines(["", *answers])
    remarks = list(text.remarks(result))
    if remarks:
        console.lines(["", *remarks])
    if compared is not None:
        console.lines(["", "against the saved run:", *report.lines(compared)])


def _print_layers(result: BenchResult, console: Console) -> None:
    for row in result.rows:
        if row.layers is not None:
            over = f"measured at {row.layers.instrumented_over_plain:.2f}× of the plain run"
            console.lines(["", f"{text.name(row.key)}, {over}"])
            rows = [cells for _, cells in text.layer_cells(row.layers, MOST_LAYERS)]
            console.table(text.LAYER_COLUMNS, rows)


def _headline(result: BenchResult) -> str:
    machine = result.machine
    rounds = max((len(row.latency.kept) for row in result.rows if row.latency), default=0)
    ended = f", ended as {result.stopped}" if result.stopped else ""
    parts = (
        plain(result.setup.target),
        f"{units.counted(machine.threads, 'CPU thread')} on {plain(machine.cpu)}",
        f"{units.counted(rounds, 'round')}{ended}",
        text.took(result.spent),
    )
    return ", ".join(filter(None, parts))
