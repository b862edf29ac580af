"""A layer's cells and facts."""

from __future__ import annotations

from nninspect.protocol.layers import LayerRow, Mark, TensorInfo
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


def test_every_mark_is_written_somewhere() -> None:
    everything = Mark(sum(Mark))
    assert layers.mark_words(everything) == "shared, tied, ≠ torchinfo, cycle"
    assert len(layers.mark_sentences(everything)) == len(Mark)


def test_facts_leave_out_what_there_is_none_of() -> None:
    row = LayerRow(name="x", path="x", type="ReLU", depth=1, inputs=ONE, outputs=ONE, calls=2)
    facts = dict(layers.facts(row, 100))
    assert facts["input"] == "(1, 10) float32"
    assert facts["calls"] == "2"
    assert "dtype" not in facts
    uncalled = LayerRow(name="x", path="x", type="ReLU", depth=1, marks=Mark.UNCALLED)
    assert "input" not in dict(layers.facts(uncalled, 100))
