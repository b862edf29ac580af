"""What is typed into the fields of an input, and what a setup becomes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec, Inspection
from nninspect.text.inputs import FLOAT_DTYPES, format_number, parse_input


class Fields(NamedTuple):
    """One input as it is typed."""

    name: str = ""
    shape: str = ""
    dtype: str = ""
    low: str = ""
    high: str = ""


SCALAR = "()"
TITLES = Fields("keyword", "shape", "dtype", "from", "to")


def fields_of(spec: InputSpec) -> Fields:
    """What `read` makes the same input of."""
    bounds = ("" if end is None else format_number(end) for end in (spec.low, spec.high))
    shape = ", ".join(map(str, spec.shape)) or SCALAR
    return Fields(spec.name, shape, spec.dtype, *bounds)


def read(fields: Fields, batch_dim: int = 0) -> InputSpec:
    """Raises BadInput with what was expected."""
    name, shape, dtype, low, high = (text.strip() for text in fields)
    if bool(low) != bool(high):
        raise BadInput("a range has two ends", "Leave both out for the usual values")
    bounds = f"[{low}:{high}]" if low else ""
    text = f"{f'{name}=' if name else ''}{dtype or 'float32'}{bounds}:{shape}"
    spec = parse_input(text)
    if spec.shape and batch_dim >= len(spec.shape):
        batch_dim = 0
    return msgspec.structs.replace(spec, batch_dim=batch_dim)


def read_batch(text: str) -> int | None:
    """The batch size; None where none is given. Raises BadInput."""
    text = text.strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"{text!r} is not a batch size", "Write a whole number from 1 on")
    return int(text)


def changes(
    inspection: Inspection, specs: tuple[InputSpec, ...], batch: int | None, training: bool
) -> dict[str, Any]:
    """What is others than in view. Inputs that were not touched stay as they were asked for."""
    setup = inspection.setup
    found: dict[str, Any] = {}
    if specs != inspection.inputs:
        found["inputs"] = tuple(_following(spec, inspection.dtype) for spec in specs)
        found["batch"] = None
    if batch is not None and batch != inspection.batch:
        found["batch"] = batch
    if training != setup.training:
        found["training"] = training
    return found


def with_next_dtype(inspection: Inspection) -> dict[str, Any]:
    """The floating dtype after the model's; inputs that were given in its dtype follow it."""
    names = FLOAT_DTYPES
    place = names.index(inspection.dtype) + 1 if inspection.dtype in names else 0
    given = tuple(_following(spec, inspection.dtype) for spec in inspection.setup.inputs)
    return {"dtype": names[place % len(names)], "inputs": given}


def _following(spec: InputSpec, dtype: str) -> InputSpec:
    """An input in the model's dtype as float32, which is made what the model is."""
    if spec.dtype == dtype and dtype in FLOAT_DTYPES:
        return msgspec.structs.replace(spec, dtype="float32")
    return spec
