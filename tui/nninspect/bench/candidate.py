"""A configuration on its way to the rounds: a copy of the model, inputs, first call, warm-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nninspect.bench import transfers
from nninspect.bench.agreement import kept_output, products_summed
from nninspect.bench.backend import Backend
from nninspect.bench.clock import MAX_WARMUP_S, Call, timed
from nninspect.bench.contender import Contender
from nninspect.bench.layers import layer_times
from nninspect.bench.machine import resident_bytes
from nninspect.bench.modes.mode import Mode, NotHere, Prepared, Subject
from nninspect.bench.replicas import Replicas, model_bytes
from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.failure import is_out_of_memory
from nninspect.engine.garbage import no_collections
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.layers import model_dtype
from nninspect.engine.lost_device import end_if_lost
from nninspect.engine.work import ForwardWork
from nninspect.errors import Interrupted, NninspectError
from nninspect.protocol.bench import Agreement
from nninspect.protocol.bench_figures import Cold, LayerTimes, MemoryUse
from nninspect.protocol.bench_plan import BenchError, Key, Stage
from nninspect.protocol.records import InputSpec
from nninspect.protocol.roofline import Limits

CPU = torch.device("cpu")
FORWARD = "forward"

SMALLER = "Use a smaller batch."
LOOK = "Look at the model at this batch, on this device: its tree ends at the layer that failed."
LATER = "Its first call went well: look for what changes from call to call."


@dataclass
class Candidate:
    """One configuration of the plan. A failure is kept, with the stage it came in."""

    key: Key
    mode: Mode
    device: torch.device
    backend: Backend
    inputs: tuple[InputSpec, ...]
    stage: Stage = "copy"
    contender: Contender | None = None
    dtype: str = ""
    cold: Cold | None = None
    warmup_s: float = 0.0
    memory: MemoryUse | None = None
    output: list[Tensor] | None = None
    labels: tuple[str, ...] = ()
    config: Mapping[str, str | int] = field(default_factory=dict)
    step_names: tuple[str, ...] = ()
    summed: int = 0
    """Products for one output of each layer, in all: what rounding adds up over."""
    agreement: Agreement | None = None
    layers: LayerTimes | None = None
    work: ForwardWork | None = None
    limits: Limits | None = None
    model: nn.Module | None = None
    error: BenchError | None = None
    _close: Callable[[], None] = lambda: None

    @property
    def owner(self) -> str:
        """Whose copy of the model it runs."""
        return self.mode.name if self.mode.changes_model else ""

    def prepare(
        self, replicas: Replicas, build_s: float, threads: int, warmup_s: float = MAX_WARMUP_S
    ) -> None:
        """Go through every stage before the rounds; a failure ends up in `error`."""
        try:
            self._prepare(self._begun(replicas, build_s, threads), warmup_s)
            return
        except Interrupted:
            raise
        except BaseException as error:  # whatever it is, the model's code raised it
            self.error = failure(error, self.stage)
        self.end_if_lost()
        self.release(replicas)  # not above: the exception holds the tensors of its frames

    def run_once(self, replicas: Replicas, threads: int) -> None:
        """Only the first call, to see whether there is room for it; then nothing is held."""
        try:
            self._begun(replicas, 0.0, threads)
        except Interrupted:
            self.release(replicas)
            raise
        except BaseException as error:  # whatever it is, the model's code raised it
            self.error = failure(error, self.stage)
        if self.error is not None:
            self.end_if_lost()
        self.release(replicas)

    def end_if_lost(self) -> None:
        """After a failure: on a device that this process can't use any more, what comes next would
        fail as well, for no fault of its own. A new process leaves this one out."""
        end_if_lost(self.device, self.backend.synchronize)

    def release(self, replicas: Replicas) -> None:
        """Free what it holds."""
        self._close()
        self._close = lambda: None
        self.contender = None
        self.output = None
        self.model = None
        if self.owner:
            replicas.forget(self.device, self.owner)

    @property
    def has_layers(self) -> bool:
        """It was measured, and runs modules that can be watched: eagerly, without a backward."""
        is_eager = self.config.get("engine", "eager") == "eager"
        is_measured = self.contender is not None and bool(self.contender.slots)
        return is_measured and is_eager and self.mode.work == FORWARD

    def measure_layers(self) -> None:
        """After the rounds: where the time of a forward goes."""
        if self.has_layers and self.contender is not None and self.model is not None:
            try:
                with self.contender.around(), no_collections():
                    self.layers = layer_times(self.contender.call, self.model, self.backend)
            except Interrupted:
                raise
            except BaseException as error:  # the row stands: its rounds are done
                self.labels = (*self.labels, f"its layers were not timed: {described(error)}")
            self.end_if_lost()

    def _begun(self, replicas: Replicas, build_s: float, threads: int) -> _Begun:
        """A copy, inputs, and the first call."""
        free = self.backend.free_bytes()
        replica = replicas.get(self.device, self.owner, self.backend)
        self.stage = "prepare"
        host = make_arguments(self.inputs, CPU)
        arguments = transfers.moved(host, self.device)
        prepared = self.mode.prepare(Subject(replica.model, arguments, self.device, threads))
        self._close = prepared.close
        self.labels, self.config = prepared.labels, prepared.config
        self.dtype = model_dtype(replica.model)
        self.model = replica.model
        self.summed = products_summed(replica.model)
        self.step_names = tuple(step.name for step in prepared.steps)
        call = one_call(prepared)
        held = self.backend.allocated()
        self.backend.reset_peak()
        self.stage = "first call"
        with prepared.around():
            first_call_s = timed(call, self.backend)
        self.cold = Cold(
            build_s=build_s,
            to_device_s=replica.to_device_s,
            first_call_s=first_call_s,
            compile_s=prepared.compile_s,
        )
        own = model_bytes(replica.model) + transfers.arguments_bytes(arguments)
        own += prepared.holds_bytes
        return _Begun(prepared, call, host, own, held, free)

    def _prepare(self, begun: _Begun, warmup_s: float) -> None:
        prepared = begun.prepared
        steps = tuple(step.run for step in prepared.steps) if len(prepared.steps) > 1 else ()
        self.contender = Contender(self.key, self.backend, begun.call, prepared.around, steps)
        self.stage = "warm-up"
        began = self.backend.now()
        self.contender.warm_up(warmup_s)
        self.warmup_s = self.backend.now() - began
        self.memory = self._memory(begun)
        if self.backend.queues:
            with prepared.around():  # not before: it holds the outputs of a call
                self.contender.transfers = transfers.transfers_of(
                    begun.call, begun.host, self.device
                )
        if prepared.output is not None:
            with prepared.around():
                self.output = kept_output(prepared.output())
        self.stage = "rounds"

    def _memory(self, begun: _Begun) -> MemoryUse:
        peak = self.backend.peak()
        beyond = 0 if peak is None else max(0, peak.allocated - begun.held)
        return MemoryUse(
            peak_allocated_bytes=None if peak is None else begun.own + beyond,
            peak_reserved_bytes=None if peak is None else peak.reserved,
            free_before_bytes=begun.free,
            host_rss_bytes=resident_bytes(),
        )


class _Begun(NamedTuple):
    """A configuration after its first call."""

    prepared: Prepared
    call: Call
    host: Arguments
    own: int
    """Bytes of the model, its inputs and what its mode holds: what it would hold alone."""
    held: int
    """All that was held when the peak was reset, other configurations included."""
    free: int | None


def one_call(prepared: Prepared) -> Call:
    """All steps in order."""
    runs = [step.run for step in prepared.steps]
    if len(runs) == 1:
        return runs[0]

    def call() -> None:
        for run in runs:
            run()

    return call


def failure(error: BaseException, stage: Stage) -> BenchError:
    """What went wrong with a configuration, for its row. Keeps nothing of the exception."""
    if isinstance(error, NotHere):
        return BenchError(kind="NotHere", message=str(error), stage=stage)
    if isinstance(error, NninspectError):
        return BenchError(
            kind="Failed",
            message=error.message,
            stage=stage,
            hint=error.hint,
            details=error.details,
        )
    is_memory = is_out_of_memory(error)
    line = user_line(error)
    return BenchError(
        kind="OutOfMemory" if is_memory else "Failed",
        message=f"{described(error)} ({line})" if line else described(error),
        stage=stage,
        hint=SMALLER if is_memory else LATER if stage in ("warm-up", "rounds") else LOOK,
        details=user_traceback(error),
    )
