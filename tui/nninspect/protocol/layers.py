"""The layer tree as columns: what crosses the pipe, and how a row is read back from it.

A tree of 60,000 modules is a few megabytes as raw arrays and is decoded in milliseconds;
as one object a row it would take a hundred times as long.
"""

from __future__ import annotations

import enum
import sys
from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
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


class LayerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One module of the tree. Parents come before their children, siblings in order.

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
    own_parameters: int = 0
    total_parameters: int = 0
    trainable_parameters: int = 0
    """Of the total."""
    mult_adds: int | None = None
    """Of the module and all below it, over all its calls."""
    calls: int = 0
    dtype: str = ""
    device: str = ""
    marks: Mark = Mark.NONE
    notes: tuple[str, ...] = ()
    extra: str = ""
    """The module's `extra_repr`."""


class LayerColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rows of a layer tree, one array a column, little-endian; see `pack`.

    Text and tensor columns hold places in `texts`, `notes` and `tensors`; a tensor place of -1
    and a mult-adds figure of -1 mean not known.
    """

    count: int
    texts: tuple[str, ...]
    tensors: tuple[Tensors, ...]
    notes: tuple[tuple[str, ...], ...]
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
    extra: bytes


_SMALL = "i"
_LARGE = "q"
UNKNOWN = -1


class _Interned(dict[object, int]):
    """Values to the place each was first seen at."""

    def place(self, value: object) -> int:
        return self.setdefault(value, len(self))


def pack(rows: Iterable[LayerRow]) -> LayerColumns:
    """Rows to columns. Paths are not kept: they follow from names and depths."""
    rows = list(rows)
    texts, tensors, notes = _Interned(), _Interned(), _Interned()

    def small(values: Iterable[int]) -> bytes:
        return _to_bytes(array(_SMALL, values))

    def large(values: Iterable[int]) -> bytes:
        return _to_bytes(array(_LARGE, values))

    def tensor_places(values: Iterable[Tensors | None]) -> bytes:
        return small(UNKNOWN if value is None else tensors.place(value) for value in values)

    columns = {
        "name": small(texts.place(row.name) for row in rows),
        "type": small(texts.place(row.type) for row in rows),
        "dtype": small(texts.place(row.dtype) for row in rows),
        "device": small(texts.place(row.device) for row in rows),
        "extra": small(texts.place(row.extra) for row in rows),
        "note": small(notes.place(row.notes) for row in rows),
        "inputs": tensor_places(row.inputs for row in rows),
        "outputs": tensor_places(row.outputs for row in rows),
        "depth": small(row.depth for row in rows),
        "calls": small(row.calls for row in rows),
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
            **columns,
        },
        LayerColumns,
    )


class LayerTable:
    """The columns of a layer tree, decoded: arrays to scan, rows on demand, parents and paths."""

    def __init__(self, columns: LayerColumns) -> None:
        """Raises ValueError where a column does not have `count` entries or points nowhere."""
        self.texts = columns.texts
        self.tensors = columns.tensors
        self._notes = columns.notes
        self.name = _from_bytes(_SMALL, columns.name)
        self.type = _from_bytes(_SMALL, columns.type)
        self.dtype = _from_bytes(_SMALL, columns.dtype)
        self.device = _from_bytes(_SMALL, columns.device)
        self._extra = _from_bytes(_SMALL, columns.extra)
        self._note = _from_bytes(_SMALL, columns.note)
        self.inputs = _from_bytes(_SMALL, columns.inputs)
        self.outputs = _from_bytes(_SMALL, columns.outputs)
        self.depth = _from_bytes(_SMALL, columns.depth)
        self.calls = _from_bytes(_SMALL, columns.calls)
        self.marks = _from_bytes(_SMALL, columns.marks)
        self.own_parameters = _from_bytes(_LARGE, columns.own_parameters)
        self.total_parameters = _from_bytes(_LARGE, columns.total_parameters)
        self.trainable_parameters = _from_bytes(_LARGE, columns.trainable_parameters)
        self.mult_adds = _from_bytes(_LARGE, columns.mult_adds)
        self._check(columns.count)

    def _check(self, count: int) -> None:
        arrays = [value for value in vars(self).values() if isinstance(value, array)]
        if any(len(values) != count for values in arrays):
            raise ValueError(f"a column of the layer tree does not have {count} entries")
        places = (
            (len(self.texts), 0, (self.name, self.type, self.dtype, self.device, self._extra)),
            (len(self._notes), 0, (self._note,)),
            (len(self.tensors), UNKNOWN, (self.inputs, self.outputs)),
        )
        for size, lowest, columns in places:
            for column in columns:
                if count and (min(column) < lowest or max(column) >= size):
                    raise ValueError("a column of the layer tree points nowhere")

    def __len__(self) -> int:
        return len(self.depth)

    def __iter__(self) -> Iterator[LayerRow]:
        return map(self.row, range(len(self)))

    @cached_property
    def parent(self) -> array[int]:
        """The row of each row's parent; -1 for the root."""
        parents = array(_SMALL)
        open_rows: list[int] = []
        for row, depth in enumerate(self.depth):
            del open_rows[depth:]
            parents.append(open_rows[-1] if open_rows else UNKNOWN)
            open_rows.append(row)
        return parents

    @cached_property
    def end(self) -> array[int]:
        """One past the last row of each row's subtree."""
        ends = array(_SMALL, bytes(4 * len(self)))
        open_rows: list[int] = []
        for row, depth in enumerate(self.depth):
            for closed in open_rows[depth:]:
                ends[closed] = row
            del open_rows[depth:]
            open_rows.append(row)
        for closed in open_rows:
            ends[closed] = len(self)
        return ends

    def path(self, row: int) -> str:
        """The module path; "" for the root."""
        names: list[str] = []
        while (parent := self.parent[row]) != UNKNOWN:
            names.append(self.texts[self.name[row]])
            row = parent
        return ".".join(reversed(names))

    def find(self, path: str) -> int | None:
        """The row of a module path."""
        row = 0 if len(self) else None
        for name in path.split(".") if path else ():
            row = next((child for child in self.children(row) if self._name(child) == name), None)
            if row is None:
                return None
        return row

    def children(self, row: int | None) -> Iterator[int]:
        """The rows directly below one."""
        if row is None:
            return
        child, end = row + 1, self.end[row]
        while child < end:
            yield child
            child = self.end[child]

    def _name(self, row: int) -> str:
        return self.texts[self.name[row]]

    def row(self, row: int) -> LayerRow:
        """One row, as an object."""
        mult_adds = self.mult_adds[row]
        return LayerRow(
            name=self._name(row),
            path=self.path(row),
            type=self.texts[self.type[row]],
            depth=self.depth[row],
            inputs=self._tensors(self.inputs[row]),
            outputs=self._tensors(self.outputs[row]),
            own_parameters=self.own_parameters[row],
            total_parameters=self.total_parameters[row],
            trainable_parameters=self.trainable_parameters[row],
            mult_adds=None if mult_adds == UNKNOWN else mult_adds,
            calls=self.calls[row],
            dtype=self.texts[self.dtype[row]],
            device=self.texts[self.device[row]],
            marks=Mark(self.marks[row]),
            notes=self._notes[self._note[row]],
            extra=self.texts[self._extra[row]],
        )

    def _tensors(self, place: int) -> Tensors | None:
        return None if place == UNKNOWN else self.tensors[place]


def _to_bytes(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _from_bytes(code: str, raw: bytes) -> array[int]:
    values: array[int] = array(code)
    values.frombytes(raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values
