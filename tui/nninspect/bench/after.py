"""What is measured once the rounds are over: layers, what they compute, and the device's limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from nninspect.bench import layers
from nninspect.bench.candidate import Candidate
from nninspect.bench.limits import measured
from nninspect.bench.replicas import Replicas
from nninspect.engine.inputs import dtype_named
from nninspect.engine.work import ForwardWork, work_of
from nninspect.errors import BadInput, Interrupted
from nninspect.protocol.roofline import Limits

LIMITS_S = 0.5
"""About what the limits of one device, dtype and number of threads take."""

SKIPPED = "its layers were not timed: there was no time left"
UNCOUNTED = "what it computes was not counted: there was no time left"
CANCELLED = "its layers and limits are not all there: it was cancelled after the rounds"

COUNTED_S = 1.0
"""A forward as short is recorded however little time is left."""


def seconds_wanted(candidates: Sequence[Candidate]) -> float:
    """What `Afterwards` takes about, by the warm calls of what can be watched."""
    watched = [each.contender.warmth.call_s for each in candidates if each.contender]
    kinds = {_kind(each) for each in candidates if each.contender}
    return sum(map(_layers_s, watched)) + LIMITS_S * len(kinds)


def _call_s(candidate: Candidate) -> float:
    """Seconds of a warm call; of one that failed, without end."""
    return candidate.contender.warmth.call_s if candidate.contender else math.inf


def _layers_s(call_s: float) -> float:
    return max(layers.SECONDS, 2 * layers.MIN_CALLS * call_s)


class Afterwards:
    """Fills in what candidates lack. May be broken off at any point: what is known stays."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        replicas: Replicas,
        tell: Callable[[str], None],
        seconds_left: Callable[[], float],
    ) -> None:
        """`tell` hears what is measured next, and may raise to end it."""
        self._candidates = [each for each in candidates if each.has_layers]
        self._replicas = replicas
        self._tell = tell
        self._seconds_left = seconds_left
        self._limits: dict[tuple[torch.device, str, int], Limits | None] = {}

    @property
    def limits(self) -> tuple[Limits, ...]:
        return tuple(each for each in self._limits.values() if each is not None)

    def run(self) -> None:
        """All of it. Interrupted, it says so in the rows."""
        try:
            self._run()
        except Interrupted:
            for each in self._candidates:
                each.labels = (*each.labels, CANCELLED)
            raise

    def _run(self) -> None:
        """Layers as long as there is time, then the work, which costs one forward a batch."""
        for each in self._candidates:
            self._tell(
                f"timing layers of {each.key.device}, batch {each.key.batch}, {each.key.mode}"
            )
            if each.contender and _layers_s(each.contender.warmth.call_s) > self._seconds_left():
                each.labels = (*each.labels, SKIPPED)
            else:
                each.measure_layers()
        for batch in dict.fromkeys(each.key.batch for each in self._candidates):
            self._tell(f"counting what a forward at batch {batch} computes")
            self._count([each for each in self._candidates if each.key.batch == batch])
        for each in self._candidates:
            each.limits = self._limits_of(each)

    def _count(self, candidates: Sequence[Candidate]) -> None:
        """One recorded forward for all of one batch, where it is fastest."""
        where = min(candidates, key=_call_s)
        if _call_s(where) > max(COUNTED_S, self._seconds_left()):
            for each in candidates:
                each.labels = (*each.labels, UNCOUNTED)
            return
        work = self._recorded(where)
        for each in candidates:
            each.work = work

    def _recorded(self, candidate: Candidate) -> ForwardWork | None:
        try:
            model = self._replicas.get(candidate.device, "", candidate.backend).model
            with torch.no_grad():
                return work_of(model, candidate.inputs, candidate.device)
        except (RuntimeError, BadInput):  # no room for another copy
            return None

    def _limits_of(self, candidate: Candidate) -> Limits | None:
        kind = _kind(candidate)
        if kind not in self._limits:
            self._tell(f"measuring what {candidate.device} can do in {kind[1]}")
            self._limits[kind] = self._measured(candidate, *kind)
        return self._limits[kind]

    @staticmethod
    def _measured(
        candidate: Candidate, device: torch.device, name: str, threads: int
    ) -> Limits | None:
        try:
            dtype = dtype_named(name)
        except BadInput:  # "mixed"
            return None
        if not dtype.is_floating_point:
            return None
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return measured(device, dtype, threads, candidate.backend)
        finally:
            torch.set_num_threads(before)


def _kind(candidate: Candidate) -> tuple[torch.device, str, int]:
    """What limits are of: the device, the dtype that is multiplied in, the CPU threads."""
    dtype = candidate.config.get("autocast") or candidate.config.get("dtype") or candidate.dtype
    threads = candidate.config.get("threads") or torch.get_num_threads()
    return candidate.device, str(dtype), int(threads)
