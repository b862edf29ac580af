"""Where the time of a call goes: an instrumented run, split among the module calls in it.

A module's own time is that of its calls without what the calls within them took, so own times
partition the whole: nothing is counted twice, and what no module took is told apart. On an
accelerator that has events the times are the device's, else the clock's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

from torch import nn

from nninspect.bench.backend import Backend
from nninspect.bench.clock import Call, timed
from nninspect.engine.redirect import Redirection
from nninspect.protocol.bench_figures import LayerTime, LayerTimes

SECONDS = 0.5
"""For plain and instrumented calls together."""
MIN_CALLS, MAX_CALLS = 3, 40

Tick: TypeAlias = Any
"""A moment: seconds, or an event on the device's stream."""


@dataclass(slots=True)
class Span:
    """One module call: which path, within which other span (-1: none), from when until when."""

    path: str
    parent: int
    began: Tick
    ended: Tick = None


class Recording:
    """The module calls of one model while `watching`; ticks only, summed up afterwards."""

    def __init__(self, model: nn.Module, tick: Callable[[], Tick]) -> None:
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._tick = tick
        self.spans: list[Span] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        module_call: Any = nn.Module.__call__
        redirection = Redirection(module_call, self._ticking)
        try:
            yield
        finally:
            redirection.ends()

    def _ticking(self, original: Callable[..., Any]) -> Callable[..., Any]:
        paths, spans, tick = self._paths, self.spans, self._tick
        current = -1

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            nonlocal current
            path = paths.get(id(module))
            if path is None:
                return original(module, *args, **kwargs)
            outer, current = current, len(spans)
            span = Span(path, outer, tick())
            spans.append(span)
            try:
                return original(module, *args, **kwargs)
            finally:
                span.ended = tick()
                current = outer

        return call


@dataclass(frozen=True)
class Split:
    """One instrumented call: seconds in all, and by path of its own and with what is below."""

    whole_s: float
    self_s: dict[str, float]
    total_s: dict[str, float]
    calls: dict[str, int]


def layer_times(call: Call, model: nn.Module, backend: Backend) -> LayerTimes | None:
    """Own and total time of each module that was called, means of the faster half of the calls.

    None where the device tells no time, or no module was called.
    """
    if backend.queues and backend.events is None:
        return None
    tick, between = _ticks(backend)
    plain: list[float] = []
    splits: list[Split] = []
    began = backend.now()
    while len(splits) < MIN_CALLS or (len(splits) < MAX_CALLS and backend.now() - began < SECONDS):
        plain.append(timed(call, backend))
        splits.append(_split(call, model, backend, tick, between))
    fast = sorted(splits, key=lambda split: split.whole_s)[: (len(splits) + 1) // 2]
    if not fast[0].calls:
        return None
    return _summed(fast, fast[0].whole_s / min(plain))


def _ticks(backend: Backend) -> tuple[Callable[[], Tick], Callable[[Tick, Tick], float]]:
    """The device's own where it has events, else the clock's."""
    if backend.queues and backend.events is not None:
        return backend.events.mark, backend.events.between
    return backend.now, lambda began, ended: float(ended - began)


def _split(
    call: Call,
    model: nn.Module,
    backend: Backend,
    tick: Callable[[], Tick],
    between: Callable[[Tick, Tick], float],
) -> Split:
    recording = Recording(model, tick)
    with recording.watching():
        backend.synchronize()
        began = tick()
        call()
        ended = tick()
    backend.synchronize()
    return split(recording.spans, between(began, ended), between)


def split(spans: Sequence[Span], whole_s: float, between: Callable[[Tick, Tick], float]) -> Split:
    """Own time of a call: its own span without those directly within it."""
    own: dict[str, float] = defaultdict(float)
    total: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    for place, span in enumerate(spans):
        seconds = between(span.began, span.ended)
        calls[span.path] += 1
        own[span.path] += seconds
        if span.parent >= 0:
            own[spans[span.parent].path] -= seconds
        if not _is_within_itself(spans, place):
            total[span.path] += seconds
    return Split(whole_s, dict(own), dict(total), dict(calls))


def _is_within_itself(spans: Sequence[Span], place: int) -> bool:
    """A module that calls itself, or is called by its own child, counts once."""
    path, parent = spans[place].path, spans[place].parent
    while parent >= 0:
        if spans[parent].path == path:
            return True
        parent = spans[parent].parent
    return False


def _summed(splits: Sequence[Split], over_plain: float) -> LayerTimes:
    paths = dict.fromkeys(path for each in splits for path in each.calls)
    layers = tuple(
        LayerTime(
            path=path,
            self_s=fmean(each.self_s.get(path, 0.0) for each in splits),
            total_s=fmean(each.total_s.get(path, 0.0) for each in splits),
            calls=max(each.calls.get(path, 0) for each in splits),
        )
        for path in paths
    )
    whole_s = fmean(each.whole_s for each in splits)
    return LayerTimes(
        layers=layers,
        unattributed_s=whole_s - sum(each.self_s for each in layers),
        instrumented_over_plain=over_plain,
    )
