"""Options of several arguments together: which of the one goes with which of the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from nninspect.engine.guessing.layers import SEQUENCE
from nninspect.engine.guessing.specs import Specs, is_float
from nninspect.protocol.records import InputSpec

_EDGES = re.compile(r"(?:^|[._])edge_index|(?:^|[._])adj")
_OF_AN_EDGE = re.compile(r"(?:^|[._])edge")
_GRAPH_OF_A_NODE = re.compile(r"(?:^|[._])batch$")
MAX_ALONE = 8
"""Combinations in which one argument alone takes its second option."""


def combined(columns: Sequence[Sequence[InputSpec]]) -> tuple[Specs, ...]:
    """The first options together; those that are sequences together, and those that are one number
    a sample; then the second ones …, a shorter list keeping its first; then each argument's second
    alone. Graphs go first."""
    rows = [tuple(column[0] for column in columns)]
    if len(columns) > 1:
        rows += [
            tuple(next(filter(fits, column), column[0]) for column in columns)
            for fits in (_is_sequence, _is_one_a_sample)
        ]
        if any(map(_is_mask_of_steps, rows[0])):
            rows[:2] = rows[1::-1]
    rows += [
        tuple(spec or column[0] for spec, column in zip(row, columns, strict=True))
        for row in zip_longest(*columns)
    ]
    if len(columns) > 1:
        rows += list(_one_changed(rows[0], columns))[:MAX_ALONE]
    graphs = [graph for row in rows[:2] if (graph := _graph(row)) is not None]
    return tuple(dict.fromkeys([*graphs, *rows]))


def _is_sequence(spec: InputSpec) -> bool:
    return SEQUENCE in spec.shape[1:] and len(spec.shape) < 4


def _is_one_a_sample(spec: InputSpec) -> bool:
    return spec.shape == (1,)


def _is_mask_of_steps(spec: InputSpec) -> bool:
    return "mask" in spec.name and spec.shape == (1, SEQUENCE)


def _one_changed(first: Specs, columns: Sequence[Sequence[InputSpec]]) -> Iterator[Specs]:
    for place, column in enumerate(columns):
        for other in column[1:2]:
            yield (*first[:place], other, *first[place + 1 :])


def _graph(row: Specs) -> Specs | None:
    """As many nodes as the edges speak of, and as many edges; None where there are no edges."""
    if not any(_EDGES.search(spec.name) for spec in row):
        return None
    return tuple(map(_of_graph, row))


def _of_graph(spec: InputSpec) -> InputSpec:
    """SEQUENCE nodes, SEQUENCE edges, one graph."""
    if _EDGES.search(spec.name):
        is_pairs = spec.dtype == "int64"
        return msgspec.structs.replace(spec, high=SEQUENCE) if is_pairs else spec
    if _GRAPH_OF_A_NODE.search(spec.name):
        return InputSpec((SEQUENCE,), "int64", spec.name, 0, 1)
    if is_float(spec) and len(spec.shape) == 2:
        return msgspec.structs.replace(spec, shape=(SEQUENCE, spec.shape[1]))
    if _OF_AN_EDGE.search(spec.name):
        return msgspec.structs.replace(spec, shape=(SEQUENCE,))
    return spec
