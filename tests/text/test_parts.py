"""The parts of a call or a training step, each with its interval."""

from __future__ import annotations

from nninspect.protocol.bench import BenchRow, Config
from nninspect.protocol.bench_figures import Accelerator, PartInterval, Train
from nninspect.text.parts import parts

CONFIG = Config(
    target="x", params=1, inputs=(), batch=2, dtype="float32", device="cpu", mode="train", threads=2
)


def test_a_training_step_has_three() -> None:
    train = Train(
        forward_s=0.0021,
        backward_s=0.00413,
        optimizer_s=0.00051,
        optimizer="SGD",
        intervals=(
            PartInterval("forward_s", 0.0020, 0.0022),
            PartInterval("backward_s", 0.0041, 0.00415),
            PartInterval("optimizer_s", 0.0005, 0.00052),
        ),
    )
    assert list(parts(BenchRow(config=CONFIG, train=train))) == [
        ("forward", "2.1 ms", "2.0–2.2 ms"),
        ("backward", "4.13 ms", "4.10–4.15 ms"),
        ("SGD step", "510 µs", "500–520 µs"),
    ]


def test_of_an_accelerator_those_that_were_measured_are_told() -> None:
    split = Accelerator(
        enqueue_s=1e-3,
        device_s=None,
        h2d_s=2e-3,
        h2d_pinned_s=None,
        d2h_s=1e-3,
        end_to_end_s=4e-3,
        intervals=(
            PartInterval("enqueue_s", 0.00098, 0.00102),
            PartInterval("h2d_s", 0.0019, 0.0021),
            PartInterval("d2h_s", 0.001, 0.001),
        ),
    )
    assert list(parts(BenchRow(config=CONFIG, accelerator=split))) == [
        ("enqueue", "1.00 ms", "0.98–1.02 ms"),
        ("to device", "2.00 ms", "1.90–2.10 ms"),
        ("to host", "1.000 ms", "–"),
    ]


def test_a_forward_on_the_cpu_is_one_piece() -> None:
    assert list(parts(BenchRow(config=CONFIG))) == []
