"""A configuration on its way to the rounds: a copy of the model, inputs, first call, warm-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nninspect.bench.agreement import kept_output
from nninspect.bench.backend import Backend
from nninspect.bench.clock import Call, no_garbage_collection, timed
from nninspect.bench.contender import Contender, Transfers
from nninspect.bench.layers import layer_times
from nninspect.bench.machine import resident_bytes
from nninspect.bench.modes.mode import Mode, NotHere, Prepared, Subject
from nninspect.bench.replicas import Replicas
from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.failure import is_out_of_memory
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.layers import model_dtype
from nninspect.engine.structure import size_bytes
from nninspect.engine.tensors import tensors_in
from nninspect.errors import NninspectError
from nninspect.protocol.bench import BenchError, Cold, Key, LayerTimes, MemoryUse, Stage
from nninspect.protocol.records import InputSpec

CPU = torch.device("cpu")
FORWARD = "forward"


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
    memory: MemoryUse | None = None
    output: list[Tensor] | None = None
    labels: tuple[str, ...] = ()
    config: Mapping[str, str | int] = field(default_factory=dict)
    step_names: tuple[str, ...] = ()
    layers: LayerTimes | None = None
    model: nn.Module | None = None
    error: BenchError | None = None
    _close: Callable[[], None] = lambda: None

    @property
    def owner(self) -> str:
        """Whose copy of the model it runs."""
        return self.mode.name if self.mode.changes_model else ""

    def prepare(self, replicas: Replicas, build_s: float, threads: int) -> None:
        """Go through every stage before the rounds; a failure ends up in `error`."""
        try:
            self._prepare(replicas, build_s, threads)
            return
        except (Exception, SystemExit) as error:
            self.error = failure(error, self.stage)
        self.release(replicas)  # not above: the exception holds the tensors of its frames

    def release(self, replicas: Replicas) -> None:
        """Free what it holds."""
        self._close()
        self._close = lambda: None
        self.contender = None
        self.output = None
        self.model = None
        if self.owner:
            replicas.forget(self.device, self.owner)

    def measure_layers(self) -> None:
        """After the rounds: where the time of a forward goes. Another engine than eager runs no
        modules that could be watched."""
        is_eager = self.config.get("engine", "eager") == "eager"
        if self.contender is None or self.model is None or self.mode.work != FORWARD:
            return
        if is_eager and self.contender.slots:
            try:
                with self.contender.around(), no_garbage_collection():
                    self.layers = layer_times(self.contender.call, self.model, self.backend)
            except Exception as error:  # the row stands: its rounds are done
                self.labels = (*self.labels, f"its layers were not timed: {described(error)}")

    def _prepare(self, replicas: Replicas, build_s: float, threads: int) -> None:
        free = self.backend.free_bytes()
        replica = replicas.get(self.device, self.owner, self.backend)
        self.stage = "prepare"
        host = make_arguments(self.inputs, CPU)
        arguments = moved(host, self.device)
        prepared = self.mode.prepare(Subject(replica.model, arguments, self.device, threads))
        self._close = prepared.close
        self.labels, self.config = prepared.labels, prepared.config
        self.dtype = model_dtype(replica.model)
        self.model = replica.model
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
        self.contender = self._contender(prepared, call, host)
        self.stage = "warm-up"
        self.contender.warm_up()
        self.memory = self._memory(replica.size_bytes + arguments_bytes(arguments), held, free)
        if prepared.output is not None:
            with prepared.around():
                self.output = kept_output(prepared.output())
        self.stage = "rounds"

    def _contender(self, prepared: Prepared, call: Call, host: Arguments) -> Contender:
        steps = tuple(step.run for step in prepared.steps) if len(prepared.steps) > 1 else ()
        transfers = None
        if self.backend.queues:
            with prepared.around():
                transfers = transfers_of(call, host, self.device)
        return Contender(self.key, self.backend, call, prepared.around, steps, transfers)

    def _memory(self, own: int, held: int, free: int | None) -> MemoryUse:
        """`own`: bytes of the model and its inputs, which this configuration would hold alone;
        `held`: all that was held when the peak was reset, other configurations included."""
        peak = self.backend.peak()
        return MemoryUse(
            peak_allocated_bytes=None if peak is None else own + max(0, peak.allocated - held),
            peak_reserved_bytes=None if peak is None else peak.reserved,
            free_before_bytes=free,
            host_rss_bytes=resident_bytes(),
        )


def one_call(prepared: Prepared) -> Call:
    """All steps in order."""
    runs = [step.run for step in prepared.steps]
    if len(runs) == 1:
        return runs[0]

    def call() -> None:
        for run in runs:
            run()

    return call


def moved(arguments: Arguments, device: torch.device, *, non_blocking: bool = False) -> Arguments:
    """The arguments on a device."""

    def move(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=non_blocking)
        return {name: move(part) for name, part in value.items()}

    args, kwargs = arguments
    return tuple(map(move, args)), {name: move(value) for name, value in kwargs.items()}


def arguments_bytes(arguments: Arguments) -> int:
    return sum(size_bytes(tensor) for _, tensor in tensors_in(arguments))


def transfers_of(call: Call, host: Arguments, device: torch.device) -> Transfers:
    """What moving inputs and outputs takes, with one more call to have its outputs."""
    last = [tensor for _, tensor in tensors_in(call())]

    def fetch(outputs: Sequence[Tensor] = last) -> None:
        for tensor in outputs:
            tensor.to("cpu")

    def end_to_end() -> None:
        moved(host, device)
        fetch([tensor for _, tensor in tensors_in(call())])

    return Transfers(lambda: moved(host, device), _pinned(host, device), fetch, end_to_end)


def _pinned(host: Arguments, device: torch.device) -> Call | None:
    """Sending from page-locked memory; None where there is none to be had."""

    def pin(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.pin_memory()
        return {name: pin(part) for name, part in value.items()}

    args, kwargs = host
    try:
        pinned = tuple(map(pin, args)), {name: pin(value) for name, value in kwargs.items()}
    except (RuntimeError, NotImplementedError):
        return None
    return lambda: moved(pinned, device, non_blocking=True)


def failure(error: Exception | SystemExit, stage: Stage) -> BenchError:
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
        hint="Use a smaller batch." if is_memory else "Inspect the model to see where and why.",
        details=user_traceback(error),
    )
