"""Importing the user's code as `python net.py` would, without letting it shadow our imports.

The user's folder may hold a `queue.py`, a `models/` or an `email/`. Their code must get those;
torch and this worker, which import lazily, must not. So the folder stands last on `sys.path`,
and where someone else has a name of the folder's too, the folder's module goes by a name of its
own, inside HOME, and is what the user's files get. No module is ever put in another one's place,
so no thread and no library meets the wrong one.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import (
    BuiltinImporter,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from nninspect.engine.blame import is_users

HOME = "_nninspect_user"
"""The package whose folder is the user's: `_nninspect_user.queue` is their `queue.py`."""

NEVER_SHADOWED = frozenset({"torch", "nninspect"})
"""A user's `torch.py` would hide the library that their model is made of."""


class UserImports:
    """One folder of the user's, importable while it is installed; see the module."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder that `import` of the user's code starts from."""
        self.root = root
        self._installed = False
        self._folders = [root]
        """Where the user's modules are."""
        self._taken: dict[str, bool] = {}

    def install(self) -> None:
        """Make the folder importable, last, and what its files import theirs, first."""
        self._plain_import = builtins.__import__
        self._path = list(sys.path)
        self._installed = True
        if str(self.root) not in sys.path:
            sys.path.append(str(self.root))
        home = ModuleSpec(HOME, None, is_package=True)
        home.submodule_search_locations = [str(self.root)]
        sys.modules[HOME] = importlib.util.module_from_spec(home)
        sys.meta_path.insert(sys.meta_path.index(PathFinder), self)
        builtins.__import__ = self._import
        importlib.invalidate_caches()

    def remove(self) -> None:
        """Undo `install` and forget every module that came from the user's folders."""
        if not self._installed:
            return
        self._installed = False
        builtins.__import__ = self._plain_import
        sys.meta_path.remove(self)
        self._note_added_folders()
        sys.path[:] = self._path
        own = [name for name, module in list(sys.modules.items()) if self._is_own(name, module)]
        for name in own:  # a namespace package can't be asked once its parent is gone
            del sys.modules[name]
        self._taken.clear()
        importlib.invalidate_caches()

    def files(self) -> tuple[str, ...]:
        """The user's files that are imported."""
        modules = [
            module for name, module in list(sys.modules.items()) if self._is_own(name, module)
        ]
        found = {getattr(module, "__file__", None) for module in modules}
        return tuple(sorted(file for file in found if isinstance(file, str)))

    def load(self, name: str) -> ModuleType:
        """Import a module of the folder by its dotted name, or any other importable one."""
        full, file = self._full_name(name), _file_of(name.partition(".")[0])
        if full == name and file and is_users(file):  # an editable install: read anew each time
            self._folders.append(import_root(Path(file)))
        with _plain_names():
            return importlib.import_module(full)

    def load_file(self, path: Path) -> ModuleType:
        """Import one file, whatever its name; its package, where it has one, comes along."""
        dotted = dotted_name(path, self.root)
        name = self._full_name(dotted)
        if "." not in dotted and path != self._place(dotted):  # `net.py` beside a package `net`
            name = f"{HOME}.{dotted}"
        with _plain_names():
            if package := name.rpartition(".")[0]:
                importlib.import_module(package)
            module = sys.modules.get(name)
            if module is not None and module.__file__ == str(path):
                return module
            return _load_from(name, path)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The user's files as Python finds them, but read from their source each time."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not self._is_own_file(spec.origin):
            return None
        if type(spec.loader) is SourceFileLoader:
            spec.loader = _SourceOnly(name, spec.origin)
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and globals and self._is_own_importer(globals):
            top = name.partition(".")[0]
            if top not in NEVER_SHADOWED and self._is_taken(top):
                with _plain_names():
                    full = f"{HOME}.{name}"
                    found = self._plain_import(full, globals, locals, fromlist or (), 0)
                return found if fromlist else sys.modules[f"{HOME}.{top}"]
        return self._plain_import(name, globals, locals, fromlist or (), level)

    def _is_own_importer(self, globals: Mapping[str, object]) -> bool:
        file, name = globals.get("__file__"), str(globals.get("__name__") or "")
        return (
            isinstance(file, str)
            and self._is_own_file(file)
            and name.partition(".")[0] not in NEVER_SHADOWED
        )

    def _full_name(self, name: str) -> str:
        """The name that a module of the folder goes by; any other one's is left as it is."""
        top = name.partition(".")[0]
        return f"{HOME}.{name}" if self._is_taken(top) else name

    def _is_taken(self, top: str) -> bool:
        """The folder has a module of that name, and `import` would find another one."""
        if top not in self._taken:
            place = self._place(top)
            self._taken[top] = place is not None and not self._would_find(top, place)
        return self._taken[top]

    def _would_find(self, top: str, place: Path) -> bool:
        found = _file_of(top)
        if found is None:
            return False
        self._note_added_folders()
        added = self._folders[1:]
        return found == str(place) or any(_is_below(found, folder) for folder in added)

    def _place(self, top: str) -> Path | None:
        """The file that makes `top` a module of the folder. A folder of other things, without
        an `__init__.py`, gives way to any module of that name, and so does a script's `sys.py`
        to what Python has built in."""
        if BuiltinImporter.find_spec(top) or FrozenImporter.find_spec(top):
            return None
        package, module = self.root / top / "__init__.py", self.root / f"{top}.py"
        return next((file for file in (package, module) if file.is_file()), None)

    def _note_added_folders(self) -> None:
        """What the user's code put on `sys.path` is the user's as well."""
        for entry in sys.path:
            folder = Path(entry or ".").absolute()
            if entry not in self._path and folder not in self._folders:
                self._folders.append(folder)

    def _is_own(self, name: str, module: ModuleType | None) -> bool:
        top = name.partition(".")[0]
        if top == HOME or top in NEVER_SHADOWED:
            return top == HOME
        held = getattr(module, "__dict__", {})
        file = held.get("__file__")
        if file is None:  # a namespace package: a folder without __init__.py
            return any(self._is_own_file(str(place)) for place in held.get("__path__") or ())
        return isinstance(file, str) and self._is_own_file(file)

    def _is_own_file(self, file: str) -> bool:
        return any(_is_below(file, folder) for folder in self._folders) and is_users(file)


