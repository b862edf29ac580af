"""The layer tree as columns: nothing is lost on the way, and no corruption is believed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import (
    INPUT,
    OUTPUT,
    UNSEEN,
    CallShapes,
    Kind,
    LayerColumns,
    LayerRow,
    Mark,
    TensorInfo,
    pack,
)

counts = st.integers(0, 2**62)
names = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=5)
tensors = st.builds(
    TensorInfo,
    key=st.text(max_size=3),
    shape=st.lists(st.integers(0, 2**40), max_size=4).map(tuple),
    dtype=st.sampled_from(["float32", "int64"]),
)
tensor_lists = st.none() | st.lists(tensors, max_size=2).map(tuple)


@st.composite
def trees(draw: st.DrawFn) -> list[LayerRow]:
    """Rows of a tree, with the paths that follow from their names and depths."""
    rows: list[LayerRow] = []
    for place in range(draw(st.integers(0, 12))):
        depth = draw(st.integers(1, rows[-1].depth + 1)) if place else 0
        parent = next((row.path for row in reversed(rows) if row.depth == depth - 1), "")
        name = f"{draw(names)}{place}" if place else ""
        rows.append(
            LayerRow(
                name=name,
                path=f"{parent}.{name}" if parent else name,
                type=draw(names),
                depth=depth,
                inputs=draw(tensor_lists),
                outputs=draw(tensor_lists),
                own_parameters=draw(counts),
                total_parameters=draw(counts),
                trainable_parameters=draw(counts),
                mult_adds=draw(st.none() | counts),
                calls=draw(st.integers(0, 2**31 - 1)),
                dtype=draw(st.sampled_from(["", "float32", "mixed"])),
                device=draw(st.sampled_from(["", "cpu", "cuda:0"])),
                marks=Mark(draw(st.integers(0, 63))),
                notes=draw(st.lists(st.text(max_size=5), max_size=2).map(tuple)),
                extra=draw(st.text(max_size=5)),
                different_calls=draw(
                    st.lists(
                        st.builds(
                            CallShapes,
                            inputs=st.lists(tensors, max_size=2).map(tuple),
                            outputs=tensor_lists,
                            times=st.integers(1, 9),
                        ),
                        max_size=2,
                    ).map(tuple)
                ),
                kind=draw(st.sampled_from(Kind)),
                source=draw(st.text(max_size=5)),
                signature=draw(st.integers(0, 2**31 - 1)),
                output_bytes=draw(counts),
            )
        )
    return rows


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_rows_come_back_as_they_were(rows: list[LayerRow]) -> None:
    assert list(LayerTable(pack(rows))) == rows


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_rows_come_back_through_messagepack(rows: list[LayerRow]) -> None:
    sent = msgspec.msgpack.encode(pack(rows))
    assert list(LayerTable(msgspec.msgpack.decode(sent, type=LayerColumns))) == rows


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_a_subtree_ends_where_the_next_row_is_no_deeper(rows: list[LayerRow]) -> None:
    ends = [
        next((n for n in range(place + 1, len(rows)) if rows[n].depth <= row.depth), len(rows))
        for place, row in enumerate(rows)
    ]
    assert list(LayerTable(pack(rows)).end) == ends


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_a_path_leads_to_its_row(rows: list[LayerRow]) -> None:
    table = LayerTable(pack(rows))
    assert [table.find(row.path) for row in rows] == list(range(len(rows)))


SMALL = [
    LayerRow(name="", path="", type="Net", depth=0, notes=("a",)),
    LayerRow(name="fc", path="fc", type="Linear", depth=1, inputs=(TensorInfo("", (1,), "f"),)),
]


def test_an_unknown_path_leads_nowhere() -> None:
    table = LayerTable(pack(SMALL))
    assert table.find("fc.more") is None
    assert table.find("other") is None
    assert LayerTable(pack([])).find("") is None


COLUMNS = [
    name for name in LayerColumns.__struct_fields__ if LayerColumns.__annotations__[name] == "bytes"
]


SPARSE = ("results", "kin")
"""Columns with entries for some rows only."""


@pytest.mark.parametrize(
    ("column", "damage"),
    [
        *((column, damage) for column in COLUMNS for damage in (1, 4, 9) if column not in SPARSE),
        *((column, 1) for column in SPARSE),  # whole ones may be missing
    ],
)
def test_a_column_that_lost_bytes_is_refused(column: str, damage: int) -> None:
    columns = pack(SMALL, [(INPUT, 1), (1, 0)], [1], [(1, 0)])
    whole = getattr(columns, column)
    with pytest.raises(ValueError, match=r"entries|length|edge|pair"):
        LayerTable(msgspec.structs.replace(columns, **{column: whole[:-damage]}))


def test_kin_are_known_both_ways_and_in_any_order() -> None:
    rows = [LayerRow(name=str(n), path="", type="T", depth=min(n, 1)) for n in range(4)]
    table = LayerTable(pack(rows, kin=[(2, 1), (3, 1)]))
    assert [table.kin(row) for row in range(4)] == [(), (2, 3), (1,), (1,)]
    assert [table.reordered([0, 3, 1, 2]).kin(row) for row in range(4)] == [(), (2,), (3, 1), (2,)]
    with pytest.raises(ValueError, match="pair"):
        LayerTable(pack(rows, kin=[(2, 4)]))


def test_edges_lead_from_what_made_a_tensor_to_what_used_it() -> None:
    table = LayerTable(pack(SMALL, [(INPUT, 1), (1, 0), (1, 0)]))
    assert table.edges == ((INPUT, 1), (1, 0), (1, 0))
    assert table.producers(1) == (INPUT,)
    assert table.producers(0) == (1,)
    assert table.consumers(1) == (0,)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-1, 9), st.integers(0, 9)), max_size=30), st.data())
def test_edges_of_a_row_and_of_a_span_are_those_that_a_scan_finds(
    edges: list[tuple[int, int]], data: st.DataObject
) -> None:
    rows = [LayerRow(name=str(n), path="", type="T", depth=min(n, 1)) for n in range(10)]
    table = LayerTable(pack(rows, edges))
    first = data.draw(st.integers(0, 9))
    end = data.draw(st.integers(first, 10))
    span = range(first, end)
    assert table.producers(first) == tuple(dict.fromkeys(a for a, b in edges if b == first))
    assert table.consumers(first) == tuple(dict.fromkeys(b for a, b in edges if a == first))
    assert set(table.inflow(first, end)) == {a for a, b in edges if b in span and a not in span}
    assert set(table.outflow(first, end)) == {b for a, b in edges if a in span and b not in span}


@pytest.mark.parametrize("edge", [(-2, 0), (0, 2), (2, 0)])
def test_an_edge_to_no_row_is_refused(edge: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="edge"):
        LayerTable(pack(SMALL, [edge]))


@pytest.mark.parametrize("count", [-1, 0, 1, 3])
def test_a_wrong_count_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="entries"):
        LayerTable(msgspec.structs.replace(pack(SMALL), count=count))


@pytest.mark.parametrize(
    "column",
    ["name", "type", "dtype", "device", "extra", "note", "history", "inputs", "outputs"],
)
@pytest.mark.parametrize("place", [-2, 99])
def test_a_place_outside_its_table_is_refused(column: str, place: int) -> None:
    places = place.to_bytes(4, "little", signed=True) * 2
    with pytest.raises(ValueError, match="nowhere"):
        LayerTable(msgspec.structs.replace(pack(SMALL), **{column: places}))


def test_equal_texts_and_tensors_are_sent_once() -> None:
    same = [msgspec.structs.replace(SMALL[1], name=str(n), extra="x" * 999) for n in range(1000)]
    columns = pack([SMALL[0], *same])
    assert len(columns.tensors) == 1
    assert sum(text == "x" * 999 for text in columns.texts) == 1


def test_the_failed_row_is_the_innermost_and_an_op_before_its_module() -> None:
    def row(name: str, depth: int, kind: Kind = Kind.MODULE, marks: Mark = Mark.FAILED) -> LayerRow:
        return LayerRow(name=name, path=name, type="", depth=depth, kind=kind, marks=marks)

    modules = [row("", 0, marks=Mark.NONE), row("a", 1), row("b", 2, marks=Mark.NONE)]
    assert LayerTable(pack(modules)).failed() == 1
    assert LayerTable(pack([*modules, row("add", 2, Kind.OP)])).failed() == 3
    assert LayerTable(pack(modules[:1])).failed() is None


def test_what_the_model_gives_is_used_by_its_output_and_each_row_says_which_part() -> None:
    outputs = tuple(TensorInfo(key, (1,), "float32") for key in ("logits", "state.0", "extra"))
    rows = [
        LayerRow(name="", path="", type="T", depth=0, outputs=outputs),
        LayerRow(name="a", path="a", type="T", depth=1),
        LayerRow(name="b", path="b", type="T", depth=1),
    ]
    table = LayerTable(pack(rows, [(INPUT, 1), (1, 2)], [2, 1, UNSEEN]))
    assert table.edges == ((INPUT, 1), (1, 2), (2, OUTPUT), (1, OUTPUT))
    assert table.consumers(1) == (2, OUTPUT)
    assert table.consumers(2) == (OUTPUT,)
    assert table.outflow(1, 3) == (OUTPUT,)
    assert (table.results(2, 3), table.results(1, 3)) == (("logits",), ("logits", "state.0"))


def test_an_output_that_comes_from_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        LayerTable(pack(SMALL, (), [len(SMALL)]))


def test_a_table_that_was_asked_of_its_dataflow_can_be_reordered() -> None:
    rows = [LayerRow(name=str(n), path="", type="T", depth=min(n, 1)) for n in range(4)]
    table = LayerTable(pack(rows, [(INPUT, 1), (1, 2), (1, 3)], [3]))
    assert table.edges == ((INPUT, 1), (1, 2), (1, 3), (3, OUTPUT))
    assert table.reordered([0, 3, 1, 2]).edges == ((INPUT, 2), (2, 3), (2, 1), (1, OUTPUT))
