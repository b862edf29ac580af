"""What is made of the driver's answers, with a stand-in for its library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from nninspect.bench import nvml


class NotSupported(Exception):
    """As the library raises it, one class a question."""


class Library(SimpleNamespace):
    """`pynvml` on a machine with one GPU; what it has no answer for raises."""

    NVML_CLOCK_SM = 1
    asked: tuple[str, ...] = ()

    def nvmlInit(self) -> None:  # noqa: N802
        return

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        self.asked = (*self.asked, uuid)
        return "handle"

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:  # noqa: N802
        return 1_410

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:  # noqa: N802
        raise NotSupported

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        return 0x1 | 0x40  # idle, which lowers nothing that was wished for, and heat

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:  # noqa: N802
        return 91

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[object]:  # noqa: N802
        return [SimpleNamespace(pid=pid) for pid in self.pids]


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    for each in (nvml._library, nvml._handle):
        each.cache_clear()
    yield
    for each in (nvml._library, nvml._handle):
        each.cache_clear()


def library(monkeypatch: pytest.MonkeyPatch, pids: tuple[int, ...] = (1,)) -> Library:
    made = Library(pids=pids)
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


def test_units_are_si_and_a_question_that_is_not_supported_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library(monkeypatch)
    found = nvml.health("0b1c")
    assert (found.clock_hz, found.temp_c, found.power_w) == (1.41e9, 91, None)
    assert found.reasons == ("hardware thermal limit",)


@pytest.mark.parametrize(("uuid", "asked"), [("0b1c", "GPU-0b1c"), ("MIG-0b1c", "MIG-0b1c")])
def test_a_gpu_or_a_slice_is_asked_for_by_its_uuid(
    monkeypatch: pytest.MonkeyPatch, uuid: str, asked: str
) -> None:
    made = library(monkeypatch)
    nvml.health(uuid)
    assert made.asked == (asked,)


@pytest.mark.parametrize(
    ("pids", "others"),
    [
        pytest.param((4_000_001,), 0, id="this process, by its number outside of a container"),
        pytest.param((4_000_001, 4_000_002), 1, id="this process and another"),
        pytest.param((), 0, id="none is told"),
    ],
)
def test_this_process_is_no_neighbour_whatever_its_number_outside(
    monkeypatch: pytest.MonkeyPatch, pids: tuple[int, ...], others: int
) -> None:
    library(monkeypatch, pids)
    assert nvml.health("0b1c").other_processes == others


def test_without_the_library_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvml.health("0b1c") == nvml.Health()
