"""An inspection as text."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nninspect.protocol.layers import Kind, LayerRow, Mark, TensorInfo, pack
from nninspect.protocol.records import InputSpec, Inspection, Setup, Totals
from nninspect.text import report
from nninspect.text.shapes import dtypes, shape, tensors

IMAGE = (TensorInfo("", (1, 4), "float32"),)
LOGITS = (TensorInfo("", (1, 2), "float32"),)

ROOT = LayerRow(
    name="",
    path="",
    type="Net",
    depth=0,
    inputs=IMAGE,
    outputs=LOGITS,
    total_parameters=1000,
    trainable_parameters=1000,
    mult_adds=2_000,
    calls=1,
)
LAYER = msgspec.structs.replace(
    ROOT,
    name="fc",
    path="fc",
    type="Linear",
    depth=1,
    total_parameters=250,
    marks=Mark.DIFFERS,
    notes=("parameters 250, torchinfo 500",),
)


def inspection(*rows: LayerRow, **given: Any) -> Inspection:
    totals = Totals(
        modules=len(rows),
        parameters=1000,
        trainable=750,
        buffers=0,
        parameter_bytes=4000,
        buffer_bytes=0,
        mult_adds=2_000,
    )
    fields: dict[str, Any] = {
        "setup": Setup(target="net.py:Net"),
        "title": "Net",
        "inputs_from": "guessed from fc Linear",
        "inputs": (InputSpec((1, 4)),),
        "dtype": "float32",
        "totals": totals,
    }
    return Inspection(layers=pack(rows), **{**fields, **given})


def test_the_head_says_what_was_looked_at_and_how() -> None:
    assert list(report.head(inspection(ROOT, LAYER))) == [
        "Net  (net.py:Net)",
        "  cpu, float32, eval, --input 1x4  (guessed from fc Linear)",
        "  1,000 parameters (750 trainable, 3.91 KiB), 2.00 k mult-adds, 2 modules",
    ]


def test_one_module_and_one_parameter_are_in_the_singular() -> None:
    totals = Totals(
        modules=1, parameters=1, trainable=1, buffers=0, parameter_bytes=4, buffer_bytes=0
    )
    line = list(report.head(inspection(ROOT, totals=totals)))[-1]
    assert line == "  1 parameter (1 trainable, 4 B), ? mult-adds, 1 module"


def test_the_head_of_a_model_without_inputs_or_tensors() -> None:
    seen = inspection(ROOT, inputs=(), dtype="", inputs_from="forward needs no input")
    assert list(report.head(seen))[1] == "  cpu, no dtype, eval, no input  (forward needs no input)"


def test_every_row_has_a_cell_for_every_column() -> None:
    cells = report.table(inspection(ROOT, LAYER))
    assert [len(row) for row in cells] == [len(report.COLUMNS)] * 2
    assert cells[0][:6] == ("Net", "Net", "(1, 4)", "(1, 2)", "1,000", "100.0%")
    assert cells[1][:6] == ("  fc", "Linear", "(1, 4)", "(1, 2)", "250", "25.0%")


def test_an_op_is_marked_and_has_its_line_where_a_module_has_its_type() -> None:
    op = LayerRow(
        name="relu", path="relu", type="op", depth=1, kind=Kind.OP, source="net.py:18", mult_adds=0
    )
    (_, cells) = report.table(inspection(ROOT, op))
    assert cells == ("  ƒ relu", "net.py:18", "?", "?", "–", "–", "–", "")


def test_remarks_name_the_layer_and_both_figures() -> None:
    seen = inspection(ROOT, LAYER, torchinfo="torchinfo was skipped: so")
    assert list(report.remarks(seen)) == [
        "torchinfo was skipped: so",
        "fc: parameters 250, torchinfo 500",
    ]


def test_what_strangers_named_holds_no_escape_codes() -> None:
    odd = msgspec.structs.replace(LAYER, name="\x1b[31mred", type="a\nb", path="\x1b[31mred")
    seen = inspection(ROOT, odd, title="\x1b]0;x\x07", inputs_from="\x1b[2J")
    lines = [*report.head(seen), *report.remarks(seen)]
    lines += ["".join(row) for row in report.table(seen)]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("dims", "text"), [((), "()"), ((10,), "(10,)"), ((1, 3, 32, 32), "(1, 3, 32, 32)")]
)
def test_a_shape_is_written_as_pytorch_does(dims: tuple[int, ...], text: str) -> None:
    assert shape(dims) == text
    assert shape(list(dims)) == text


def test_several_tensors_are_written_by_how_they_are_reached() -> None:
    two = (TensorInfo("0", (2, 8), "float32"), TensorInfo("mask", (2,), "bool"))
    assert tensors(two) == "0=(2, 8), mask=(2,)"
    assert tensors(IMAGE) == "(1, 4)"
    assert tensors(None) == "?"
    assert dtypes((*two, *two)) == "float32, bool"
    assert dtypes(None) == ""


def block(place: int, depth: int = 1) -> tuple[LayerRow, LayerRow]:
    one = msgspec.structs.replace(
        LAYER, name=str(place), path="", type="Block", depth=depth, signature=7, notes=("as it is",)
    )
    return one, msgspec.structs.replace(
        one, name="fc", type="Linear", depth=depth + 1, signature=8, notes=()
    )


FOUR = inspection(ROOT, *(row for place in range(4) for row in block(place)), LAYER)


def test_a_run_of_equal_layers_is_one_row_with_their_sum_and_the_first_of_what_is_below() -> None:
    cells = report.table(FOUR)
    assert [row[0] for row in cells] == ["Net", "  0…3 ×4", "    fc", "  fc"]
    assert [row[4] for row in cells] == ["1,000", "1,000", "250", "250"]
    assert next(report.remarks(FOUR)) == report.FOLDED


def test_unfolded_every_layer_of_a_run_has_its_row() -> None:
    names = [row[0] for row in report.table(FOUR, unfold=True)]
    blocks = [name for place in range(4) for name in (f"  {place}", "    fc")]
    assert names == ["Net", *blocks, "  fc"]
    assert report.FOLDED not in report.remarks(FOUR, unfold=True)


def test_a_run_within_a_run_is_folded_in_the_first_of_it() -> None:
    inner = [row for place in range(3) for row in block(place, depth=2)]
    outer = [
        row
        for name in "abc"
        for row in (
            msgspec.structs.replace(LAYER, name=name, type="Stage", signature=9, notes=()),
            *inner,
        )
    ]
    names = [row[0] for row in report.table(inspection(ROOT, *outer))]
    assert names == ["Net", "  a…c ×3", "    0…2 ×3", "      fc"]


def test_a_remark_on_many_layers_names_the_first_of_them_and_counts_the_others() -> None:
    assert list(report.remarks(FOUR))[1] == "0, 1, 2 and 1 more: as it is"
    assert next(iter(report.remarks(FOUR, unfold=True))) == "0, 1, 2, 3: as it is"
