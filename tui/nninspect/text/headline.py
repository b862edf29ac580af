"""The one line that says what is looked at, and how it gets shorter where room is scarce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.records import Environment, InputSpec, Inspection
from nninspect.text import dry_run, shapes, units
from nninspect.text.plain import plain

APP = "nninspect"
SEPARATOR = " · "


class Piece(NamedTuple):
    """One fact of the line: as it is, and the shorter form it takes first, then goes for."""

    key: str
    text: str
    short: str


SHRINK = (
    "app",
    "mode",
    "dtype",
    "input",
    "params",
    "-mode",
    "-dtype",
    "-mult_adds",
    "devices",
    "-input",
    "-params",
)
"""What gives way first: a key takes its piece's short form, "-key" drops the piece."""


def pieces(inspection: Inspection, environment: Environment | None) -> tuple[Piece, ...]:
    """The facts in the order they are written."""
    setup, totals = inspection.setup, inspection.totals
    given = ", ".join(map(_input, inspection.inputs))
    parameters, mult_adds = totals.parameters, totals.mult_adds
    return (
        Piece("target", plain(setup.target), plain(setup.target)),
        Piece("devices", _devices(setup.device, environment), setup.device),
        Piece("dtype", *(inspection.dtype or units.UNKNOWN,) * 2),
        Piece("mode", *(("train",) * 2 if setup.training else ("eval",) * 2)),
        Piece("input", f"input {given}", given),
        Piece("params", f"{units.count(parameters)} params", _short(parameters, "params")),
        Piece("mult_adds", *(_short(mult_adds, "mult-adds"),) * 2),
        Piece("guesses", *(dry_run.mark(inspection.dry_run),) * 2),
    )


def stored_pieces(found: Checkpoint) -> tuple[Piece, ...]:
    """The facts of a file of weights."""
    dtypes = ", ".join(plain(dtype) for dtype, _ in found.dtypes)
    return (
        Piece("target", plain(found.path), plain(found.path)),
        Piece("input", found.format, found.format),
        Piece("dtype", dtypes, found.dtypes[0][0] if found.dtypes else ""),
        Piece(
            "params", f"{units.count(found.parameters)} params", _short(found.parameters, "params")
        ),
        Piece("mult_adds", *(units.size(found.size),) * 2),
    )


def fit(found: Sequence[Piece], width: int) -> tuple[tuple[str, str], ...]:
    """(key, text) of the pieces that fit in a width, led by ("app", …) where that fits too."""
    shown = {"app": APP, **{piece.key: piece.text for piece in found}}
    short = {"app": "", **{piece.key: piece.short for piece in found}}
    for step in SHRINK:
        if _length(shown) <= width:
            break
        key = step.removeprefix("-")
        shown[key] = "" if step.startswith("-") else short.get(key, "")
    return tuple((key, text) for key, text in shown.items() if text)


def _length(shown: dict[str, str]) -> int:
    texts = [text for text in shown.values() if text]
    return sum(map(len, texts)) + len(SEPARATOR) * (len(texts) - 1)


def _devices(current: str, environment: Environment | None) -> str:
    names = [device.name for device in environment.devices] if environment else []
    return " ▸ ".join([current, *(name for name in names if name != current)])


def _input(spec: InputSpec) -> str:
    name = f"{plain(spec.name)}=" if spec.name else ""
    dtype = "" if spec.dtype.startswith("float") else f" {spec.dtype}"
    return f"{name}{shapes.shape(spec.shape)}{dtype}"


def _short(value: int | None, word: str) -> str:
    return f"{units.short_count(value)} {word}"
