"""One recorded forward of a model, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CoroutineType, GeneratorType

import torch
from torch import nn

from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.failure import forward_failure
from nninspect.engine.failures.facts import in_order
from nninspect.engine.flight import Flight, Steps
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.lost_device import end_if_lost, waiting_for
from nninspect.engine.module_calls import module_by_module
from nninspect.engine.recorder import Call, CallRecorder, Observer
from nninspect.engine.structure import Node, walk_as_called
from nninspect.errors import Interrupted
from nninspect.protocol.dry_run import Guess
from nninspect.protocol.flight import Stage
from nninspect.protocol.records import InputSpec, Problem


@dataclass(frozen=True)
class Forward:
    """One recorded forward: what happened, how long it took, and how it failed, if it did."""

    recorder: CallRecorder
    seconds: float
    failure: Problem | None = None
    failed: Call | None = None
    is_of_the_code: bool = False
    """No other input would mend the failure."""
    unrun: str = ""
    """What it gave that would have run more of it, as "a generator"."""
    error: BaseException | None = None
    """What `failure` tells of."""
    guesses: tuple[Guess, ...] = ()
    """What was assumed for values that a dry run does not have."""


def record_forward(
    model: nn.Module,
    inputs: Sequence[InputSpec],
    device: torch.device,
    flight: Flight,
    observer: Observer | None = None,
    lenient: Lenient | None = None,
) -> Forward:
    """One recorded forward, with gradients where the model differentiates by itself.

    One that leaves the device of no use ends the process.
    """
    wait = waiting_for(device)

    def run() -> Forward:
        arguments = make_arguments(inputs, device)
        return run_forward(model, arguments, flight.steps(Stage.FORWARD), observer, lenient, wait)

    forward = run()
    if forward.failure is not None:
        end_if_lost(device)
    if _asks_for_gradients(forward):
        with torch.enable_grad():
            return run()
    return forward


def run_forward(
    model: nn.Module,
    arguments: Arguments,
    flight_steps: Steps | None = None,
    observer: Observer | None = None,
    lenient: Lenient | None = None,
    wait: Callable[[], None] | None = None,
) -> Forward:
    """Call the model once, recorded; the guesses that are made meanwhile are of that call.

    `wait`: see `CallRecorder`.
    """
    args, kwargs = arguments
    recorder = CallRecorder(flight_steps, observer, wait)
    lenient = lenient or Lenient()  # unentered, it hears of nothing
    lenient.start(lambda: recorder.calls[recorder.open].module if recorder.open >= 0 else model)
    started = time.perf_counter()
    try:
        with module_by_module(), recorder:
            result = model(*args, **kwargs)
    except Interrupted:
        raise
    except BaseException as error:  # whatever it is, the model's code raised it
        seconds = time.perf_counter() - started
        steps = in_order(recorder.calls, recorder.ops)
        nodes = nodes_as_called(model, recorder)
        failure = forward_failure(error, recorder, nodes, steps, recorder.failed_op)
        guesses = lenient.guesses(model)
        return Forward(recorder, seconds, *failure, error=error, guesses=guesses)
    seconds = time.perf_counter() - started
    return Forward(recorder, seconds, unrun=_unrun(result), guesses=lenient.guesses(model))


def nodes_as_called(model: nn.Module, recorder: CallRecorder) -> list[Node]:
    """The model's modules, the parts of each in the order of their first calls."""
    return walk_as_called(model, (call.module for call in recorder.calls))


def _unrun(result: object) -> str:
    if isinstance(result, GeneratorType):
        return "a generator"
    if isinstance(result, CoroutineType):
        result.close()
        return "a coroutine"
    return ""


def _asks_for_gradients(forward: Forward) -> bool:
    """It failed for want of them: it differentiates by itself."""
    return forward.failure is not None and "does not require grad" in forward.failure.message
