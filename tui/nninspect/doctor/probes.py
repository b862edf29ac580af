"""Evidence from runs: random batches forward and backward, on a copy that nobody else looks at.

Every run is made once and kept; each honours the deadline, and starts from the same weights,
buffers and random state.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar

import torch
from torch import nn

from nninspect.doctor.backward import Blame, Gradients, backward, blame, jittered
from nninspect.doctor.cost import Cost
from nninspect.doctor.deadline import Deadline, Unavailable
from nninspect.doctor.origins import origin_of_nan
from nninspect.doctor.trace import is_loss_key, recorded_steps
from nninspect.doctor.watching import UnitsWatch
from nninspect.engine.blame import described
from nninspect.engine.examine import Forward, run_forward
from nninspect.engine.inputs import make_arguments
from nninspect.engine.memory import free_bytes
from nninspect.engine.recorder import Observer
from nninspect.engine.structure import size_bytes
from nninspect.engine.tensors import tensors_in
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.protocol.records import InputSpec, batch_of
from nninspect.text.units import size

_Result = TypeVar("_Result")

BATCH = 4
"""Samples of a probe, unless its rule asks for another number."""
MAX_COPY_BYTES = 2 << 30
"""A model with more weights than this is not copied."""
SHARE_OF_MEMORY = 0.5
"""Of what is free: somebody else needs some too."""
BACKWARD_COSTS = 3
"""Forwards that a forward and its backward take."""
SLOW_FORWARD_S = 5.0
"""A model with a slower forward is not run again and again."""


@dataclass(frozen=True)
class Run:
    """One forward of a random batch: what came out, or what was raised."""

    outputs: tuple[tuple[str, torch.Tensor], ...] = ()
    """Keys and detached tensors, losses among them."""
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def failure(self) -> str:
        """The exception in a line; "" where it worked."""
        return "" if self.error is None else described(self.error)

    @property
    def output(self) -> torch.Tensor | None:
        """The primary output: the first that is no loss."""
        return next((tensor for key, tensor in self.outputs if not is_loss_key(key)), None)


class Probes:
    """Runs of a copy of the model, each made when it is first asked for.

    Each method raises Unavailable, with the reason, where it can't be made.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Sequence[InputSpec],
        device: torch.device,
        deadline: Deadline,
        cost: Cost | None = None,
    ) -> None:
        self._model = model
        self._inputs = tuple(inputs)
        self._device = device
        self._deadline = deadline
        self._cost = cost or Cost()
        self._forward_s = self._cost.seconds
        """What the latest forward took, as what the next one may take."""
        self.run = cache(self._run)
        self.run_with = cache(self._run_with)
        self.gradients = cache(self._gradients)
        self.step_shapes = cache(self._step_shapes)
        self.active_units = cache(self._active_units)
        self.blame = cache(self._blame)
        self.origin = cache(self._origin)

    @property
    def why_not(self) -> str:
        """Why nothing can be run, a sentence; "" where it can."""
        held = sum(map(size_bytes, (*self._model.parameters(), *self._model.buffers())))
        if self._device.type == "meta":
            return "the model is on meta, where it has no values"
        if held > MAX_COPY_BYTES:
            return f"the model has {size(held)} of weights, too many to copy"
        if self._forward_s > SLOW_FORWARD_S:
            return f"one forward takes {self._forward_s:.1f} s, too long to repeat it"
        return ""

    @cached_property
    def model(self) -> nn.Module:
        """The copy. Rules may look at it, and change it within `unchanged` only."""
        if self.why_not:
            raise Unavailable(self.why_not)
        self._deadline.check()
        try:
            return copy.deepcopy(self._model)
        except Exception as error:
            raise Unavailable(f"the model can't be copied: {described(error)}") from None

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What the forward was recorded with."""
        return self._inputs

    def _run(
        self,
        batch: int = BATCH,
        seed: int = 0,
        *,
        training: bool = False,
        first_from: int | None = None,
        noise: int = 0,
    ) -> Run:
        """One forward without gradients. `seed` makes the inputs, `noise` whatever the model
        draws; `first_from` replaces the first sample by the one of that other seed."""
        model = self.model
        with unchanged(model):
            arguments = self.arguments(batch, seed, first_from)
            set_mode(model, training)
            torch.manual_seed(noise)
            return self._bounded(lambda: _call(model, arguments), batch)

    def _run_with(self, inputs: tuple[InputSpec, ...]) -> Run:
        """One forward of other inputs than those that were recorded, in eval mode."""
        model = self.model
        with unchanged(model):
            arguments = make_arguments(inputs, self._device)
            set_mode(model, False)
            return self._bounded(lambda: _call(model, arguments), batch_of(inputs) or 1)

    def arguments(self, batch: int, seed: int = 0, first_from: int | None = None) -> Any:
        """(args, kwargs) of a random batch on the model's device."""
        specs = [spec.with_batch(batch) for spec in self._inputs]
        made = make_arguments(specs, self._device, seed)
        if first_from is not None:
            other = make_arguments(specs, self._device, first_from)
            for spec, mine, theirs in zip(specs, _in(made), _in(other), strict=True):
                if spec.shape:
                    mine.select(spec.batch_dim, 0).copy_(theirs.select(spec.batch_dim, 0))
        return made

    def _gradients(
        self, batch: int = BATCH, seed: int = 0, *, training: bool = False, jitter: bool = False
    ) -> Gradients:
        """One forward and backward; `jitter` takes the constant parameters off their values."""
        model = self.model
        with self._ready(training, seed), jittered(model) if jitter else nullcontext():
            arguments = self.arguments(batch, seed)
            return self._bounded(lambda: backward(model, arguments), batch, backwards=1)

    def _blame(self, batch: int = BATCH, seed: int = 0, *, training: bool = False) -> Blame | None:
        """What autograd blames where `gradients` of the same arguments go wrong."""
        model = self.model
        with self._ready(training, seed):
            arguments = self.arguments(batch, seed)
            return self._bounded(lambda: blame(model, arguments), batch, backwards=2)

    def _origin(self, batch: int = BATCH, seed: int = 0, *, training: bool = False) -> str | None:
        """The module where the NaN in the outputs of a `run` of the same arguments began."""
        model = self.model
        with unchanged(model):
            arguments = self.arguments(batch, seed)
            set_mode(model, training)
            torch.manual_seed(0)
            return self._bounded(lambda: origin_of_nan(model, arguments), batch)

    @contextmanager
    def _ready(self, training: bool, seed: int) -> Iterator[None]:
        """Gradients are on, and none is there; afterwards all is as before."""
        with unchanged(self.model), torch.enable_grad():
            set_mode(self.model, training)
            self.model.zero_grad(set_to_none=True)
            torch.manual_seed(seed)
            yield

    def _step_shapes(self, batch: int) -> tuple[tuple[int, ...], ...]:
        """The shape of the first input of each step, in the order of the trace."""
        recorder = self._recorded(batch).recorder
        return tuple(
            each.inputs[0].shape if each.inputs else () for each in recorded_steps(recorder)
        )

    def _active_units(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Per ReLU, in the order of the trace, which units get something from 0 up, of a batch."""
        watch = UnitsWatch()
        self._recorded(batch, watch)
        return tuple(watch.active)

    def _recorded(self, batch: int, observer: Observer | None = None) -> Forward:
        model = self.model
        with unchanged(model):
            set_mode(model, False)
            arguments = self.arguments(batch)
            return self._bounded(lambda: run_forward(model, arguments, observer=observer), batch)

    def _bounded(self, work: Callable[[], _Result], batch: int, backwards: int = 0) -> _Result:
        """The result of a run that is expected to fit into the time and the memory there are."""
        needed = self._cost.bytes_of(batch, backward=backwards > 0)
        free = free_bytes(self._device)
        if free is not None and needed > SHARE_OF_MEMORY * free:
            raise Unavailable(
                f"a batch of {batch} needs some {size(needed)}, and {size(free)} are free"
            )
        forwards = backwards * BACKWARD_COSTS or 1
        started = time.perf_counter()
        with self._deadline.bounded(self._forward_s * forwards):
            result = work()
        self._forward_s = (time.perf_counter() - started) / forwards
        return result


def _call(model: nn.Module, arguments: Any) -> Run:
    args, kwargs = arguments
    started = time.perf_counter()
    try:
        result = model(*args, **kwargs)
    except (Exception, SystemExit) as error:
        return Run(error=error)
    outputs = tuple((key, tensor.detach()) for key, tensor in tensors_in(result))
    return Run(outputs, seconds=time.perf_counter() - started)


def _in(arguments: Any) -> list[torch.Tensor]:
    return [tensor for _, tensor in tensors_in(arguments)]
