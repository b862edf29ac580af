"""`nninspect list`: the networks of every installed collection."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, command_parser
from nninspect.export import as_json
from nninspect.plugin import Collection, ModelCard, collections
from nninspect.text.inputs import format_input
from nninspect.text.plain import plain

EXAMPLES = """
nninspect list
nninspect list --json | jq -r '.collections[].networks[].name'
"""

COLUMNS = ("name", "title", "task", "input")


def parser() -> argparse.ArgumentParser:
    parser = command_parser("list", "Print the bundled networks, and other collections'.", EXAMPLES)
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console()
    found = collections()
    if options.json:
        console.json(as_json.catalogue(found))
        return OK
    for collection in found:
        if collection.problem:
            console.note(f"the collection {collection.name} can't be read: {collection.problem}")
        else:
            console.table(COLUMNS, _rows(collection), left=len(COLUMNS))
    return OK


def _rows(collection: Collection) -> Iterator[tuple[str, ...]]:
    for card in collection.cards:
        inputs = " ".join(map(format_input, card.inputs))
        yield plain(card.name), plain(_title(card)), card.task, inputs


def _title(card: ModelCard) -> str:
    return f"{card.title} (twin of {card.twin_of})" if card.twin_of else card.title
