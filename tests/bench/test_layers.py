"""Where the time of a call goes: own times partition it, whatever calls what."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nninspect.bench.backend import CpuBackend
from nninspect.bench.layers import Span, layer_times, split


class Clock(CpuBackend):
    """A CPU whose clock the modules set."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.now = lambda: self.seconds


class Takes(nn.Module):
    """Takes some time of its own, then calls its parts in order."""

    def __init__(self, clock: Clock, own: float, *parts: nn.Module) -> None:
        super().__init__()
        self.clock, self.own = clock, own
        self.parts = nn.ModuleList(parts)

    def forward(self) -> None:
        self.clock.seconds += self.own
        for part in self.parts:
            part()


def _times(model: nn.Module, clock: Clock, overhead: float = 0.0) -> object:
    def call() -> None:
        clock.seconds += overhead
        model()

    found = layer_times(call, model, clock)
    assert found is not None
    return found


def test_own_time_is_without_that_of_the_parts_and_the_rest_is_told_apart() -> None:
    clock = Clock()
    model = Takes(clock, 1.0, Takes(clock, 2.0, Takes(clock, 4.0)), Takes(clock, 8.0))
    found = _times(model, clock, overhead=0.5)
    own = {each.path: each.self_s for each in found.layers}
    total = {each.path: each.total_s for each in found.layers}
    assert own == {"": 1.0, "parts.0": 2.0, "parts.0.parts.0": 4.0, "parts.1": 8.0}
    assert total == {"": 15.0, "parts.0": 6.0, "parts.0.parts.0": 4.0, "parts.1": 8.0}
    assert found.unattributed_s == pytest.approx(0.5)


def test_a_module_called_twice_has_the_time_of_both_calls() -> None:
    clock = Clock()
    shared = Takes(clock, 3.0)
    found = _times(Takes(clock, 0.0, shared, shared), clock)
    layer = next(each for each in found.layers if each.path == "parts.0")
    assert (layer.self_s, layer.calls) == (6.0, 2)


def test_a_module_within_itself_counts_once_in_its_total() -> None:
    spans = [Span("a", -1, 0.0, 10.0), Span("a", 0, 2.0, 6.0)]
    found = split(spans, 10.0, lambda began, ended: ended - began)
    assert found.total_s == {"a": 10.0}
    assert found.self_s == {"a": 10.0}


def test_own_times_and_the_rest_are_the_instrumented_whole_on_a_real_network() -> None:
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Sequential(nn.Linear(64, 8)))
    x = torch.randn(16, 32)
    found = layer_times(lambda: model(x), model, CpuBackend())
    assert found is not None
    root = next(each for each in found.layers if each.path == "")
    own = sum(each.self_s for each in found.layers)
    assert own == pytest.approx(root.total_s)
    assert found.unattributed_s >= 0
    assert {each.path for each in found.layers} == {"", "0", "1", "2", "2.0"}


def test_watching_ends_with_the_call_even_where_it_raises() -> None:
    before = nn.Module.__call__

    class Raises(nn.Module):
        def forward(self) -> None:
            raise ValueError("no")

    model = Raises()
    with pytest.raises(ValueError, match="no"):
        layer_times(model, model, CpuBackend())
    assert nn.Module.__call__ is before


def test_a_call_without_modules_has_no_layers() -> None:
    assert layer_times(lambda: None, nn.Linear(1, 1), CpuBackend()) is None


def test_a_device_whose_events_tell_no_time_has_none() -> None:
    backend = CpuBackend()
    backend.queues = True
    assert layer_times(lambda: None, nn.Linear(1, 1), backend) is None