class _SourceOnly(SourceFileLoader):
    """Neither reads nor writes bytecode: Python tells a stale one by whole seconds and the size
    only, which two quick edits can share."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _file_of(top: str) -> str | None:
    """The file that `import` of the name would give, which is not done."""
    module = sys.modules.get(top)
    if module is not None:
        return getattr(module, "__file__", None)
    spec = importlib.util.find_spec(top)
    return spec.origin if spec is not None else None


def _load_from(name: str, path: Path) -> ModuleType:
    loader = _SourceOnly(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return sys.modules[name]


@contextmanager
def _plain_names() -> Iterator[None]:
    """What an import complains of is named as the user named it, without HOME."""
    try:
        yield
    except ImportError as error:
        error.name = error.name and error.name.removeprefix(f"{HOME}.")
        error.msg = error.msg and error.msg.replace(f"{HOME}.", "")
        raise


def _is_below(file: str, folder: Path) -> bool:
    return file.startswith(os.path.join(folder, ""))


def import_root(path: Path) -> Path:
    """The folder that a file's imports start from: above its outermost package."""
    folder = path.parent
    while _is_package(folder) and folder.parent != folder:
        folder = folder.parent
    return folder


def dotted_name(path: Path, root: Path) -> str:
    """The name a file has as a module below `root`; a dot within the file's name is a dash."""
    parts = [*path.relative_to(root).parent.parts, path.stem.replace(".", "-")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()
