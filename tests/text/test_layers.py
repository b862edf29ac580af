"""A layer's cells and facts."""

from __future__ import annotations

from nninspect.protocol.layers import CallShapes, Kind, LayerRow, Mark, TensorInfo
from nninspect.text import layers

ONE = (TensorInfo("", (1, 10), "float32"),)


def test_none_and_unknown_are_told_apart() -> None:
    assert (layers.figure(0), layers.figure(None), layers.figure(1234)) == ("–", "?", "1,234")
    assert (layers.mult_adds(0), layers.mult_adds(None)) == ("–", "?")
    assert (layers.share(0, 10), layers.share(1, 8)) == ("–", "12.5%")


def test_trainable_is_a_word() -> None:
    told = [layers.trainable(part, total) for part, total in ((0, 0), (0, 2), (1, 2), (2, 2))]
    assert told == ["–", "no", "partly", "yes"]


def test_an_outcome_is_a_shape_or_what_went_wrong() -> None:
    assert layers.outcome(ONE, Mark.NONE) == "(1, 10)"
    assert layers.outcome(None, Mark.FAILED) == "✗ failed"
    assert layers.outcome(None, Mark.UNCALLED) == "not called"
    assert layers.outcome(None, Mark.NONE) == "?"


def test_shapes_that_are_alike_are_written_once() -> None:
    two = (TensorInfo("0", (1, 8), "float32"), TensorInfo("1", (1, 8), "float32"))
    other = (TensorInfo("0", (1, 8), "float32"), TensorInfo("1", (1, 4), "float32"))
    assert layers.briefly(two) == "(1, 8) ×2"
    assert layers.briefly(other) == "0=(1, 8), 1=(1, 4)"
    assert layers.briefly(ONE) == "(1, 10)"


def test_the_facts_have_a_line_for_each_of_several_tensors() -> None:
    two = (TensorInfo("x", (1, 8), "float32"), TensorInfo("mask", (8,), "bool"))
    row = LayerRow(name="a", path="a", type="A", depth=1, inputs=two, outputs=ONE, calls=1)
    assert dict(layers.facts(row, 100))["input"] == "x=(1, 8) float32\nmask=(8,) bool"


def test_every_mark_is_written_somewhere() -> None:
    everything = Mark(sum(Mark))
    assert layers.mark_words(everything) == "shared, tied, frozen, ≠ torchinfo, cycle, Δ changed"
    assert len(layers.mark_sentences(everything)) == len(Mark)


def test_facts_leave_out_what_there_is_none_of() -> None:
    row = LayerRow(name="x", path="x", type="ReLU", depth=1, inputs=ONE, outputs=ONE, calls=2)
    facts = dict(layers.facts(row, 100))
    assert facts["input"] == "(1, 10) float32"
    assert facts["calls"] == "2"
    assert "dtype" not in facts
    made = LayerRow(
        name="x", path="x", type="op", depth=1, kind=Kind.OP, source="a.py:3", output_bytes=2048
    )
    facts = dict(layers.facts(made, 100))
    assert (facts["line"], facts["allocates"]) == ("a.py:3", "2.00 KiB")
    assert "params" not in facts
    uncalled = LayerRow(name="x", path="x", type="ReLU", depth=1, marks=Mark.UNCALLED)
    assert "input" not in dict(layers.facts(uncalled, 100))


def test_calls_that_differ_have_a_line_each() -> None:
    one = (TensorInfo("", (1, 4), "float32"),)
    two = (TensorInfo("", (2, 4), "float32"),)
    row = LayerRow(
        name="fc",
        path="fc",
        type="Linear",
        depth=1,
        calls=3,
        different_calls=(CallShapes(one, one, 2), CallShapes(two, None, 1)),
    )
    assert dict(layers.facts(row, 10))["each call"] == "(1, 4) → (1, 4) ×2\n(2, 4) → ✗ failed"
