"""The columns of a layer tree as arrays, checked: nothing in them points outside of the tree."""

from __future__ import annotations

import sys
from array import array

from nninspect.protocol.layers import INPUT, LARGE, SMALL, UNKNOWN, UNSEEN, LayerColumns


class DecodedColumns:
    """A number a row in each column; texts, tensors and notes are numbers of what is listed."""

    def __init__(self, columns: LayerColumns) -> None:
        """Raises ValueError where a column does not have `count` entries or points nowhere."""
        self.texts = columns.texts
        self.tensors = columns.tensors
        self._notes = columns.notes
        self.name = _from_bytes(SMALL, columns.name)
        self.type = _from_bytes(SMALL, columns.type)
        self.dtype = _from_bytes(SMALL, columns.dtype)
        self.device = _from_bytes(SMALL, columns.device)
        self._extra = _from_bytes(SMALL, columns.extra)
        self._histories = columns.histories
        self._history = _from_bytes(SMALL, columns.history)
        self._note = _from_bytes(SMALL, columns.note)
        self.inputs = _from_bytes(SMALL, columns.inputs)
        self.outputs = _from_bytes(SMALL, columns.outputs)
        self.depth = _from_bytes(SMALL, columns.depth)
        self.calls = _from_bytes(SMALL, columns.calls)
        self.kind = _from_bytes(SMALL, columns.kind)
        self.source = _from_bytes(SMALL, columns.source)
        self.signature = _from_bytes(SMALL, columns.signature)
        self.output_bytes = _from_bytes(LARGE, columns.output_bytes)
        self.marks = _from_bytes(SMALL, columns.marks)
        self.own_parameters = _from_bytes(LARGE, columns.own_parameters)
        self.total_parameters = _from_bytes(LARGE, columns.total_parameters)
        self.trainable_parameters = _from_bytes(LARGE, columns.trainable_parameters)
        self.mult_adds = _from_bytes(LARGE, columns.mult_adds)
        self._check(columns.count)
        self._edges = _places(columns.edges, INPUT, columns.count, "an edge", are_pairs=True)
        self._results = _places(columns.results, UNSEEN, columns.count, "an output")
        self._kin = _places(columns.kin, 0, columns.count, "a pair", are_pairs=True)

    def _check(self, count: int) -> None:
        arrays = [value for value in vars(self).values() if isinstance(value, array)]
        if any(len(values) != count for values in arrays):
            raise ValueError(f"a column of the layer tree does not have {count} entries")
        texts = (self.name, self.type, self.dtype, self.device, self._extra, self.source)
        places = (
            (len(self.texts), 0, texts),
            (len(self._notes), 0, (self._note,)),
            (len(self._histories), 0, (self._history,)),
            (len(self.tensors), UNKNOWN, (self.inputs, self.outputs)),
        )
        for size, lowest, columns in places:
            for column in columns:
                if count and (min(column) < lowest or max(column) >= size):
                    raise ValueError("a column of the layer tree points nowhere")


def _from_bytes(code: str, raw: bytes) -> array[int]:
    values: array[int] = array(code)
    values.frombytes(raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _places(
    raw: bytes, lowest: int, count: int, what: str, *, are_pairs: bool = False
) -> array[int]:
    """Rows that are referred to, from `lowest` to before `count`. Raises ValueError."""
    values = _from_bytes(SMALL, raw)
    if values and not lowest <= min(values) <= max(values) < count:
        raise ValueError(f"{what} of the layer tree points nowhere")
    if are_pairs and len(values) % 2:
        raise ValueError(f"{what} of the layer tree has only one end")
    return values
