"""Guesses as notes on the rows that they were made in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from nninspect.protocol.dry_run import Guess
from nninspect.protocol.layers import Kind, LayerRow
from nninspect.text.dry_run import note


def with_guesses(rows: Sequence[LayerRow], guesses: Sequence[Guess]) -> Sequence[LayerRow]:
    """The rows, each with what was assumed in a call of its module."""
    notes: dict[str, list[str]] = defaultdict(list)
    for guess in guesses:
        notes[guess.path].append(note(guess))
    if not notes:
        return rows
    return [
        msgspec.structs.replace(row, notes=(*row.notes, *notes[row.path]))
        if row.kind is Kind.MODULE and row.path in notes
        else row
        for row in rows
    ]
