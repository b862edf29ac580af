"""`nninspect keys`: every action of the app with its id and its keys, to remap them by."""

from __future__ import annotations

import argparse
import sys

from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, add_traceback_option, command_parser
from nninspect.places import config_file
from nninspect.text.plain import plain

EXAMPLES = """
nninspect keys
nninspect keys --json | jq -r .actions[].id
"""

COLUMNS = ("id", "keys", "what it does")
HOW = 'Remap them in {}: [keys] "layers.fold" = "f5", or a list of keys'


def parser() -> argparse.ArgumentParser:
    parser = command_parser("keys", "Print the app's actions with their keys.", EXAMPLES)
    add_json_option(parser)
    add_traceback_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    from nninspect.ui.keys import actions

    console = Console(traceback=options.traceback)
    found = actions().values()
    if options.json:
        listed = [{"id": each.id, "keys": list(each.keys), "does": each.does} for each in found]
        console.json({"schema": 1, "config": str(config_file()), "actions": listed})
        return OK
    rows = [(each.id, ", ".join(each.keys), each.does) for each in found]
    console.table(COLUMNS, rows, left=len(COLUMNS))
    if sys.stdout.isatty():
        console.note(HOW.format(plain(str(config_file()))))
    return OK
