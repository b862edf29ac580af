"""From a target to a built model: import what it names, call it with the settings."""

from __future__ import annotations

import ast
import importlib
import inspect
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.target import FileTarget, ModuleTarget, parse_target
from nninspect.engine.user_imports import UserImports, import_root
from nninspect.errors import BadSetting, BadTarget, BuildFailed, ImportFailed
from nninspect.plugin import ModelCard
from nninspect.protocol.records import Setting
from nninspect.text.suggest import did_you_mean

SEED = 0
"""Every build and every input starts from the same random state, so two looks compare."""


class Loaded:
    """A built model, and where it came from."""

    def __init__(
        self,
        model: nn.Module,
        card: ModelCard | None,
        imports: UserImports | None,
        build_s: float,
    ) -> None:
        self.model = model
        self.card = card
        self.build_s = build_s
        self._imports = imports

    def forget(self) -> None:
        """Drop the user's modules, so that the next load reads their files again."""
        if self._imports is not None:
            self._imports.remove()


def load(target: str, settings: Sequence[Setting] = ()) -> Loaded:
    """Import and build what the target names.

    Raises BadTarget, BadSetting, ImportFailed or BuildFailed.
    """
    parsed = parse_target(target)
    if isinstance(parsed, ModelCard):
        module_name, _, attribute = parsed.factory.partition(":")
        factory = _named(_imported(lambda: importlib.import_module(module_name)), attribute, target)
        return _loaded(factory, settings, target, card=parsed)
    imports = UserImports(_root(parsed))
    imports.install()
    try:
        module = _imported(lambda: _import_module(parsed, imports))
        attribute = parsed.attribute or _only_model(module, target)
        return _loaded(_named(module, attribute, target), settings, target, imports=imports)
    except BaseException:
        imports.remove()
        raise


def _root(parsed: FileTarget | ModuleTarget) -> Path:
    return import_root(parsed.path) if isinstance(parsed, FileTarget) else Path.cwd()


def _import_module(parsed: FileTarget | ModuleTarget, imports: UserImports) -> ModuleType:
    if isinstance(parsed, FileTarget):
        return imports.load_file(parsed.path)
    try:
        return imports.load(parsed.module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if parsed.module != missing and not parsed.module.startswith(f"{missing}."):
            raise
        raise BadTarget(
            f"there is no module {missing}, neither in {Path.cwd()} nor installed",
            "Start nninspect where `import` would find it, or name the file: path/to/net.py:Net",
        ) from None


def _imported(importing: Callable[[], ModuleType]) -> ModuleType:
    try:
        return importing()
    except BadTarget:
        raise
    except ModuleNotFoundError as error:
        raise ImportFailed(
            f"the import failed: there is no module {error.name}",
            f"Install {error.name} into the environment that nninspect runs in, "
            "or put its folder next to the file.",
            where=user_line(error),
            details=user_traceback(error),
        ) from error
    except (Exception, SystemExit) as error:
        raise ImportFailed(
            f"the import failed: {described(error)}",
            "Mend the line above and reload.",
            where=user_line(error),
            details=user_traceback(error),
        ) from error


def _only_model(module: ModuleType, target: str) -> str:
    """The one model that a module offers. Raises BadTarget with the choices where it has more."""
    names = model_names(module)
    if len(names) == 1:
        return names[0]
    file = target.rstrip(":")
    if not names:
        raise BadTarget(
            f"{file} defines no nn.Module",
            f"Name a function that returns one: {file}:make_net",
        )
    choices = tuple(f"{file}:{name}" for name in names)
    raise BadTarget(
        f"{file} defines {len(names)} models: {', '.join(names)}",
        f"Say which: {choices[-1]}",
        choices=choices,
    )


def model_names(module: ModuleType) -> list[str]:
    """The module's own nn.Module classes and instances, in the order of the file."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            isinstance(value, nn.Module)
            or (
                isinstance(value, type)
                and issubclass(value, nn.Module)
                and value.__module__ == module.__name__
            )
        )
    ]


def _named(module: ModuleType, attribute: str, target: str) -> Any:
    value: Any = module
    for name in attribute.split("."):
        if not hasattr(value, name):
            file = target.rpartition(":")[0]
            known = [known for known in vars(value) if not known.startswith("_")]
            models = model_names(module)
            hint = did_you_mean(name, known) or (
                f"It defines {', '.join(models)}" if models else f"{file} defines no nn.Module"
            )
            raise BadTarget(
                f"{file} has no {attribute}",
                hint,
                choices=tuple(f"{file}:{model}" for model in models),
            )
        value = getattr(value, name)
    return value


def _loaded(
    factory: Any,
    settings: Sequence[Setting],
    target: str,
    *,
    card: ModelCard | None = None,
    imports: UserImports | None = None,
) -> Loaded:
    torch.manual_seed(SEED)
    started = time.perf_counter()
    model = build(factory, settings, target)
    return Loaded(model, card, imports, time.perf_counter() - started)


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
            f"{target} is a {type(factory).__name__}, not a model",
            "Name a class, a function that returns a model, or a model.",
        )
    arguments = _arguments(factory, settings, target)
    try:
        model = factory(**arguments)
    except (Exception, SystemExit) as error:
        raise BuildFailed(
            f"building {target} failed: {described(error)}",
            _build_hint(error),
            where=user_line(error),
            details=user_traceback(error),
        ) from error
    if not isinstance(model, nn.Module):
        raise BadTarget(
            f"{target} returned a {type(model).__name__}, not an nn.Module",
            "Name a class derived from nn.Module or a function that returns one.",
        )
    return model


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
