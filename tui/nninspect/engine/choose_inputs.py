"""Which inputs a model is run with: the user's, its card's, or a guess; checked before use."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import torch
from torch import nn

from nninspect.engine.before import Before
from nninspect.engine.flight import Flight
from nninspect.engine.guess import GUESSED, complete, guess_inputs, unknown_input
from nninspect.engine.guessing.arguments import required_arguments
from nninspect.engine.guessing.attempt import Refusal, attempt
from nninspect.engine.guessing.known import Guess
from nninspect.engine.guessing.search import Search
from nninspect.engine.inputs import as_dtype, steps_of
from nninspect.engine.load import Loaded
from nninspect.engine.lost_device import end_if_lost, waiting_for
from nninspect.engine.module_calls import module_by_module
from nninspect.engine.recorder import CallRecorder
from nninspect.engine.tensors import dtype_name
from nninspect.engine.unchanged import parts_of
from nninspect.errors import BadInput
from nninspect.protocol.flight import Stage
from nninspect.protocol.records import InputSpec, Setup
from nninspect.text.inputs import format_input
from nninspect.text.suggest import did_you_mean

Chosen = tuple[tuple[InputSpec, ...], str]
"""The inputs, and where they came from."""


def choose_inputs(
    loaded: Loaded,
    setup: Setup,
    device: torch.device,
    report: Callable[[str, None], None],
    flight: Flight | None = None,
    before: Before | None = None,
) -> Chosen:
    """The inputs at the setup's batch and dtype. Guesses are tried on the model, so call it
    within `unchanged`, whose `before` is put back after each.

    Raises BadInput where they can't be what `forward` takes, or nothing could be guessed.
    """
    if setup.batch is not None and setup.batch < 1:
        raise BadInput(f"a batch of {setup.batch} is empty", "Use --batch 1 or more")
    if setup.inputs:
        check_against_forward(loaded.model, setup.inputs)
        specs, source = _prepared(setup.inputs, loaded, setup), "given"
    elif loaded.card is not None and loaded.card.inputs:
        specs, source = _prepared(loaded.card.inputs, loaded, setup), "the model card"
    else:
        specs, source = _found(loaded, setup, device, report, flight or Flight(), before)
    notes = [loaded.kept_on_meta, loaded.entry.note if loaded.entry else ""]
    return specs, "; ".join([source, *filter(None, notes)])


def _found(
    loaded: Loaded,
    setup: Setup,
    device: torch.device,
    report: Callable[[str, None], None],
    flight: Flight,
    before: Before | None,
) -> Chosen:
    model, entry = loaded.model, loaded.entry
    if entry is not None and entry.inputs:
        guess = Guess((entry.inputs,), entry.inputs_from)
    else:
        guess = guess_inputs(model)
    if guess.is_example or guess.candidates == ((),):
        return _prepared(guess.candidates[0], loaded, setup), guess.source
    tried_on = copy.deepcopy(model) if loaded.is_lazy else model
    if before is None or tried_on is not model:
        before = Before(parts_of(tried_on))

    number = count()

    def tried(specs: Sequence[InputSpec]) -> Refusal | None:
        report("looking for an input that fits", None)
        trial = next(number)
        if flight.death_in(Stage.TRIAL, trial):
            return None
        with flight.stage(Stage.TRIAL, trial), _watched(flight, trial, device):
            refusal = attempt(tried_on, specs, device, is_heard=trial == 0)
            end_if_lost(device)
        before.restore()
        return refusal

    search = Search(
        tried,
        lambda specs: _prepared(specs, loaded, setup),
        lambda specs, names: complete(model, specs, names),
    )
    found = search.find(guess)
    if not found.runs and guess.source == GUESSED and not found.is_the_same_for_all:
        raise unknown_input(model)
    return found.specs, found.source


@contextmanager
def _watched(flight: Flight, trial: int, device: torch.device) -> Iterator[None]:
    """The first try, mostly the only one, is recorded: should it end the process, it is known
    where. Another that does is taken for the input, so that the recorded forward shows it."""
    if trial > 0:
        yield
        return
    steps, wait = flight.steps(Stage.TRIAL), waiting_for(device)
    with module_by_module(), CallRecorder(steps, wait=wait):
        yield


def _prepared(specs: Sequence[InputSpec], loaded: Loaded, setup: Setup) -> tuple[InputSpec, ...]:
    if setup.batch is not None:
        specs = [spec.with_batch(setup.batch) for spec in specs]
    return as_dtype(specs, setup.dtype or _own_dtype(loaded.model))


def _own_dtype(model: nn.Module) -> str | None:
    """The one floating dtype of the model's parameters."""
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return dtype_name(dtypes.pop()) if len(dtypes) == 1 else None


def check_against_forward(model: nn.Module, specs: Sequence[InputSpec]) -> None:
    """Raises BadInput where `forward` takes no such argument, or needs another one."""
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    names = [spec.name for spec in specs if spec.name]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"the input {twice[0]} is given twice", "Give each name once")
    names = list(dict.fromkeys(steps_of(name)[0] for name in names))
    takes = [p for p in signature.parameters.values() if p.kind is not p.VAR_POSITIONAL]
    if not any(p.kind is p.VAR_KEYWORD for p in takes):
        for name in names:
            if name not in signature.parameters:
                raise BadInput(
                    f"the forward of {type(model).__name__} takes no argument {name}",
                    did_you_mean(name, signature.parameters)
                    or f"It takes {', '.join(signature.parameters) or 'none'}",
                )
    try:
        signature.bind(*(None for spec in specs if not spec.name), **dict.fromkeys(names))
    except TypeError as error:
        wanted = required_arguments(model)
        typed = " ".join(f"--input {name}=1x…" for name in wanted) or "no --input"
        given = " ".join(f"--input {format_input(spec)}" for spec in specs)
        raise BadInput(
            f"the forward of {type(model).__name__} can't be called with {given}: {error}",
            f"It takes {', '.join(signature.parameters) or 'no arguments'}: {typed}",
        ) from None
