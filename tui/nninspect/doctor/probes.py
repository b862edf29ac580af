"""Evidence from runs: random batches forward and backward, on a copy that nobody else looks at.

Every run is made once and kept; each honours the deadline, and starts from the same weights,
buffers and random state.
"""

from __future__ import annotations

import copy
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import torch
from torch import nn

from nninspect.doctor.backward import Blame, Gradients, backward, blame, jittered
from nninspect.doctor.closures import is_closed_over
from nninspect.doctor.cost import Cost
from nninspect.doctor.deadline import Deadline, Unavailable
from nninspect.doctor.held import holding_graphs
from nninspect.doctor.once import once
from nninspect.doctor.origins import origin_of_nan
from nninspect.doctor.runs import BATCH, Run, call, counted, is_same, samples
from nninspect.doctor.trace import recorded_steps
from nninspect.doctor.watching import UnitsWatch
from nninspect.engine.blame import described
from nninspect.engine.forward import Forward, run_forward
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.memory import free_bytes
from nninspect.engine.recorder import Observer
from nninspect.engine.structure import size_bytes
from nninspect.engine.unchanged import Snapshot, set_mode, unchanged
from nninspect.protocol.records import InputSpec, batch_of
from nninspect.text.units import size

_Result = TypeVar("_Result")

