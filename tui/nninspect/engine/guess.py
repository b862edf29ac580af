"""A first input for a model that came without one: what is known of it, else its signature."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import msgspec
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.guessing.arguments import (
    Options,
    keys_of,
    options_for,
    required_arguments,
    taken,
)
from nninspect.engine.guessing.configs import config_of, input_named
from nninspect.engine.guessing.known import Guess, known_inputs
from nninspect.engine.guessing.layers import SEQUENCE
from nninspect.engine.guessing.search import NO_INPUT
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import EXAMPLES

ANYTHING = (
    InputSpec((1, SEQUENCE)),
    InputSpec((1, 3, 32, 32)),
    InputSpec((1, SEQUENCE, SEQUENCE)),
    InputSpec((1, SEQUENCE), "int64"),
)
"""For a model that no layer tells about."""

NOTHING_KNOWN = "guessed"


def guess_inputs(model: nn.Module) -> Guess:
    """Candidates to try in order. Raises BadInput, with what to type, where a lazy layer would
    keep the shape of a wrong one."""
    if known := known_inputs(model):
        return known
    arguments = taken(model)
    if not arguments:
        return Guess(((),), NO_INPUT)
    required = [p for p in arguments if p.default is p.empty]
    needed = list(_parts(model, required or arguments[:1]))
    options = [options_for(model, part.name, part.annotation) for part in needed]
    is_told = all(option.specs for option in options)
    if not is_told and any(map(is_lazy, model.parameters())):
        raise unknown_input(model)
    candidates = _combined(needed, options)
    if not required:
        candidates = (*candidates, ()) if is_told else ((), *candidates)
    return Guess(candidates, _source(options))


@dataclass(frozen=True)
class _Part:
    """An argument, or one entry of an argument that is a dict."""

    name: str
    annotation: object
    passed_as: str
    """The name that it is passed by; "" for one that is passed by position."""


def _parts(model: nn.Module, arguments: Sequence[inspect.Parameter]) -> Iterator[_Part]:
    for argument in arguments:
        if keys := keys_of(model, argument.name):
            yield from (_Part(key, None, f"{argument.name}.{key}") for key in keys)
        else:
            alone = len(arguments) == 1 and argument.kind is argument.POSITIONAL_OR_KEYWORD
            by_position = argument.kind in (argument.POSITIONAL_ONLY, argument.VAR_POSITIONAL)
            passed_as = "" if alone or by_position else argument.name
            yield _Part(argument.name, argument.annotation, passed_as)


def _source(options: Sequence[Options]) -> str:
    sources = dict.fromkeys(option.source for option in options if option.source)
    return f"guessed from {', '.join(sources)}" if sources else NOTHING_KNOWN


def _combined(
    parts: Sequence[_Part], options: Sequence[Options]
) -> tuple[tuple[InputSpec, ...], ...]:
    """The first options together, then the second ones …; a shorter list keeps its first."""
    columns = [
        [msgspec.structs.replace(spec, name=part.passed_as) for spec in option.specs or ANYTHING]
        for part, option in zip(parts, options, strict=True)
    ]
    return tuple(
        tuple(spec or column[0] for spec, column in zip(row, columns, strict=True))
        for row in zip_longest(*columns)
    )


def complete(
    model: nn.Module, specs: Sequence[InputSpec], names: Sequence[str]
) -> tuple[InputSpec, ...]:
    """The specs, and one for each of these arguments."""
    config = config_of(model)
    parameters = inspect.signature(model.forward).parameters
    added = []
    for name in names:
        options = tuple(input_named(name, config)) if config is not None else ()
        options = options or options_for(model, name, parameters[name].annotation).specs
        if options:
            added.append(msgspec.structs.replace(options[0], name=name))
    return (*specs, *added)


def unknown_input(model: nn.Module) -> BadInput:
    """The complaint where there is nothing to guess from."""
    names = required_arguments(model)
    takes = ", ".join(names)
    typed = " ".join(f"--input {name}=1x…" for name in names) if len(names) > 1 else EXAMPLES
    return BadInput(
        f"the forward of {type(model).__name__} takes {takes}, and no input was given",
        f"Say what to feed it: {typed}",
    )
