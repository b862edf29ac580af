"""`nninspect export`: what a tab of the app shows, as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_setup_options, command_parser, setup_of
from nninspect.errors import BadInput
from nninspect.export import shown
from nninspect.export.shown import SUFFIXES, Shown
from nninspect.history.past import LAST, History
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.records import Problem, Setup

EXAMPLES = """
nninspect export resnet-small --format csv
nninspect export net.py:Net --input 1,3,28,28 -o layers.md
nninspect export net.py:Net --view weights -o weights.csv
nninspect export net.py:Net --view bench --format markdown
"""

VIEWS = ("layers", "weights", "doctor", "bench")


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "export",
        "Write what a tab of the app shows as JSON, CSV, Markdown or SVG. CSV has seconds, bytes "
        "and counts with every digit.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("target", metavar="TARGET", help="what to open: see targets")
    add(
        "--format",
        choices=tuple(SUFFIXES),
        help="by default as FILE ends, and json without a FILE",
    )
    add("-o", "--output", metavar="FILE", help="where to; stdout by default, and for -")
    add(
        "--view",
        choices=VIEWS,
        default=VIEWS[0],
        help="layers (default), weights, doctor; bench: the last past run, see nninspect history",
    )
    add(
        "--json",
        action="store_const",
        dest="format",
        const="json",
        help="the same as --format json",
    )
    add_setup_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    output = None if options.output == "-" else options.output
    form = _form(options.format, output)
    found, failure = _shown(options.view, setup_of(options), console)
    console.clear_progress()
    if output is None:
        console.lines([found.text(form).rstrip("\n")])
    else:
        path = Path(output).expanduser()
        shown.save(found, path, form)
        console.note(f"wrote {path}")
    return OK if failure is None else console.error(failure.error())


def _form(wanted: str | None, output: str | None) -> str:
    """Raises BadInput where the file's name does not say."""
    form = wanted or (shown.form_of(output) if output else "json")
    if not form:
        endings = ", ".join(SUFFIXES.values())
        raise BadInput(
            f"the format can't be told from {output}",
            f"Say it with --format, or end the name with {endings}",
        )
    return form


def _shown(view: str, setup: Setup, console: Console) -> tuple[Shown, Problem | None]:
    """What to write, and how the forward failed where it did."""
    match view:
        case "weights":
            tensors = ask(lambda client: client.weights(setup, below=True), console)
            return shown.weights(setup, tensors), None
        case "doctor":
            return shown.doctor(ask(lambda client: client.check(setup, CheckPlan()), console)), None
        case "bench":
            return shown.bench(History.of_user().named(LAST, setup.target)), None
    inspection = ask(lambda client: client.inspect(setup), console)
    return shown.layers(inspection), inspection.failure
