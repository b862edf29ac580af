"""Which inputs a model is run with: the user's, its card's, or a guess; checked before use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from torch import nn

from nninspect.engine.guess import choose, guess_inputs, required_arguments
from nninspect.engine.inputs import as_dtype
from nninspect.engine.load import Loaded
from nninspect.engine.tensors import dtype_name
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec, Setup
from nninspect.text.inputs import format_input
from nninspect.text.suggest import did_you_mean

Chosen = tuple[tuple[InputSpec, ...], str]
"""The inputs, and where they came from."""


def choose_inputs(
    loaded: Loaded, setup: Setup, works: Callable[[Sequence[InputSpec]], bool]
) -> Chosen:
    """The inputs at the setup's batch and dtype; `works` says whether a guess runs.

    Raises BadInput where they can't be what `forward` takes, or nothing could be guessed.
    """
    if setup.batch is not None and setup.batch < 1:
        raise BadInput(f"a batch of {setup.batch} is empty", "Use --batch 1 or more")
    specs, source = _unbatched(loaded, setup, works)
    if setup.inputs:
        check_against_forward(loaded.model, specs)
    notes = [loaded.kept_on_meta, loaded.entry.note if loaded.entry else ""]
    return _prepared(specs, loaded, setup), "; ".join([source, *filter(None, notes)])


def _unbatched(
    loaded: Loaded, setup: Setup, works: Callable[[Sequence[InputSpec]], bool]
) -> Chosen:
    if setup.inputs:
        return setup.inputs, "given"
    if loaded.card is not None and loaded.card.inputs:
        return loaded.card.inputs, "the model card"
    if loaded.entry is not None and loaded.entry.inputs:
        return loaded.entry.inputs, loaded.entry.inputs_from
    guess = guess_inputs(loaded.model)
    return choose(guess, lambda specs: works(_prepared(specs, loaded, setup)))


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
