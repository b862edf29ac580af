"""Memory as it is written."""

from __future__ import annotations

from nninspect.protocol.memory import Memory
from nninspect.text.memory import facts, line

MIB = 2**20
NEEDS = Memory(
    batch=8,
    weights=4 * MIB,
    trainable=4 * MIB,
    buffers=0,
    inputs=MIB,
    peak_activations=2 * MIB,
    kept_activations=3 * MIB,
    free=14 * MIB,
)


def test_each_need_beyond_what_the_model_holds_has_its_verdict_beside_what_is_free() -> None:
    assert dict(facts(NEEDS)) == {
        "to run": "7.00 MiB  fits",
        "SGD": "12.0 MiB  fits",
        "momentum": "16.0 MiB  fits",
        "Adam": "20.0 MiB  does not fit",
        "free": "14.0 MiB",
    }


def test_one_line_says_it_all() -> None:
    assert line(NEEDS) == (
        "memory at batch 8: 7.00 MiB to run; to train 12.0 MiB with SGD, 16.0 MiB with momentum, "
        "20.0 MiB with Adam; 14.0 MiB free"
    )


def test_without_a_measured_training_there_is_no_figure_for_it() -> None:
    plain = Memory(batch=1, weights=1, trainable=1, buffers=0, inputs=0, peak_activations=0)
    assert dict(facts(plain)) == {"to run": "1 B"}
