"""`nninspect diff`: which layers of two models differ, or of one model since its saved summary."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import msgspec

from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import DIFFERENT, OK
from nninspect.cli.options import add_json_option, add_setup_options, command_parser, setup_of
from nninspect.client.api import Client
from nninspect.errors import BadTarget
from nninspect.export import difference
from nninspect.export.difference import Change, Summary
from nninspect.protocol.records import Problem, Setup
from nninspect.text import units
from nninspect.text.plain import plain

EXAMPLES = """
nninspect diff broken-softmax-ce classifier
nninspect diff net.py:Old net.py:New --input 1,3,28,28
nninspect summary net.py:Net --json > before.json        # then, after a change:
nninspect diff before.json
"""

COLUMNS = ("layer", "what", "before", "after")
NOT_THERE = "–"


def parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "diff",
        "Print which layers differ in shape, parameters or mult-adds; exit code 1 where any does.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("before", metavar="A", help="a target, or what `nninspect summary --json` printed")
    add("after", metavar="B", nargs="?", help="the same; by default what A was saved of, as it is")
    add_setup_options(parser)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console(traceback=options.traceback)
    (before, after), failures = _sides(options, console)
    console.clear_progress()
    found = list(difference.changes(before, after))
    if options.json:
        console.json(difference.as_fields(before, after, found))
    else:
        console.lines([*_head(before, after), *([""] if found else [])])
        if found:
            console.table(COLUMNS, list(map(_cells, found)), left=len(COLUMNS))
    code = DIFFERENT if found else OK
    for failure in failures:
        code = console.error(failure.error())
    return code


def _sides(
    options: argparse.Namespace, console: Console
) -> tuple[tuple[Summary, Summary], list[Problem]]:
    """Both summaries, by one worker, and how a forward failed where one did."""
    names = [options.before, *([options.after] if options.after else [])]
    known = {name: difference.saved(name) for name in names if difference.is_saved(name)}
    if options.after is None:
        if not known:
            raise BadTarget(
                f"{options.before} is compared with nothing",
                "Name two targets, or a saved summary",
            )
        setups = {"": _again(known[options.before], options)}
    else:
        setups = {name: _setup(options, name) for name in names if name not in known}
    looked, failures = ask(lambda client: _look(client, setups), console) if setups else ({}, [])
    both = known | looked
    return (both[options.before], both[options.after or ""]), failures


def _setup(options: argparse.Namespace, target: str) -> Setup:
    options.target = target
    return setup_of(options)


def _again(saved: Summary, options: argparse.Namespace) -> Setup:
    """As it was looked at then, but for what the options say."""
    then, plain_look = saved.setup.asked_again(), Setup(target=saved.setup.target)
    asked = msgspec.structs.asdict(_setup(options, saved.setup.target))
    usual = msgspec.structs.asdict(plain_look)
    return msgspec.structs.replace(then, **{k: v for k, v in asked.items() if v != usual[k]})


async def _look(
    client: Client, setups: dict[str, Setup]
) -> tuple[dict[str, Summary], list[Problem]]:
    found, failures = {}, []
    for name, setup in setups.items():
        inspection = await client.inspect(setup)
        found[name] = difference.summary_of(inspection)
        if inspection.failure is not None:
            failures.append(inspection.failure)
    return found, failures


def _head(before: Summary, after: Summary) -> Iterator[str]:
    for side in (before, after):
        totals = side.totals
        yield (
            f"{plain(side.title)}  ({plain(side.setup.target)}): "
            f"{units.counted(totals.parameters, 'parameter')}, "
            f"{units.short_count(totals.mult_adds)} mult-adds, "
            f"input {' '.join(side.inputs) or 'none'}"
        )
    if before.inputs != after.inputs:
        yield "They were fed differently, so shapes differ with it."


def _cells(change: Change) -> tuple[str, ...]:
    return (
        plain(change.path) or "(the model)",
        change.what,
        plain(change.before) or NOT_THERE,
        plain(change.after) or NOT_THERE,
    )
