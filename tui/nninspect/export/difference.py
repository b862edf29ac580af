"""What differs between two models, layer by layer; or between a saved summary and now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nninspect.errors import BadTarget
from nninspect.export import as_json
from nninspect.protocol.records import Inspection, Setup
from nninspect.text import units
from nninspect.text.inputs import parse_input, parse_setting

MAX_BYTES = 2**28
"""A larger file is no saved summary."""


class Tensor(msgspec.Struct, frozen=True):
    """One input or output of a layer."""

    shape: tuple[int, ...]


class Layer(msgspec.Struct, frozen=True):
    """One layer of a summary, as its JSON has it."""

    path: str
    type: str
    depth: int
    own_parameters: int
    inputs: tuple[Tensor, ...] | None = None
    outputs: tuple[Tensor, ...] | None = None
    mult_adds: int | None = None
    """Of all below it as well."""


class Totals(msgspec.Struct, frozen=True):
    """Of the whole model."""

    parameters: int
    mult_adds: int | None = None


class SavedSetup(msgspec.Struct, frozen=True):
    """What was looked at, and how."""

    target: str
    settings: dict[str, str] = {}
    inputs: tuple[str, ...] = ()
    batch: int | None = None
    device: str = "cpu"
    dtype: str | None = None
    training: bool = False

    def asked_again(self) -> Setup:
        """The same look. Raises BadInput where an input was no input."""
        return Setup(
            target=self.target,
            settings=tuple(parse_setting(f"{k}={v}") for k, v in self.settings.items()),
            inputs=tuple(map(parse_input, self.inputs)),
            batch=self.batch,
            device=self.device,
            dtype=self.dtype,
            training=self.training,
        )


class Summary(msgspec.Struct, frozen=True):
    """What `summary --json` prints, as far as a difference needs it."""

    schema: int
    title: str
    setup: SavedSetup
    inputs: tuple[str, ...]
    totals: Totals
    layers: tuple[Layer, ...]


class Change(NamedTuple):
    """One thing that differs; before or after is "" where the layer is not there."""

    path: str
    what: str
    before: str
    after: str


def summary_of(found: Inspection) -> Summary:
    """An inspection as its JSON would be read again."""
    return msgspec.convert(as_json.inspection(found), Summary)


def is_saved(name: str) -> bool:
    """Whether a name is that of a file of JSON which is not a model's config."""
    path = Path(name).expanduser()
    return name.endswith(".json") and path.is_file() and b'"layers"' in _read(path)


def saved(name: str) -> Summary:
    """A saved summary. Raises BadTarget where the file is none, or of another schema."""
    path = Path(name).expanduser()
    try:
        found = msgspec.json.decode(_read(path), type=Summary)
    except msgspec.MsgspecError as error:
        raise BadTarget(
            f"{name} is not a saved summary: {error}",
            "Save one with: nninspect summary TARGET --json > FILE.json",
        ) from error
    if found.schema != as_json.SCHEMA:
        raise BadTarget(
            f"{name} is of schema {found.schema}, and this nninspect reads {as_json.SCHEMA}",
            "Save it anew: nninspect summary TARGET --json > FILE.json",
        )
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError as error:
        raise BadTarget(f"can't read {path}: {error.strerror or error}") from error


def changes(before: Summary, after: Summary) -> Iterator[Change]:
    """What differs, in the order of the layers after; those that are gone come last.

    A layer's own parameters and mult-adds are compared, without those below it. What one of the
    two does not know, as where a forward failed, is no difference.
    """
    old = {layer.path: figures for layer, figures in _figures(before)}
    new = {layer.path: figures for layer, figures in _figures(after)}
    for path, figures in new.items():
        if path in old:
            yield from _changed(path, old[path], figures)
        else:
            yield Change(path, "layer", "", figures["type"] or "")
    for path in old.keys() - new.keys():
        yield Change(path, "layer", old[path]["type"] or "", "")


def _changed(path: str, old: dict[str, str | None], new: dict[str, str | None]) -> Iterator[Change]:
    for what, was in old.items():
        now = new[what]
        if was is not None and now is not None and was != now:
            yield Change(path, what, was, now)


def _figures(summary: Summary) -> Iterator[tuple[Layer, dict[str, str | None]]]:
    for layer, mult_adds in zip(summary.layers, _own_mult_adds(summary.layers), strict=True):
        yield (
            layer,
            {
                "type": layer.type,
                "input": _shapes(layer.inputs),
                "output": _shapes(layer.outputs),
                "parameters": units.count(layer.own_parameters),
                "mult-adds": None if mult_adds is None else units.count(mult_adds),
            },
        )


def _own_mult_adds(layers: tuple[Layer, ...]) -> list[int | None]:
    """Each layer's without those of the layers directly below it; None where not all are known."""
    own = [layer.mult_adds for layer in layers]
    above: list[int] = []
    for place, layer in enumerate(layers):
        del above[layer.depth :]
        if above:
            whole, part = own[above[-1]], layer.mult_adds
            own[above[-1]] = None if whole is None or part is None else whole - part
        above.append(place)
    return own


def _shapes(tensors: tuple[Tensor, ...] | None) -> str | None:
    if tensors is None:
        return None
    return ", ".join(str(tensor.shape) for tensor in tensors) or "nothing"


def as_fields(before: Summary, after: Summary, found: list[Change]) -> dict[str, Any]:
    """The difference as JSON."""
    return {
        "schema": as_json.SCHEMA,
        "before": _sides(before),
        "after": _sides(after),
        "differences": [change._asdict() for change in found],
    }


def _sides(summary: Summary) -> dict[str, Any]:
    return {
        "target": summary.setup.target,
        "title": summary.title,
        "inputs": list(summary.inputs),
        "totals": msgspec.to_builtins(summary.totals),
    }
