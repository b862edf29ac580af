"""From a target to a built model: import what it names, and have it built."""

from __future__ import annotations

import importlib
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.build import build
from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.libraries.catalog import find_entry
from nninspect.engine.libraries.library import Entry
from nninspect.engine.meta import build_on_meta, why_too_large
from nninspect.engine.target import FileTarget, LibraryTarget, ModuleTarget, parse_target
from nninspect.engine.user_imports import UserImports, import_root
from nninspect.errors import BadTarget, ImportFailed, Interrupted
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
        entry: Entry | None = None,
        kept_on_meta: str = "",
        values: KnownValues | None = None,
    ) -> None:
        self.model = model
        self.entry = entry
        """What a library says of it, where one built it."""
        self.kept_on_meta = kept_on_meta
        """Why it has no values although they were asked for, a sentence; ""."""
        self.values = values or KnownValues()
        """What is known of the small tensors of a model on meta."""
        self.card = card
        self.build_s = build_s
        self.is_lazy = any(is_lazy(parameter) for parameter in model.parameters())
        """It takes its shapes from the first input that it gets."""
        self._imports = imports

    @property
    def files(self) -> tuple[str, ...]:
        """The user's files that were imported for it so far."""
        return self._imports.files() if self._imports is not None else ()

    def forget(self) -> None:
        """Drop the user's modules, so that the next load reads their files again."""
        if self._imports is not None:
            self._imports.remove()


def load(target: str, settings: Sequence[Setting] = (), *, on_meta: bool = False) -> Loaded:
    """Import and build what the target names, on meta where that is asked for.

    A library's model that does not fit into the free memory is on meta all the same.
    Raises BadTarget, BadSetting, ImportFailed or BuildFailed.
    """
    parsed = parse_target(target)
    _forget_defaults()
    if isinstance(parsed, LibraryTarget):
        return _from_library(find_entry(parsed), settings, target, on_meta)
    if isinstance(parsed, ModelCard):
        module_name, _, attribute = parsed.factory.partition(":")
        module = _imported(lambda: importlib.import_module(module_name))
        return _loaded(
            _named(module, attribute, module_name), settings, target, on_meta, card=parsed
        )
    imports = UserImports(_root(parsed))
    imports.install()
    try:
        module = _imported(lambda: _import_module(parsed, imports))
        file = target.strip().removesuffix(f":{parsed.attribute}")
        attribute = parsed.attribute or _only_model(module, file)
        return _loaded(_named(module, attribute, file), settings, target, on_meta, imports=imports)
    except BaseException:  # what was imported on the way goes, whatever ended it
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
    except (BadTarget, Interrupted):
        raise
    except BaseException as error:  # whatever it is, the user's module raised it
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
    own are those of its modules. One of torch's losses is no model."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (_is_model(value) or _is_own_class(module, value))
    ]


def _is_model(value: object) -> bool:
    return isinstance(value, nn.Module) and not isinstance(value, nn.modules.loss._Loss)


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
    on_meta: bool,
    *,
    card: ModelCard | None = None,
    imports: UserImports | None = None,
) -> Loaded:
    _seed()
    started = time.perf_counter()
    values = None
    if on_meta:
        model, values = build_on_meta(factory, settings, target)
    else:
        model = build(factory, settings, target)
    return Loaded(model, card, imports, time.perf_counter() - started, values=values)


def _seed() -> None:
    torch.manual_seed(SEED)
    random.seed(SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(SEED)


def _from_library(entry: Entry, settings: Sequence[Setting], target: str, on_meta: bool) -> Loaded:
    """Built on meta first, which costs next to nothing, to see whether the rest would fit."""
    _seed()
    started = time.perf_counter()
    model, values = build_on_meta(entry.factory, settings, target)
    kept = "" if on_meta else why_too_large(model)
    if not (on_meta or kept):
        _seed()
        model = build(entry.factory, settings, target)
    return Loaded(model, None, None, time.perf_counter() - started, entry, kept, values)
