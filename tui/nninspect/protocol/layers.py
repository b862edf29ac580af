"""The layer tree as columns: what crosses the pipe, and how a row is read back from it.

A tree of 60,000 modules is a few megabytes as raw arrays and is decoded in milliseconds;
as one object a row it would take a hundred times as long.
"""

from __future__ import annotations

import enum
import sys
from array import array
from collections.abc import Iterable
from typing import TypeAlias

import msgspec


class TensorInfo(msgspec.Struct, frozen=True, array_like=True):
    """One tensor of a module call: its place among the arguments, its shape and its dtype.

    `key` is "" for the only tensor, else how to reach it: "0", "mask", "out.logits".
    """

    key: str
    shape: tuple[int, ...]
    dtype: str


Tensors: TypeAlias = tuple[TensorInfo, ...]


class CallShapes(msgspec.Struct, frozen=True, array_like=True):
    """What went into and came out of calls that were alike in both; None where they raised."""

    inputs: Tensors
    outputs: Tensors | None
    times: int


class Kind(enum.IntEnum):
    """What a row stands for."""

    MODULE = 0
    OP = 1
    """A functional call that a module's forward makes: `F.relu`, `+`, `torch.cat`."""


class Mark(enum.IntFlag):
    """What is special about a row."""

    NONE = 0
    SHARED = 1
    """The module stands at an earlier path too; its parameters are counted there."""
    TIED = 2
    """A parameter of it belongs to another module as well; it counts once."""
    UNCALLED = 4
    """The forward finished and never called it."""
    FAILED = 8
    """The forward raised in it."""
    DIFFERS = 16
    """torchinfo says otherwise; `notes` has both figures."""
    CYCLE = 32
    """The module contains itself; the tree stops here."""
    FROZEN = 64
    """It has parameters, and none of them is trained."""
    CHANGED = 128
    """Its shapes or parameters differ from what they were before the last reload. Only the
    reader of a tree can know, and sets it in the decoded table."""


class LayerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One module or op of the tree. Parents come before their children; siblings stand in the order
    of their first calls, those of a container without a forward as they were registered, and what
    was never called last.

    None means not known: `inputs` and `outputs` of a module that was not called, `mult_adds`
    where they could not be counted. A module without a forward, as a ModuleList, has no inputs
    and outputs: ().
    """

    name: str
    path: str
    type: str
    depth: int
    inputs: Tensors | None = None
    outputs: Tensors | None = None
    """Both of the latest call."""
    own_parameters: int = 0
    total_parameters: int = 0
    trainable_parameters: int = 0
    """Of the total."""
    mult_adds: int | None = None
    """Of the module and all below it, over all its calls."""
    calls: int = 0
    different_calls: tuple[CallShapes, ...] = ()
    """Where not all calls were alike: each different one, in the order they first came."""
    dtype: str = ""
    device: str = ""
    marks: Mark = Mark.NONE
    notes: tuple[str, ...] = ()
    extra: str = ""
    """The module's `extra_repr`."""
    kind: Kind = Kind.MODULE
    source: str = ""
    """Of an op: the user's line that called it, as "net.py:18"."""
    signature: int = 0
    """Equal for subtrees of equal structure; 0 where it was not taken."""
    output_bytes: int = 0
    """Of the tensors that it made itself, over all its calls; views are free."""


class LayerColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rows of a layer tree, one array a column, little-endian; see `pack`.

    Text and tensor columns hold places in `texts`, `notes` and `tensors`; a tensor place of -1
    and a mult-adds figure of -1 mean not known.
    """

    count: int
    texts: tuple[str, ...]
    tensors: tuple[Tensors, ...]
    notes: tuple[tuple[str, ...], ...]
    histories: tuple[tuple[CallShapes, ...], ...]
    name: bytes
    type: bytes
    depth: bytes
    inputs: bytes
    outputs: bytes
    own_parameters: bytes
    total_parameters: bytes
    trainable_parameters: bytes
    mult_adds: bytes
    calls: bytes
    dtype: bytes
    device: bytes
    marks: bytes
    note: bytes
    history: bytes
    extra: bytes
    kind: bytes
    source: bytes
    signature: bytes
    output_bytes: bytes
    edges: bytes = b""
    """Pairs of rows: what made a tensor, and what used it; INPUT for the model's own inputs."""
    results: bytes = b""
    """The row that made each of the root's outputs, in their order; INPUT for one that was given,
    UNSEEN where it is not known. Empty where the forward did not finish."""
    kin: bytes = b""
    """Pairs of rows: one that is the same module as another, or has a parameter of it, and that
    other, which has it first."""


SMALL = "i"
LARGE = "q"
UNKNOWN = -1
INPUT = -1
"""The producer of what the model was called with."""
OUTPUT = -2
"""The consumer of what the model gives."""
UNSEEN = -3
"""The producer of an output that no row is known to have made."""

Edge: TypeAlias = tuple[int, int]
"""The row that made a tensor, and a row that used it."""


class _Interned(dict[object, int]):
    """Values to the place each was first seen at."""

    def place(self, value: object) -> int:
        return self.setdefault(value, len(self))


def pack(
    rows: Iterable[LayerRow],
    edges: Iterable[Edge] = (),
    results: Iterable[int] = (),
    kin: Iterable[Edge] = (),
) -> LayerColumns:
    """Rows to columns. Paths are not kept: they follow from names and depths."""
    rows = list(rows)
    texts, tensors, notes, histories = _Interned(), _Interned(), _Interned(), _Interned()

    def small(values: Iterable[int]) -> bytes:
        return _to_bytes(array(SMALL, values))

    def large(values: Iterable[int]) -> bytes:
        return _to_bytes(array(LARGE, values))

    def tensor_places(values: Iterable[Tensors | None]) -> bytes:
        return small(UNKNOWN if value is None else tensors.place(value) for value in values)

    columns = {
        "name": small(texts.place(row.name) for row in rows),
        "type": small(texts.place(row.type) for row in rows),
        "dtype": small(texts.place(row.dtype) for row in rows),
        "device": small(texts.place(row.device) for row in rows),
        "extra": small(texts.place(row.extra) for row in rows),
        "note": small(notes.place(row.notes) for row in rows),
        "history": small(histories.place(row.different_calls) for row in rows),
        "inputs": tensor_places(row.inputs for row in rows),
        "outputs": tensor_places(row.outputs for row in rows),
        "depth": small(row.depth for row in rows),
        "calls": small(row.calls for row in rows),
        "kind": small(int(row.kind) for row in rows),
        "source": small(texts.place(row.source) for row in rows),
        "signature": small(row.signature for row in rows),
        "output_bytes": large(row.output_bytes for row in rows),
        "edges": small(row for edge in edges for row in edge),
        "results": small(results),
        "kin": small(row for pair in kin for row in pair),
        "marks": small(int(row.marks) for row in rows),
        "own_parameters": large(row.own_parameters for row in rows),
        "total_parameters": large(row.total_parameters for row in rows),
        "trainable_parameters": large(row.trainable_parameters for row in rows),
        "mult_adds": large(UNKNOWN if row.mult_adds is None else row.mult_adds for row in rows),
    }
    return msgspec.convert(
        {
            "count": len(rows),
            "texts": tuple(texts),
            "tensors": tuple(tensors),
            "notes": tuple(notes),
            "histories": tuple(histories),
            **columns,
        },
        LayerColumns,
    )


def _to_bytes(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
