"""The layer tree as it is read: rows on demand, parents, paths and edges."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property

from nninspect.protocol.dataflow import Ends
from nninspect.protocol.decoded_columns import DecodedColumns
from nninspect.protocol.layers import (
    OUTPUT,
    SMALL,
    UNKNOWN,
    UNSEEN,
    Edge,
    Kind,
    LayerRow,
    Mark,
    Tensors,
)

_DERIVED = frozenset({"_spans", "_givers", "edges", "_made_by", "_used_by", "_related"})
"""What a table works out of its columns when it is first asked."""


class LayerTable(DecodedColumns):
    """The columns of a layer tree, decoded: arrays to scan, rows on demand, parents and paths."""

    def __len__(self) -> int:
        return len(self.depth)

    def __iter__(self) -> Iterator[LayerRow]:
        return map(self.row, range(len(self)))

    @property
    def parent(self) -> array[int]:
        """The row of each row's parent; -1 for the root."""
        return self._spans[0]

    @property
    def end(self) -> array[int]:
        """One past the last row of each row's subtree."""
        return self._spans[1]

    @cached_property
    def _spans(self) -> tuple[array[int], array[int]]:
        """Parents and ends, in one pass."""
        parents: list[int] = []
        ends = [len(self)] * len(self)
        open_rows: list[int] = []
        for row, depth in enumerate(self.depth):
            while len(open_rows) > depth:
                ends[open_rows.pop()] = row
            parents.append(open_rows[-1] if open_rows else UNKNOWN)
            open_rows.append(row)
        return array(SMALL, parents), array(SMALL, ends)

    def reordered(self, order: Sequence[int]) -> LayerTable:
        """The same tree with its rows in another pre-order; `order` has the old row of each."""
        places = {old: new for new, old in enumerate(order)}
        other = copy(self)
        vars(other).clear()
        for name, value in vars(self).items():
            if name in _DERIVED:
                continue
            if name in ("_edges", "_results", "_kin"):
                value = array(SMALL, (places.get(row, row) for row in value))
            elif isinstance(value, array):
                value = array(value.typecode, (value[row] for row in order))
            vars(other)[name] = value
        return other

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

    def failed(self) -> int | None:
        """The innermost row that the forward raised in: an op, or a module."""
        found = [row for row, marks in enumerate(self.marks) if marks & Mark.FAILED]
        return max(found, key=lambda row: (self.kind[row], self.depth[row]), default=None)

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

    def text_of(self, row: int) -> tuple[str, str]:
        """The type of a row, and its arguments."""
        return self.texts[self.type[row]], self.texts[self._extra[row]]

    @property
    def has_edges(self) -> bool:
        """Whether any edge is known."""
        return bool(self._edges)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge, in the order the forward made them; those to OUTPUT come last."""
        inner = zip(self._edges[::2], self._edges[1::2], strict=True)
        return (*inner, *((row, OUTPUT) for row in self._givers))

    @cached_property
    def _givers(self) -> array[int]:
        """The rows that made an output of the model, and INPUT where one passes through."""
        return array(SMALL, dict.fromkeys(row for row in self._results if row != UNSEEN))

    @property
    def is_finished(self) -> bool:
        """Whether the forward came to its end, so that an output no row used is unused."""
        return len(self) > 0 and self.outputs[0] != UNKNOWN

    def results(self, first: int, end: int) -> tuple[str, ...]:
        """The keys of the model's outputs that a span of rows made; "" for the only one."""
        outputs = self._tensors(self.outputs[0]) or ()
        named = zip(outputs, self._results, strict=False)  # a root called twice gives its last
        return tuple(tensor.key for tensor, row in named if first <= row < end)

    def producers(self, row: int) -> tuple[int, ...]:
        """The rows that made what a row used, each once; INPUT for the model's own inputs."""
        return self._made_by.of(row)

    def consumers(self, row: int) -> tuple[int, ...]:
        """The rows that used what a row made, each once; OUTPUT where the model gives it."""
        return self._used_by.of(row)

    def inflow(self, first: int, end: int) -> tuple[int, ...]:
        """The rows outside of a span, as a subtree, that made what is used in it."""
        return self._made_by.across(first, end)

    def outflow(self, first: int, end: int) -> tuple[int, ...]:
        """The rows outside of a span, as a subtree, that used what was made in it."""
        return self._used_by.across(first, end)

    @cached_property
    def _made_by(self) -> Ends:
        return Ends(self._edges[1::2], self._edges[::2])

    @cached_property
    def _used_by(self) -> Ends:
        givers = self._givers
        outside = array(SMALL, [OUTPUT] * len(givers))
        return Ends(self._edges[::2] + givers, self._edges[1::2] + outside)

    def kin(self, row: int) -> tuple[int, ...]:
        """The row that has a module or a parameter of a row first, and those that have it later."""
        return self._related.of(row)

    @cached_property
    def _related(self) -> Ends:
        later, first = self._kin[::2], self._kin[1::2]
        return Ends(later + first, first + later)

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
            different_calls=self._histories[self._history[row]],
            dtype=self.texts[self.dtype[row]],
            device=self.texts[self.device[row]],
            marks=Mark(self.marks[row]),
            notes=self._notes[self._note[row]],
            extra=self.texts[self._extra[row]],
            kind=Kind(self.kind[row]),
            source=self.texts[self.source[row]],
            signature=self.signature[row],
            output_bytes=self.output_bytes[row],
        )

    def _tensors(self, place: int) -> Tensors | None:
        return None if place == UNKNOWN else self.tensors[place]
