"""A first input for a model that came without one: what is known of it, else its signature."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.guessing.arguments import (
    Options,
    by_name,
    options_for,
    required_arguments,
    taken,
)
from nninspect.engine.guessing.combine import combined
from nninspect.engine.guessing.configs import config_of, input_named
from nninspect.engine.guessing.known import Guess, known_inputs
from nninspect.engine.guessing.layers import SEQUENCE, is_lazy_layer
from nninspect.engine.guessing.reading.options import time_first
from nninspect.engine.guessing.reading.reader import read
from nninspect.engine.guessing.reading.values import Reading
from nninspect.engine.guessing.search import NO_INPUT
from nninspect.engine.guessing.specs import Specs
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

GUESSED = "guessed"
"""How the source of every guess begins, and all that is said where no layer told anything."""


def guess_inputs(model: nn.Module) -> Guess:
    """Candidates to try in order. Raises BadInput, with what to type, where a lazy layer would
    keep the shape of a wrong one."""
    if known := known_inputs(model):
        return known
    reading = read(model)
    needed = _needed(model, reading)
    if not needed:
        return Guess(((),), NO_INPUT)
    options = [
        options_for(model, part.name, part.annotation, reading.get(part.path)) for part in needed
    ]
    is_told = all(option.specs for option in options)
    if not is_told and any(map(is_lazy, model.parameters())):
        raise unknown_input(model)
    candidates = _combined(needed, options)
    if any(one.is_time_first for one in reading.values()):
        candidates = (tuple(map(time_first, candidates[0])), *candidates)
    if not any(part.is_required for part in needed):
        candidates = (*candidates, ()) if is_told else ((), *candidates)
    return Guess(candidates, _source(options))


@dataclass(frozen=True)
class _Part:
    """An argument, or one entry of an argument that is a dict or a tuple."""

    name: str
    annotation: object
    passed_as: str
    """The name that it is passed by; "" for one that is passed by position."""
    path: str = ""
    """Where its reading is."""
    is_required: bool = True


def _needed(model: nn.Module, reading: Mapping[str, Reading]) -> list[_Part]:
    """What the forward can't do without; else the first that it may be given."""
    arguments = taken(model)
    required = [p for p in arguments if p.default is p.empty]
    variable = list(_of_variable(model, reading))
    if variable:
        required = [p for p in required if p.kind is not p.VAR_POSITIONAL]
    chosen = required if required or variable else arguments[:1]
    parts = [part for p in chosen for part in _of_argument(model, p, reading, len(chosen) == 1)]
    if any(not part.passed_as for part in variable):
        parts = [dataclasses.replace(part, passed_as="") for part in parts]
    return [*parts, *variable]


def _of_argument(
    model: nn.Module, argument: inspect.Parameter, reading: Mapping[str, Reading], is_only: bool
) -> Iterator[_Part]:
    name, is_required = argument.name, argument.default is argument.empty
    entries = _entries(model, reading, name)
    if entries != [name]:
        for path in entries:
            yield _Part(path.rpartition(".")[2], None, _typed(path, reading), path, is_required)
        return
    alone = is_only and argument.kind is argument.POSITIONAL_OR_KEYWORD
    by_position = argument.kind in (argument.POSITIONAL_ONLY, argument.VAR_POSITIONAL)
    passed_as = "" if alone or by_position else name
    yield _Part(name, argument.annotation, passed_as, name, is_required)


def _of_variable(model: nn.Module, reading: Mapping[str, Reading]) -> Iterator[_Part]:
    """What is taken out of `*args` and `**kwargs`."""
    for path in (path for path in reading if path.startswith("*") and "." not in path):
        for entry in _entries(model, reading, path):
            if entry != path and not reading[entry].is_optional:
                key = entry[len(path) + 1 :]
                yield _Part(key, None, key if path.startswith("**") else "", entry)


def _entries(model: nn.Module, reading: Mapping[str, Reading], path: str) -> list[str]:
    """The innermost entries of an argument; those that it may do without only where all are. The
    path itself where it has none: `src, dst = edge_index` is a tensor, as its name says."""
    below = [one for one in reading if one.rpartition(".")[0] == path]
    is_numbered = all(one.rpartition(".")[2].isdigit() for one in below)
    is_state = any(use.argument == "hx" for one in below for use in reading[one].uses)
    is_named = any(by_name(model, path.rpartition(".")[2]))
    is_list = path in reading and reading[path].is_list
    if not below or (is_numbered and is_named and not is_state and not is_list):
        return [path]
    needed = [one for one in below if not reading[one].is_optional] or below
    return [entry for one in needed for entry in _entries(model, reading, one)]


def _typed(path: str, reading: Mapping[str, Reading]) -> str:
    """The name of an entry as it is typed: "images[0]" of a list."""
    outer, _, key = path.rpartition(".")
    return f"{outer}[{key}]" if outer and reading[outer].is_list and key.isdigit() else path


def _source(options: Sequence[Options]) -> str:
    sources = dict.fromkeys(option.source for option in options if option.source)
    return f"{GUESSED} from {', '.join(sources)}" if sources else GUESSED


def _combined(parts: Sequence[_Part], options: Sequence[Options]) -> tuple[Specs, ...]:
    return combined(
        [
            [
                msgspec.structs.replace(spec, name=part.passed_as)
                for spec in option.specs or ANYTHING
            ]
            for part, option in zip(parts, options, strict=True)
        ]
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
    why = f"the forward of {type(model).__name__} takes {takes}, and no input was given"
    if lazy := next((path for path, each in model.named_modules() if is_lazy_layer(each)), None):
        why += f"; {lazy or 'it'} learns its size from the first, so none is guessed"
    return BadInput(
        why,
        f"Say what to feed it: {typed}",
    )
