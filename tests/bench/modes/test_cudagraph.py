"""The order of what is asked of CUDA for a graph, with a stand-in that plays its rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.bench.modes import cudagraph
from nninspect.bench.modes.mode import NotHere, Prepared, Subject
from nninspect.bench.modes.registry import mode_named

BROKEN = "CUDA error: operation failed due to a previous error during capture"


class Stream:
    """A stream that says what it waits for."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def wait_stream(self, other: Stream) -> None:
        return


class Cuda:
    """`torch.cuda` as far as a capture needs it. A call that waits raises where waiting is
    forbidden, and breaks a capture off, which can't be ended then."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.stream_now = Stream()
        self.mode = 0
        self.is_capturing = self.is_broken = False

    def wait(self) -> None:
        """What `x.item()` does."""
        if self.mode == 2:
            raise RuntimeError("called a synchronizing CUDA operation")
        if self.is_capturing:
            self.is_broken = True
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self.stream_now = self.stream_now, stream
        try:
            yield
        finally:
            self.stream_now = before

    @contextmanager
    def graph(self, graph: Any, stream: Stream) -> Iterator[None]:
        self.heard.append(f"capture on {stream.device}")
        self.is_capturing = True
        try:
            with self.stream(stream):
                yield
        finally:
            self.is_capturing = False
            if self.is_broken:
                raise RuntimeError(BROKEN)

    def set_mode(self, mode: int) -> None:
        self.mode = mode


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cuda]:
    played = Cuda()
    graph = type("Graph", (), {"reset": lambda self: None, "replay": lambda self: None})
    for name, value in {
        "Stream": Stream,
        "CUDAGraph": graph,
        "device": lambda device: nullcontext(),
        "current_stream": lambda device: played.stream_now,
        "stream": played.stream,
        "graph": played.graph,
        "synchronize": lambda device: None,
        "reset_peak_memory_stats": lambda device: None,
        "memory_allocated": lambda device: 100,
        "max_memory_allocated": lambda device: 170,
        "get_sync_debug_mode": lambda: played.mode,
        "set_sync_debug_mode": played.set_mode,
        "is_current_stream_capturing": lambda: played.is_capturing,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)

    def end(device: torch.device, said: str) -> None:
        raise SystemExit(f"{device}: {said}")

    monkeypatch.setattr(cudagraph, "end", end)
    cudagraph._side_stream.cache_clear()
    yield played
    cudagraph._side_stream.cache_clear()


class Net(nn.Module):
    """Its forward is written in the test."""

    def __init__(self, written: Any) -> None:
        super().__init__()
        self.written = written

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.written()
        return x + 1


def prepared(written: Any, device: str = "cuda:0") -> Prepared:
    subject = Subject(Net(written), ((torch.ones(2),), {}), torch.device(device), threads=1)
    return mode_named("cudagraph").prepare(subject)


def test_a_graph_is_captured_where_it_was_warmed_up_on_the_models_own_device(cuda: Cuda) -> None:
    where: list[Any] = []
    for device in ("cuda:0", "cuda:1"):
        found = prepared(lambda: where.append((cuda.stream_now, cuda.is_capturing)), device)
        assert found.output is not None
        assert found.output().tolist() == [2, 2]
        assert found.holds_bytes == 70, "a replay allocates nothing, the graph holds it all"
    first, second = where[:5], where[5:]
    for runs, device in ((first, "cuda:0"), (second, "cuda:1")):
        assert {stream.device for stream, _ in runs} == {torch.device(device)}
        assert len({id(stream) for stream, _ in runs}) == 1
        assert [is_capturing for _, is_capturing in runs] == [False] * 4 + [True]
    assert cuda.heard == ["capture on cuda:0", "capture on cuda:1"]


def test_a_forward_that_waits_is_told_at_its_line_and_never_captured(cuda: Cuda) -> None:
    with pytest.raises(NotHere, match=r"waits for cuda:0, and a graph can't: \S+:\d+ in wait"):
        prepared(cuda.wait)
    assert cuda.heard == []
    assert cuda.mode == 0
    assert torch.cuda.is_current_stream_capturing() is False


def test_a_forward_that_waits_only_where_it_is_not_captured_is_captured(cuda: Cuda) -> None:
    prepared(lambda: torch.cuda.is_current_stream_capturing() or cuda.wait())
    assert cuda.heard == ["capture on cuda:0"]


def only_when_captured(cuda: Cuda, error: Exception) -> Any:
    def written() -> None:
        if cuda.is_capturing:
            raise error

    return written


def test_what_a_capture_that_ended_well_raised_is_the_rows(cuda: Cuda) -> None:
    with pytest.raises(NotHere, match="can't be captured as a graph: no such op"):
        prepared(only_when_captured(cuda, RuntimeError("no such op")))
    with pytest.raises(torch.OutOfMemoryError):
        prepared(only_when_captured(cuda, torch.OutOfMemoryError("CUDA out of memory")))


def test_a_capture_that_breaks_off_ends_the_process_and_says_what_broke_it(cuda: Cuda) -> None:
    """torch would keep the memory, and take later rows for a part of it."""

    def waits_unseen() -> None:
        if cuda.is_capturing:
            cuda.wait()

    with pytest.raises(SystemExit, match="broke off: CUDA error: operation not permitted when"):
        prepared(waits_unseen)


def test_a_cuda_graph_is_of_cuda_only() -> None:
    with pytest.raises(NotHere, match="CUDA only"):
        prepared(lambda: None, "cpu")
