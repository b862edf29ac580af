"""`nninspect summary FILE`: what is in a file of weights, and whether it fits a model."""

from __future__ import annotations

import argparse

from nninspect.checkpoint.fit import compared
from nninspect.cli.ask import ask
from nninspect.cli.console import Console
from nninspect.cli.exit_codes import DIFFERENT, OK
from nninspect.client.api import Client
from nninspect.export import as_json
from nninspect.protocol.checkpoint import Checkpoint, Fit
from nninspect.protocol.records import Setup
from nninspect.text import checkpoint


def show(path: str, model: Setup | None, console: Console, options: argparse.Namespace) -> int:
    """Print it; with a model, what differs, and exit code 1 where something does."""
    found, fit = ask(lambda client: _read(client, path, model), console)
    console.clear_progress()
    if options.json:
        console.json(as_json.checkpoint(found, fit))
    else:
        _print(found, fit, console, unfold=options.unfold)
    return OK if fit is None or fit.fits else DIFFERENT


async def _read(client: Client, path: str, model: Setup | None) -> tuple[Checkpoint, Fit | None]:
    found = await client.checkpoint(path)
    if model is None:
        return found, None
    return found, compared(found, await client.weights(model, below=True), model.target)


def _print(found: Checkpoint, fit: Fit | None, console: Console, *, unfold: bool) -> None:
    console.lines([*checkpoint.head(found), ""])
    if found.tensors:
        rows = checkpoint.table(found, unfold=unfold)
        console.table(checkpoint.COLUMNS, rows, left=checkpoint.TEXT_COLUMNS)
    if remarks := list(checkpoint.remarks(found)):
        console.lines(["", *remarks])
    if fit is not None:
        console.lines(["", *checkpoint.fit_lines(fit)])
