"""What bounds a time: hand-computed work on a device whose limits are stated."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nninspect.bench.backend import CpuBackend
from nninspect.bench.limits import measured
from nninspect.bench.roofline import bound, tagged, work
from nninspect.engine.work import ForwardWork, Own, work_of
from nninspect.protocol.bench_figures import LayerTime, LayerTimes
from nninspect.protocol.records import InputSpec
from nninspect.protocol.roofline import Bandwidth, Limits

CPU = torch.device("cpu")
LIMITS = Limits(
    device="cpu",
    dtype="float32",
    threads=1,
    flops_per_s=1e9,
    bandwidths=(Bandwidth(1000, 1e9), Bandwidth(1_000_000, 1e8)),
    launch_s=1e-6,
)


@pytest.mark.parametrize(
    ("own", "seconds", "name"),
    [
        (Own(500_000, 8, 1), 1e-3, "compute-bound"),
        (Own(500_000, 8, 1), 1.9e-3, "compute-bound"),
        (Own(500_000, 8, 1), 2.1e-3, ""),
        (Own(0, 100_000, 1), 1e-3, "memory-bound"),
        (Own(0, 100_000, 1), 0.5e-3, ""),  # from a nearer memory than is known
        (Own(0, 1000, 1), 1e-6, "memory-bound"),
        (Own(None, 100_000, 1), 1e-3, "memory-bound"),
        (Own(10, 8, 600), 1e-3, "launch-bound"),
        (Own(10, 8, 400), 1e-3, ""),
        (Own(0, 0, 0), 1e-3, ""),
    ],
)
def test_what_accounts_for_half_of_a_time_bounds_it(own: Own, seconds: float, name: str) -> None:
    assert bound([own], LIMITS, seconds) == name


def test_without_limits_nothing_is_said_but_what_was_seen() -> None:
    own = Own(500_000, 8, 1)
    assert bound([own], None, 1e-3) == ""
    found = ForwardWork(500_000, {"": own}, ())
    assert work(found, None, 1e-3).bound == ""
    assert work(found, None, 1e-3, "launch-bound").bound == "launch-bound"


def test_work_is_two_flops_a_mult_add_over_the_median() -> None:
    found = work(ForwardWork(500_000, {"": Own(500_000, 8, 1)}, ("fft ×2",)), LIMITS, 2e-3)
    assert found.flops == 1_000_000
    assert found.achieved_flops_per_s == pytest.approx(5e8)
    assert (found.uncounted_ops, found.bound) == (("fft ×2",), "compute-bound")


def test_layers_are_tagged_by_their_own_work_and_own_time() -> None:
    times = LayerTimes(
        layers=(
            LayerTime(path="", self_s=1e-3, total_s=3e-3, calls=1),
            LayerTime(path="fc", self_s=2e-3, total_s=2e-3, calls=1),
        ),
        unattributed_s=0.0,
        instrumented_over_plain=1.0,
    )
    root, fc = tagged(times, {"fc": Own(1_000_000, 8, 1)}, LIMITS).layers
    assert (root.flops, root.bound) == (None, "")
    assert (fc.flops, fc.bound) == (2_000_000, "compute-bound")


def test_the_bandwidth_is_that_of_the_next_larger_working_set() -> None:
    assert LIMITS.bandwidth(1000) == 1e9
    assert LIMITS.bandwidth(1001) == 1e8
    assert LIMITS.bandwidth(10**9) == 1e8


class Net(nn.Module):
    """8 to 4 by a layer, then functions; the flattening moves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.flat = nn.Flatten()
        self.unused = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.flat(self.fc(x))
        return (y + y) @ torch.ones(4, 2)


def test_own_work_is_that_of_layers_and_of_the_functions_between_them() -> None:
    found = work_of(Net(), [InputSpec((3, 8))], CPU)
    assert found is not None
    linear, product = 3 * 4 * (8 + 1), 3 * 4 * 2
    assert found.mult_adds == linear + product
    assert found.by_path["fc"] == Own(linear, 4 * (3 * 8 + 3 * 4 + 8 * 4 + 4), 1)
    assert found.by_path["flat"].bytes == 0
    add, matmul = 3 * (3 * 4), 3 * 4 + 4 * 2 + 3 * 2
    ours = found.by_path[""]
    assert ours.mult_adds == product
    assert ours.bytes >= 4 * (add + matmul)
    assert "unused" not in found.by_path


def test_a_forward_that_fails_has_no_work() -> None:
    assert work_of(nn.Linear(8, 4), [InputSpec((3, 9))], CPU) is None


def test_limits_of_this_cpu_are_of_a_sane_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nninspect.bench.limits.ENOUGH_S", 0.0)
    monkeypatch.setattr("nninspect.bench.limits.CPU_SETS", (2**16, 2**20))
    found = measured(CPU, torch.float32, torch.get_num_threads(), CpuBackend())
    assert found is not None
    assert 1e7 < found.flops_per_s < 1e15
    assert [each.working_set_bytes for each in found.bandwidths] == [2**16, 2**20]
    assert 0 < found.launch_s < 1e-1


def test_a_device_without_the_dtype_has_no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> float:
        raise RuntimeError('"mm" not implemented for it')

    monkeypatch.setattr("nninspect.bench.limits.flops_per_s", refuse)
    assert measured(CPU, torch.float16, 1, CpuBackend()) is None
