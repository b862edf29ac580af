"""The tree's view against a naive one: folds, filters and moves over random trees."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Kind, LayerRow, Mark, pack
from nninspect.protocol.runs import Runs
from nninspect.ui.tree_filter import Finder
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.tree_state import keep, paths

NAMES = ("conv1", "conv2", "norm", "0", "1", "head", "stage1")
TYPES = ("Conv2d", "Linear", "Block", "Sequential")


def table(
    depths: list[int],
    labels: list[tuple[str, str]],
    ops: frozenset[int] = frozenset(),
    signatures: Sequence[int] = (),
    marks: Sequence[int] = (),
) -> LayerTable:
    signatures, marks = (*signatures, *[0] * len(depths)), (*marks, *[0] * len(depths))
    rows = [
        LayerRow(
            name=name if row else "",
            path="",
            type=kind,
            depth=depth,
            kind=Kind.OP if row in ops else Kind.MODULE,
            signature=signatures[row],
            marks=Mark(marks[row]),
        )
        for row, (depth, (name, kind)) in enumerate(zip(depths, labels, strict=True))
    ]
    return LayerTable(pack(rows))


@st.composite
def tables(draw: st.DrawFn) -> LayerTable:
    steps = draw(st.lists(st.integers(1, 4), max_size=30))
    depths = [0]
    for step in steps:
        depths.append(min(step, depths[-1] + 1))
    labels = st.tuples(st.sampled_from(NAMES), st.sampled_from(TYPES))
    leaves = {row for row, deeper in enumerate([*depths[1:], 0]) if deeper <= depths[row]} - {0}
    ops = draw(st.frozensets(st.sampled_from(sorted(leaves)))) if leaves else frozenset()
    named = draw(st.lists(labels, min_size=len(depths), max_size=len(depths)))
    each = {"min_size": len(depths), "max_size": len(depths)}
    marks = draw(st.lists(st.sampled_from((0, 0, 0, 0, Mark.DIFFERS)), **each))
    return table(depths, named, ops, signatures(depths, ops), marks)


def signatures(depths: Sequence[int], ops: Collection[int]) -> list[int]:
    """Equal for subtrees of equal shape with ops in equal places."""
    known: dict[tuple[object, ...], int] = {}
    found = []
    for row, depth in enumerate(depths):
        deeper = [after > depth for after in depths[row + 1 :]]
        below = range(row + 1, row + 1 + [*deeper, False].index(False))
        shape = tuple((depths[n] - depth, n in ops) for n in below)
        found.append(known.setdefault((row in ops, shape), len(known) + 1))
    return found


def naive_runs(found: LayerTable) -> set[tuple[int, ...]]:
    """Siblings of equal signature, kind and marks, three and more."""

    def alike(row: int) -> tuple[object, ...]:
        inside = range(row, found.end[row])
        return found.signature[row], found.kind[row], [found.marks[n] for n in inside]

    runs = set()
    for parent in range(len(found)):
        for _, run in itertools.groupby(found.children(parent), key=alike):
            runs.add(tuple(run))
    return {run for run in runs if len(run) >= 3}


def ancestors(found: LayerTable, row: int) -> list[int]:
    return (
        [] if found.parent[row] < 0 else [found.parent[row], *ancestors(found, found.parent[row])]
    )


def naive_matches(found: LayerTable, query: str) -> list[int]:
    if "." in query:
        return [row for row in range(1, len(found)) if _path_has(found.path(row), query)]
    return [
        row
        for row in range(len(found))
        if query in found.texts[found.name[row]].lower()
        or query in found.texts[found.type[row]].lower()
    ]


def _path_has(path: str, query: str) -> bool:
    """The query begins anywhere, and ends in the last name of the path."""
    lowered = "." + path.lower()
    start = lowered.rfind(".") - query.rfind(".")
    return start >= 0 and lowered[start:].startswith(query)


def naive_rows(model: TreeModel) -> list[int]:
    found = model.table
    kept = set(range(len(found)))
    if not model.shows_ops:
        kept -= {row for row in kept if found.kind[row] == Kind.OP}
    if model.query:
        matches = [row for row in naive_matches(found, model.query) if row in kept]
        kept = {above for row in matches for above in (row, *ancestors(found, row))}
    for run in naive_runs(found):
        if run[0] in model.folded_runs:
            kept -= set(range(run[0] + 1, found.end[run[-1]]))
    return [row for row in sorted(kept) if not model.folded & set(ancestors(found, row))]


ON_ROW = ("toggle", "fold", "unfold", "fold_run", "toggle_subtree")
ACTIONS = st.one_of(
    st.tuples(st.just("move_by"), st.integers(-5, 5)),
    st.tuples(st.just("to_sibling"), st.sampled_from((-1, 1))),
    st.tuples(st.just("to_match"), st.sampled_from((-1, 1))),
    st.tuples(st.sampled_from(("to_parent", "toggle_all", "toggle_ops", "toggle_runs"))),
    st.tuples(st.sampled_from(ON_ROW), st.just("cursor")),
    st.tuples(st.just("reveal"), st.integers(0, 30)),
    st.tuples(st.just("filter"), st.sampled_from(("", "conv", "LIN", "x", "stage1.", "1.0", "."))),
)


@settings(max_examples=150, deadline=None)
@given(tables(), st.lists(ACTIONS, max_size=20))
def test_what_is_in_view_is_what_a_naive_view_shows(
    found: LayerTable, actions: list[tuple[object, ...]]
) -> None:
    model = TreeModel(found)
    for name, *arguments in actions:
        given_ = [model.cursor if argument == "cursor" else argument for argument in arguments]
        if name == "reveal":
            model.reveal(int(str(given_[0])) % len(found))
        elif name not in ON_ROW or model.rows:
            getattr(model, str(name))(*given_)
        assert model.rows == naive_rows(model)
        assert not model.rows or model.cursor in model.rows


@given(tables())
def test_runs_are_those_that_a_naive_search_finds(found: LayerTable) -> None:
    assert set(Runs(found).members.values()) == naive_runs(found)


@given(tables(), st.sampled_from(("conv", "seq", "0", "stage1.conv1", "1.", ".head", "age1.0")))
def test_the_filter_finds_names_types_and_paths(found: LayerTable, query: str) -> None:
    assert Finder(found).find(query) == naive_matches(found, query)


@given(tables(), st.data())
def test_folding_and_unfolding_a_row_or_a_run_changes_nothing(
    found: LayerTable, data: st.DataObject
) -> None:
    model = TreeModel(found)
    model.fold(data.draw(st.sampled_from(model.rows)))
    before = list(model.rows)
    row = data.draw(st.sampled_from(model.rows))
    if row in model.folded_runs:
        model.unfold(row)
        assert model.rows != before
        assert model.fold_run(row)
    elif row in model.folded:
        model.unfold(row)
        model.fold(row)
    else:
        model.fold(row)
        model.unfold(row)
    assert model.rows == before


@pytest.fixture
def small() -> TreeModel:
    """root > a > (a0, a1), b > b0."""
    labels = [("", "Net"), ("a", "Block"), ("a0", "Conv"), ("a1", "Conv"), ("b", "Block")]
    return TreeModel(table([0, 1, 2, 2, 1, 2], [*labels, ("b0", "Linear")]))


def test_a_fold_over_the_cursor_takes_it_along(small: TreeModel) -> None:
    small.move_to(3)
    small.fold(1)
    assert (small.cursor, small.rows) == (1, [0, 1, 4, 5])


def test_a_fold_inside_a_fold_stays_when_the_outer_one_opens(small: TreeModel) -> None:
    small.fold(1)
    small.fold(0)
    small.unfold(0)
    assert small.rows == [0, 1, 4, 5]


def test_clearing_the_filter_brings_the_folds_back_but_shows_the_cursor(small: TreeModel) -> None:
    small.fold(1)
    small.fold(4)
    small.filter("linear")
    assert small.rows == [0, 4, 5]
    assert small.cursor == 5
    small.filter("")
    assert (small.rows, small.cursor) == ([0, 1, 4, 5], 5)


def test_matches_are_gone_through_round_the_end(small: TreeModel) -> None:
    small.filter("conv")
    places = []
    for _ in range(3):
        small.to_match(1)
        places.append(small.cursor)
    assert places == [3, 2, 3]


def test_siblings_are_of_one_parent(small: TreeModel) -> None:
    small.move_to(1)
    small.to_sibling(1)
    assert small.cursor == 4
    small.to_sibling(1)
    assert small.cursor == 4
    small.to_sibling(-1)
    assert small.cursor == 1


def test_a_row_is_revealed_through_folds_and_filters(small: TreeModel) -> None:
    small.fold(0)
    small.filter("conv")
    small.reveal(5)
    assert small.cursor == 5
    assert 5 in small.rows


def test_hidden_ops_take_the_cursor_to_their_module_and_are_shown_to_be_reached() -> None:
    labels = [("", "Net"), ("a", "Block"), ("conv", "Conv"), ("relu", "op"), ("add", "op")]
    model = TreeModel(table([0, 1, 2, 2, 1], labels, frozenset({3, 4})))
    model.move_to(3)
    model.toggle_ops()
    assert (model.rows, model.cursor) == ([0, 1, 2], 1)
    model.filter("relu")
    assert model.rows == []
    model.reveal(3)
    assert (model.shows_ops, model.cursor) == (True, 3)
    assert model.rows == [0, 1, 3]


@pytest.fixture
def stack() -> TreeModel:
    """root > layers > 0, 1, 2, 3, each with a norm; head."""
    labels = [("", "Net"), ("layers", "ModuleList")]
    for number in range(4):
        labels += [(str(number), "Block"), ("norm", "Norm")]
    depths = [0, 1, *[2, 3] * 4, 1]
    return TreeModel(table(depths, [*labels, ("head", "Linear")], signatures=[0, 0, *[1, 2] * 4]))


def test_a_run_opens_folded_and_stands_for_its_members(stack: TreeModel) -> None:
    assert stack.rows == [0, 1, 2, 10]
    assert stack.stands_for(2) == (2, 4, 6, 8)
    assert stack.stands_for(1) == (1,)


def test_a_run_opens_to_its_members_and_they_to_what_is_below(stack: TreeModel) -> None:
    stack.move_to(2)
    stack.toggle(2)
    assert stack.rows == [0, 1, 2, 4, 6, 8, 10]
    stack.toggle(2)
    assert stack.rows == [0, 1, 2, 3, 4, 6, 8, 10]
    assert stack.cursor == 2


def test_a_run_folds_from_inside_and_takes_the_cursor(stack: TreeModel) -> None:
    stack.reveal(7)
    assert stack.rows == [0, 1, 2, 4, 6, 7, 8, 10]
    stack.fold(6)
    stack.cursor = 6
    assert stack.fold_run(6)
    assert (stack.rows, stack.cursor) == ([0, 1, 2, 10], 2)
    assert not stack.fold_run(2)


def test_a_jump_to_the_first_of_a_run_opens_it(stack: TreeModel) -> None:
    stack.reveal(2)
    assert stack.stands_for(2) == (2,)


def test_the_filter_opens_runs_and_they_fold_again_but_for_the_cursor(stack: TreeModel) -> None:
    stack.filter("layers.2.")
    assert stack.rows == [0, 1, 6, 7]
    stack.toggle_runs()
    assert stack.rows == [0, 1, 6, 7]
    stack.filter("")
    assert stack.rows == [0, 1, 2, 4, 6, 7, 8, 10]
    stack.toggle_runs()
    stack.filter("head")
    stack.filter("")
    assert stack.rows == [0, 1, 2, 10]


def test_two_of_a_kind_are_no_run() -> None:
    labels = [("", "Net"), ("0", "A"), ("1", "A"), ("2", "B"), ("3", "A")]
    found = table([0, 1, 1, 1, 1], labels, signatures=[0, 1, 1, 2, 1])
    assert Runs(found).members == {}


@pytest.mark.parametrize("mark", [Mark.FAILED, Mark.UNCALLED, Mark.DIFFERS, Mark.SHARED])
def test_a_row_that_differs_parts_the_run(mark: Mark) -> None:
    labels = [("", "Net"), *((str(n), "A") for n in range(7))]
    found = table([0, *[1] * 7], labels, signatures=[0, *[1] * 7], marks=[*[0] * 4, mark])
    assert Runs(found).members == {1: (1, 2, 3), 5: (5, 6, 7)}


def test_a_new_look_keeps_runs_open_or_folded(stack: TreeModel) -> None:
    stack.unfold(2)
    stack.unfold(6)
    after = TreeModel(stack.table)
    keep(stack, after)
    assert after.rows == stack.rows
    stack.toggle_runs()
    keep(stack, after)
    assert after.rows == [0, 1, 2, 10]


def test_a_new_look_keeps_ops_hidden(small: TreeModel) -> None:
    after = TreeModel(small.table)
    small.toggle_ops()
    keep(small, after)
    assert not after.shows_ops


def test_an_empty_table_has_nothing_in_view() -> None:
    model = TreeModel(LayerTable(pack([])))
    model.move_by(1)
    model.to_parent()
    model.to_sibling(1)
    model.filter("x")
    model.filter("")
    assert model.rows == []


def test_a_new_look_keeps_folds_cursor_and_filter_by_path(small: TreeModel) -> None:
    labels = [("", "Net"), ("new", "Conv"), ("a", "Block"), ("a0", "Conv"), ("b", "Block")]
    small.fold(1)
    small.move_to(3)
    after = TreeModel(table([0, 1, 1, 2, 1], labels))
    keep(small, after)
    assert after.rows == [0, 1, 2, 4]
    assert after.table.path(after.cursor) == "b"


def test_paths_are_those_of_the_table(small: TreeModel) -> None:
    assert paths(small.table) == [small.table.path(row) for row in range(len(small.table))]
