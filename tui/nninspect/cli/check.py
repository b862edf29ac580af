"""`nninspect check`: what is wrong with a model, and what to change."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from nninspect.cli import as_sarif
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import FOUND, OK
from nninspect.cli.options import (
    add_setup_options,
    command_parser,
    setup_of,
    typed,
)
from nninspect.doctor import manual
from nninspect.export import as_json
from nninspect.history.past import History
from nninspect.protocol.findings import (
    DEADLINE_S,
    LOSSES,
    TASKS,
    CheckPlan,
    CheckResult,
    Severity,
    is_training_file,
    loss_named,
    task_named,
)
from nninspect.text import findings
from nninspect.text.bench_plan import names, seconds
from nninspect.text.github import annotate
from nninspect.text.suggest import did_you_mean

EXAMPLES = """
nninspect check net.py:Net --loss cross_entropy
nninspect check net.py:Net --loss train.py
nninspect check broken-softmax-ce
nninspect check net.py:Net --ignore NN4,NN508 --fail-on warning
nninspect check net.py:Net --expect-params 118,282 --expect-output 64,10
nninspect check net.py:Net --json | jq '.findings[].code'
nninspect check net.py:Net --format sarif > findings.sarif
"""

LOSS = (
    f"what it is trained with: {', '.join(LOSSES)}; or the script or notebook that trains it, "
    "which is read, not run: train.py"
)

NEVER = "never"
FORMATS = ("text", "json", "sarif", "github")


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "check",
        "Find the mistakes in a model: each with where it is, why it matters and what to change.",
        EXAMPLES,
    )
    parser.add_argument(
        "target", metavar="TARGET", help="what to check: see targets; or a notebook, NAME.ipynb"
    )
    add_setup_options(parser)
    add = parser.add_argument_group("what to check for").add_argument
    add("--loss", type=_loss, help=LOSS)
    add("--task", type=_task, help=f"what its output is for: {', '.join(TASKS)}")
    add("--expect-params", metavar="N", type=_count, help="the parameters it must have: 118282")
    add(
        "--expect-output",
        metavar="SHAPE",
        type=_shape,
        help="the output it must have, the batch first: 64,10",
    )
    add("--select", metavar="CODES", type=names, default=(), help="only these: NN203,NN6")
    add("--ignore", metavar="CODES", type=names, default=(), help="all but these")
    add(
        "--fail-on",
        choices=[NEVER, *(severity.word for severity in Severity)],
        default=Severity.ERROR.word,
        help="the least severity that ends with exit code 1 (default: error)",
    )
    add("--seconds", type=typed(seconds), default=DEADLINE_S, help="the most it may take")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="how to print it; github: annotations on the lines of a pull request",
    )
    shape.add_argument(
        "--json",
        action="store_const",
        dest="format",
        const="json",
        help="the same as --format json",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    setup = setup_of(options)
    plan = plan_of(options)
    result = ask(lambda client: client.check(setup, plan), console)
    console.clear_progress()
    match options.format:
        case "json":
            console.json(as_json.check(result))
        case "sarif":
            console.json(as_sarif.sarif(result, manual.pages()))
        case "github":
            console.lines(annotate(result))
        case _:
            console.lines(findings.report(result))
    return exit_code(result, options.fail_on)


def plan_of(options: argparse.Namespace) -> CheckPlan:
    """The plan that the options make, with the last benchmark of the same model."""
    return CheckPlan(
        loss=options.loss or "",
        task=options.task or "",
        select=options.select,
        ignore=options.ignore,
        seconds=options.seconds,
        expect_params=options.expect_params,
        expect_output=options.expect_output,
        sweep=History.of_user().latest(options.target),
    )


def exit_code(result: CheckResult, fail_on: str) -> int:
    """FOUND where something at least that grave was found."""
    if fail_on == NEVER or result.worst is None:
        return OK
    return FOUND if result.worst >= Severity[fail_on.upper()] else OK


def _count(text: str) -> int:
    try:
        return int(text.replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of parameters: 118282") from None


def _shape(text: str) -> tuple[int, ...]:
    """ "64,10", "(64, 10)" or "64x10"."""
    parts = [part for part in text.strip("()[] ").replace("x", ",").split(",") if part.strip()]
    if not parts or not all(part.strip().isdigit() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no output shape: 64,10")
    return tuple(map(int, parts))


def _loss(text: str) -> str:
    if is_training_file(text):
        return str(Path(text).resolve())
    found = loss_named(text)
    if found is None:
        raise argparse.ArgumentTypeError(_unknown(text, "loss", LOSSES))
    return found


def _task(text: str) -> str:
    found = task_named(text)
    if found is None:
        raise argparse.ArgumentTypeError(_unknown(text, "task", TASKS))
    return found


def _unknown(text: str, what: str, known: Iterable[str]) -> str:
    names = list(known)
    return f"{text!r} is no {what}: {did_you_mean(text, names) or 'it may be ' + ', '.join(names)}"
