"""`nninspect bench`: the model timed on devices, batches and modes, side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
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
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.bench_plan import BenchError, BenchPlan
from nninspect.text import bench as text
from nninspect.text.answer import answers
from nninspect.text.bench_plan import batches, names, seconds, size
from nninspect.text.parts import COLUMNS as PART_COLUMNS
from nninspect.text.parts import parts
from nninspect.text.plain import plain
from nninspect.text.remarks import name, remarks, stopped

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
GAP = 3
"""Letters between two columns in a terminal."""
WAY_OUT = "ctrl+c ends it and keeps the finished rounds"
FRAME = 2
"""Letters beside a table in a terminal."""


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
    if options.save:
        files.check(options.save)
    history = History.of_user()
    before = history.named(options.against, setup.target) if options.against else None
    plan = plan_of(options)
    result = ask(lambda client: client.bench(setup, plan), console, WAY_OUT)
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
    console.sentences([_headline(result), ""])
    if found := list(answers(result)):
        console.sentences([*found, ""])
    room = sys.maxsize if console.width is None else console.width - FRAME
    titles, cells = text.fitted(result.rows, room, gap=GAP)
    texts = [place for place, title in enumerate(titles) if title in text.TEXTS]
    console.table(titles, cells, left=texts)
    if split := [cells for row in result.rows for cells in _parts_of(row)]:
        console.lines([""])
        console.table(PART_COLUMNS, split, left=2)
    if told := list(remarks(result)):
        console.sentences(["", *told])
    if compared is not None:
        console.sentences(["", "against the saved run:", *report.lines(compared)])


def _parts_of(row: BenchRow) -> Iterator[tuple[str, ...]]:
    """The row is named beside the first of its parts."""
    for place, cells in enumerate(parts(row)):
        yield "" if place else name(row.key), *cells


def _print_layers(result: BenchResult, console: Console) -> None:
    for row in result.rows:
        if row.layers is not None:
            over = f"measured at {row.layers.instrumented_over_plain:.2f}× of the plain run"
            console.lines(["", f"{name(row.key)}, {over}"])
            rows = [cells for _, cells in text.layer_cells(row.layers, MOST_LAYERS)]
            console.table(text.LAYER_COLUMNS, rows)


def _headline(result: BenchResult) -> str:
    ran = (*text.ran_on(result), stopped(result), text.took(result.spent))
    parts = (plain(result.setup.target), *ran)
    return ", ".join(filter(None, parts))
