"""One configuration during the rounds: what is called, and what was measured of it so far."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from msgspec.structs import replace

from nninspect.bench import clock
from nninspect.bench.backend import Backend
from nninspect.bench.nvml import Health
from nninspect.engine.garbage import no_collections
from nninspect.protocol.bench_figures import Round
from nninspect.protocol.bench_plan import BenchError, Key

THROUGHPUT_S = 0.05
"""Of back-to-back calls in each round."""


@dataclass(frozen=True)
class Transfers:
    """Moving what a call takes and gives, apart from the call."""

    send: Callable[[], object]
    """The inputs to the device from pageable memory."""
    send_pinned: Callable[[], object] | None
    fetch: Callable[[], object]
    """The outputs of the last call back."""
    end_to_end: Callable[[], object]
    """Send, call, fetch."""


@dataclass(frozen=True)
class Parts:
    """One round's split of a call; seconds."""

    enqueue_s: float = 0.0
    device_s: float | None = None
    h2d_s: float = 0.0
    h2d_pinned_s: float | None = None
    d2h_s: float = 0.0
    end_to_end_s: float = 0.0


@dataclass(frozen=True)
class Slot:
    """What one visit measured."""

    samples: list[float]
    steps: tuple[float, ...] = ()
    parts: Parts | None = None
    back_to_back_s: float | None = None
    health: Health = field(default_factory=Health)


@dataclass
class Contender:
    """A configuration that is warm and ready to be visited. Holds what was measured."""

    key: Key
    backend: Backend
    call: clock.Call
    around: Callable[[], AbstractContextManager[object]]
    steps: tuple[clock.Call, ...] = ()
    """The call's parts, where there is more than one."""
    transfers: Transfers | None = None
    per_sample: int = 1
    warmth: clock.Warmth = field(default_factory=lambda: clock.Warmth(0, 0.0))
    rounds: list[Round] = field(default_factory=list)
    canaries_s: list[float] = field(default_factory=list)
    """Beside each of `rounds`, in seconds."""
    slots: list[Slot] = field(default_factory=list)
    """One a kept round, in the order of their numbers."""
    error: BenchError | None = None

    def warm_up(self, longest_s: float = clock.MAX_WARMUP_S) -> None:
        """Make it warm, and choose the size of a sample from what a call takes then."""
        with self.around(), no_collections():
            self.warmth = clock.warm_up(self.call, self.backend, longest_s)
        self.per_sample = clock.calls_per_sample(self.warmth.call_s)

    def samples_of(self, longest_s: float) -> list[float]:
        """The samples of one visit."""
        with self.around(), no_collections():
            return clock.sample(
                self.call, self.backend, self.per_sample, longest_s, self.warmth.call_s
            )

    def apart(self, samples: list[float]) -> Slot:
        """The rest of a visit, after its samples: what a call's time consists of."""
        repeats = clock.split_calls(self.warmth.call_s)
        with self.around(), no_collections():
            steps = clock.parts(self.steps, self.backend, repeats) if self.steps else ()
            parts = rate = None
            if self.backend.queues:
                calls = max(2, int(THROUGHPUT_S / max(self.warmth.call_s, 1e-9)))
                rate = clock.back_to_back(self.call, self.backend, calls)
                parts = self._parts(repeats)
        return Slot(samples, tuple(steps), parts, rate, self.backend.health())

    def _parts(self, repeats: int) -> Parts:
        enqueue, device = clock.enqueue_and_device(self.call, self.backend, repeats)
        moves = self.transfers
        if moves is None:
            return Parts(enqueue, device)
        return Parts(
            enqueue,
            device,
            self._of(moves.send, repeats),
            None if moves.send_pinned is None else self._of(moves.send_pinned, repeats),
            self._of(moves.fetch, repeats),
            self._of(moves.end_to_end, repeats),
        )

    def _of(self, call: clock.Call, repeats: int) -> float:
        return clock.parts([call], self.backend, repeats)[0]

    @property
    def end_to_end(self) -> dict[int, float]:
        """Seconds with the transfers in, by the number of the round; none where not timed."""
        numbers = [each.number for each in self.kept]
        return {
            number: slot.parts.end_to_end_s
            for number, slot in zip(numbers, self.slots, strict=True)
            if slot.parts is not None and self.transfers is not None
        }

    @property
    def samples(self) -> list[float]:
        """Of every kept round."""
        return [each for slot in self.slots for each in slot.samples]

    def settled(self, fastest_s: float) -> tuple[Round, ...]:
        """The rounds with their canaries over the fastest of the whole run."""
        return tuple(
            replace(each, canary_ratio=seconds / fastest_s)
            for each, seconds in zip(self.rounds, self.canaries_s, strict=True)
        )

    @property
    def kept(self) -> list[Round]:
        return [each for each in self.rounds if not each.discarded]

    @property
    def medians(self) -> list[float]:
        """Of every kept round, in order."""
        return [each.median_s for each in self.kept]
