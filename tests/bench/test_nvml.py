"""What is made of the driver's answers, with a stand-in for its library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ctypes import c_uint
from types import SimpleNamespace

import pytest

from nninspect.bench import nvml


class NotSupported(Exception):
    """As the library raises it, one class a question."""


class NotFound(NotSupported):
    """No GPU has that UUID."""


class Library(SimpleNamespace):
    """`pynvml` on a machine with one GPU; what it has no answer for raises."""

    NVML_CLOCK_SM = 1
    asked: tuple[str, ...] = ()
    known: tuple[str, ...] = ("GPU-0b1c",)
    mig_mode = 0

    def nvmlInit(self) -> None:  # noqa: N802
        return

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        self.asked = (*self.asked, uuid)
        if uuid not in self.known:
            raise NotFound
        return uuid

    def nvmlDeviceIsMigDeviceHandle(self, handle: str) -> c_uint:  # noqa: N802
        return c_uint(handle.startswith("MIG-"))

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: str) -> str:  # noqa: N802
        return "GPU-whole"

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:  # noqa: N802
        self.refuse_slice(handle)
        return [self.mig_mode, self.mig_mode]

    def nvmlDeviceGetMaxClockInfo(self, handle: str, kind: int) -> int:  # noqa: N802
        self.refuse_slice(handle)
        return 1_980

    @staticmethod
    def refuse_slice(handle: str) -> None:
        if handle.startswith("MIG-"):
            raise NotSupported

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:  # noqa: N802
        self.refuse_slice(handle)
        return 1_410

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:  # noqa: N802
        raise NotSupported

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        self.refuse_slice(handle)
        return 0x1 | 0x40  # idle, which lowers nothing that was wished for, and heat

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:  # noqa: N802
        self.refuse_slice(handle)
        return 91

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[object]:  # noqa: N802
        if handle == "GPU-whole":  # all slices together
            return [SimpleNamespace(pid=pid) for pid in range(9)]
        return [SimpleNamespace(pid=pid) for pid in self.pids]


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    for each in (nvml._library, nvml._found):
        each.cache_clear()
    yield
    for each in (nvml._library, nvml._found):
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


@pytest.mark.parametrize("uuid", ["0b1c", "MIG-0b1c"])
def test_a_slice_has_its_own_neighbours_and_the_clock_and_heat_of_its_gpu(
    uuid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch writes the UUID of either without what tells them apart."""
    made = library(monkeypatch, (1, 2))
    made.known = ("MIG-0b1c",)
    assert nvml.gpu_facts(uuid) == nvml.Facts(mig=True, clock_max_hz=1.98e9)
    found = nvml.health(uuid)
    assert (found.clock_hz, found.temp_c, found.other_processes) == (1.41e9, 91, 1)
    assert made.asked[-1] == "MIG-0b1c"


def test_on_a_sliced_gpu_it_is_not_told_who_computes_on_which_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = library(monkeypatch, (1, 2))
    made.mig_mode = 1
    assert nvml.gpu_facts("0b1c").mig is True
    assert nvml.health("0b1c").other_processes is None
    assert nvml.health("0b1c").clock_hz == 1.41e9


def test_a_whole_gpu_is_no_slice_and_an_unknown_one_is_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = library(monkeypatch)
    assert nvml.gpu_facts("0b1c") == nvml.Facts(mig=False, clock_max_hz=1.98e9)
    assert nvml.gpu_facts("4d5e") == nvml.Facts()
    assert nvml.health("4d5e") == nvml.Health()
    assert made.asked == ("GPU-0b1c", "GPU-4d5e", "MIG-4d5e")


def test_a_gpu_that_is_lost_while_it_is_timed_tells_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = library(monkeypatch)
    assert nvml.health("0b1c").temp_c == 91

    def lost(*given: object) -> None:
        raise NotSupported("GPU is lost")

    for name in dir(Library):
        if name.startswith("nvmlDeviceGet"):
            monkeypatch.setattr(made, name, lost, raising=False)
    assert nvml.health("0b1c") == nvml.Health()


def test_a_driver_that_does_not_fit_its_library_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = library(monkeypatch)

    def mismatch() -> None:
        raise NotSupported("Driver/library version mismatch")

    monkeypatch.setattr(made, "nvmlInit", mismatch, raising=False)
    assert nvml.driver_version() is None
    assert nvml.gpu_facts("0b1c") == nvml.Facts()


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
