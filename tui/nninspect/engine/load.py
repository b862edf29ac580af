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
from torch.nn.parameter import is_lazy

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.structure import walk
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
        self.is_lazy = any(is_lazy(parameter) for parameter in model.parameters())
        """It takes its shapes from the first input that it gets."""
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
    _forget_defaults()
    if isinstance(parsed, ModelCard):
        module_name, _, attribute = parsed.factory.partition(":")
        module = _imported(lambda: importlib.import_module(module_name))
        return _loaded(_named(module, attribute, module_name), settings, target, card=parsed)
    imports = UserImports(_root(parsed))
    imports.install()
    try:
        module = _imported(lambda: _import_module(parsed, imports))
        file = target.strip().removesuffix(f":{parsed.attribute}")
        attribute = parsed.attribute or _only_model(module, file)
        return _loaded(_named(module, attribute, file), settings, target, imports=imports)
    except BaseException:
        imports.remove()
        raise


def _forget_defaults() -> None:
    """Defaults that the file loaded before has set are not this one's."""
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)


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
    except (Exception, SystemExit) as error:
        what, hint = _import_problem(error)
        raise ImportFailed(
            f"the import failed: {what}",
            hint,
            where=user_line(error),
            details=user_traceback(error),
        ) from error


def _import_problem(error: BaseException) -> tuple[str, str]:
    """What an import that raised complains of, and what to do about it."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"there is no module {error.name}", (
            f"Install {error.name} into the environment that nninspect runs in, "
            "or put its folder next to the file."
        )
    if isinstance(error, SystemExit):
        return f"it ends the program ({described(error)})", (
            "Put what is for running the file, not for importing it, under "
            'if __name__ == "__main__":'
        )
    return described(error), "Mend the line above and reload."


def _only_model(module: ModuleType, file: str) -> str:
    """The one model that a module offers. Raises BadTarget with the choices where it has more."""
    names = model_names(module)
    if len(names) == 1:
        return names[0]
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
    """The module's own nn.Module classes and instances, in the order of the file; a package's
    own are those of its modules."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, nn.Module) or _is_own_class(module, value))
    ]


def _is_own_class(module: ModuleType, value: object) -> bool:
    if not (isinstance(value, type) and issubclass(value, nn.Module)):
        return False
    return f"{value.__module__}.".startswith(f"{module.__name__}.")


def _named(module: ModuleType, attribute: str, file: str) -> Any:
    value: Any = module
    for name in attribute.split("."):
        if not hasattr(value, name):
            known = [known for known in dir(value) if not known.startswith("_")]
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
            f"{target} is an instance of {type(factory).__name__}, not a model",
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