MAX_COPY_BYTES = 2 << 30
"""A model with more weights than this is not copied."""
SHARE_OF_MEMORY = 0.5
"""Of what is free: somebody else needs some too."""
BACKWARD_COSTS = 3
"""Forwards that a forward and its backward take."""
SLOW_FORWARD_S = 5.0
"""A model with a slower forward is not run again and again."""


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
        self._counts = False
        """A forward changes numbers that the model holds."""
        self.known: dict[object, Any] = {}

    @property
    def why_not(self) -> str:
        """Why nothing can be run, a sentence; "" where it can."""
        if self._device.type == "meta":
            return "the model is on meta, where it has no values"
        if self._bytes > MAX_COPY_BYTES:
            return f"the model has {size(self._bytes)} of weights, too many to copy"
        if self._forward_s > SLOW_FORWARD_S:
            return f"one forward takes {self._forward_s:.1f} s, too long to repeat it"
        if self._is_closed_over:
            return "the model holds a function that runs its own layers, which no copy's would"
        return ""

    @cached_property
    def _is_closed_over(self) -> bool:
        return is_closed_over(self._model)

    @cached_property
    def _bytes(self) -> int:
        """Of the weights and buffers."""
        return sum(map(size_bytes, (*self._model.parameters(), *self._model.buffers())))

    @cached_property
    def model(self) -> nn.Module:
        """The copy. Rules may look at it."""
        if self.why_not:
            raise Unavailable(self.why_not)
        self._deadline.check()
        try:
            return copy.deepcopy(self._model)
        except Exception as error:  # a module may copy itself in a way of its own
            raise Unavailable(f"the model can't be copied: {described(error)}") from None

    @cached_property
    def _snapshot(self) -> Snapshot:
        """Of the copy, before it is first run."""
        return Snapshot(self.model)

    def _kept(self) -> AbstractContextManager[object]:
        """Afterwards the copy is as before, and so is the random state. Gradients are off."""
        return self._snapshot.kept()

    @once
    def called_again(self) -> frozenset[int]:
        """What another forward of the model itself calls, by `id`."""
        model = self._model
        with unchanged(model):
            set_mode(model, False)
            arguments = self.arguments(BATCH)
            forward = self._bounded(lambda: run_forward(model, arguments), BATCH)
        return frozenset(id(call.module) for call in forward.recorder.calls)

    def along(self, dimension: int) -> Probes:
        """Probes of inputs that have their batch there."""
        moved = [msgspec.structs.replace(spec, batch_dim=dimension) for spec in self._inputs]
        return Probes(self.model, moved, self._device, self._deadline, self._cost)

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What the forward was recorded with."""
        return self._inputs

    @once
    def run(
        self,
        batch: int = BATCH,
        seed: int = 0,
        *,
        training: bool = False,
        first_from: int | None = None,
        noise: int = 0,
    ) -> Run:
        """One forward without gradients. `seed` makes the inputs, `noise` and the batch what the
        model draws; `first_from` replaces the first sample by the one of that other seed."""
        if training and (batch, seed, first_from, noise) == (BATCH, 0, None, 0):
            outputs = self._outputs_of_gradients()
            if outputs is not None:
                return Run(outputs)
        model = self.model
        with self._kept():
            arguments = self.arguments(batch, seed, first_from)
            set_mode(model, training)
            self._seed(noise + batch)
            before = counted(model)
            if noise and self._counts:  # the second in a row, as another would be
                self._bounded(lambda: call(model, arguments), batch)
            found = self._bounded(lambda: call(model, arguments), batch)
            self._counts |= counted(model) != before
            return found

    def _outputs_of_gradients(self) -> tuple[tuple[str, torch.Tensor], ...] | None:
        """Of the forward that a backward followed: one in train mode that there is anyway."""
        try:
            return self.gradients(training=True).outputs
        except Unavailable:
            return None

    @once
    def is_steady(self) -> bool:
        """One more sample in front of the batch, and other random numbers, leave each sample's
        output as it was: nothing is mixed and nothing is drawn, told by one run."""
        return is_same(self.run().output, self.run(BATCH + 1).output) and not self._counts

    @once
    def run_with(self, inputs: tuple[InputSpec, ...]) -> Run:
        """One forward of other inputs than those that were recorded, in eval mode."""
        model = self.model
        with self._kept():
            arguments = make_arguments(inputs, self._device)
            set_mode(model, False)
            return self._bounded(lambda: call(model, arguments), batch_of(inputs) or 1)

    def arguments(self, batch: int, seed: int = 0, first_from: int | None = None) -> Arguments:
        """A random batch on the model's device, as of `samples`."""
        return samples(self._inputs, self._device, batch, seed, first_from)

    @once
    def gradients(
        self, batch: int = BATCH, seed: int = 0, *, training: bool = False, jitter: bool = False
    ) -> Gradients:
        """One forward and backward; `jitter` takes the constant parameters off their values."""
        model = self.model
        with self._ready(training, seed), jittered(model) if jitter else nullcontext():
            arguments = self.arguments(batch, seed)
            return self._bounded(lambda: backward(model, arguments), batch, backwards=1)

    @once
    def kept_graphs(self) -> frozenset[tuple[str, str]]:
        """The attributes, by the path of their module and their name, that hold what a forward
        with gradients has computed."""
        model = self.model
        with self._ready(training=True, seed=0):
            arguments = make_arguments(self._inputs, self._device)
            self._bounded(lambda: call(model, arguments), batch_of(self._inputs) or 1, backwards=1)
            return holding_graphs(model)

    def backward(self) -> tuple[bool, Gradients]:
        """One backward and whether it was in train mode: it is unless its forward fails there,
        as one that wants labels does."""
        trained = self.gradients(training=True)
        if trained.error is None or trained.outputs is not None:
            return True, trained
        other = self.gradients()
        return (True, trained) if other.outputs is None else (False, other)

    @once
    def blame(self, batch: int = BATCH, seed: int = 0, *, training: bool = False) -> Blame | None:
        """What autograd blames where `gradients` of the same arguments go wrong."""
        model = self.model
        with self._ready(training, seed):
            arguments = self.arguments(batch, seed)
            return self._bounded(lambda: blame(model, arguments), batch, backwards=2)

    @once
    def origin(self, batch: int = BATCH, seed: int = 0, *, training: bool = False) -> str | None:
        """The module where the NaN in the outputs of a `run` of the same arguments began."""
        model = self.model
        with self._kept():
            arguments = self.arguments(batch, seed)
            set_mode(model, training)
            self._seed(0)
            return self._bounded(lambda: origin_of_nan(model, arguments), batch)

    @contextmanager
    def _ready(self, training: bool, seed: int) -> Iterator[None]:
        """Gradients are on, and none is there; afterwards all is as before."""
        with self._kept(), torch.enable_grad():
            set_mode(self.model, training)
            self.model.zero_grad(set_to_none=True)
            self._seed(seed)
            yield

    @once
    def step_shapes(self, batch: int) -> tuple[tuple[int, ...], ...]:
        """The shape of the first input of each step, in the order of the trace."""
        recorder = self._recorded(batch).recorder
        return tuple(
            each.inputs[0].shape if each.inputs else () for each in recorded_steps(recorder)
        )

    @once
    def active_units(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Per ReLU, in the order of the trace, which units get something from 0 up, of a batch."""
        watch = UnitsWatch()
        self._recorded(batch, watch)
        return tuple(watch.active)

    def _recorded(self, batch: int, observer: Observer | None = None) -> Forward:
        model = self.model
        with self._kept():
            set_mode(model, False)
            arguments = self.arguments(batch)
            return self._bounded(lambda: run_forward(model, arguments, observer=observer), batch)

    def _seed(self, number: int) -> None:
        """Of what the model draws. torch's own would note a stack for devices that are asleep."""
        random.seed(number)
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed(number)
        if self._device.type == "cpu":
            torch.default_generator.manual_seed(number)
        else:
            torch.manual_seed(number)

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
