"""Calling a class or a factory with the user's settings, and checking what comes of it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any

from torch import nn

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.structure import walk
from nninspect.errors import BadSetting, BadTarget, BuildFailed, Interrupted
from nninspect.protocol.records import Setting
from nninspect.text.suggest import did_you_mean


def build(factory: Any, settings: Sequence[Setting], target: str) -> nn.Module:
    """Call a class or factory with the settings; an instance is taken as it is."""
    if isinstance(factory, nn.Module):
        if settings:
            raise BadSetting(
                f"{target} is a built model, so it takes no --set",
                "Name its class or a function that builds it.",
            )
        return factory
    if not callable(factory):
        raise BadTarget(
            f"{target} is an instance of {type(factory).__name__}, not a model",
            "Name a class, a function that returns a model, or a model.",
        )
    arguments = _arguments(factory, settings, target)
    try:
        model = factory(**arguments)
    except Interrupted:
        raise
    except BaseException as error:  # whatever it is, the model's code raised it
        raise BuildFailed(
            f"building {target} failed: {described(error)}",
            _build_hint(error),
            where=user_line(error),
            details=user_traceback(error),
        ) from error
    if not isinstance(model, nn.Module):
        raise _not_a_model(model, target)
    _check_initialised(model, target)
    return model


def _not_a_model(value: object, target: str) -> BadTarget:
    if value is None:
        return BadTarget(f"{target} returned None", "Is `return model` missing at its end?")
    return BadTarget(
        f"{target} returned an instance of {type(value).__name__}, not an nn.Module",
        "Name a class derived from nn.Module or a function that returns one.",
    )


def _check_initialised(model: nn.Module, target: str) -> None:
    """Without super().__init__() a module that registers nothing is built all the same, and
    every use of it fails later."""
    for node in walk(model):
        if not hasattr(node.module, "_parameters"):
            name = type(node.module).__name__
            raise BuildFailed(
                f"building {target} failed: {name} was not initialised as an nn.Module",
                f"Call super().__init__() first in the __init__ of {name}.",
                where=node.path,
            )


def _build_hint(error: BaseException) -> str:
    if isinstance(error, AttributeError) and "before Module.__init__() call" in str(error):
        return "Call super().__init__() first in the model's __init__."
    return "Mend the line above and reload; arguments are passed with --set name=value."


def _arguments(factory: Any, settings: Sequence[Setting], target: str) -> dict[str, object]:
    """The settings as keyword arguments, checked against the factory's signature."""
    values = {setting.name: _literal(setting.text) for setting in settings}
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return values
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {
        name: p
        for name, p in parameters.items()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    for name in values:
        if name not in named and not takes_any:
            takes = f"It takes {', '.join(named)}." if named else "It takes no arguments."
            guess = did_you_mean(name, named)
            raise BadSetting(f"{target} takes no argument {name}", f"{guess} {takes}".strip())
    missing = [name for name, p in named.items() if p.default is p.empty and name not in values]
    if missing:
        raise BadSetting(
            f"{target} needs {', '.join(missing)}",
            "Pass it: " + " ".join(f"--set {name}=…" for name in missing),
        )
    return values


def _literal(text: str) -> object:
    """A Python literal where the text is one, else the text: 3, True, (1, 2), "relu", relu."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
