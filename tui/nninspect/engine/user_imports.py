"""Importing the user's code as `python net.py` would, without letting it shadow our imports.

The user's folder may hold a `queue.py`, a `models/` or a `tui/`. Their code must get those;
torch and this worker, which import lazily, must not. So the folder stands at the end of
`sys.path`, and an import of a name that the folder has is answered from there only where the
importing file lies in the folder itself.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

NEVER_SHADOWED = frozenset({"torch", "nninspect", *sys.builtin_module_names})
"""A user's `torch.py` would hide the library that their model is made of."""


class UserImports:
    """One folder of the user's: its modules, and the hook that finds them first for its files."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder that `import` of the user's code starts from."""
        self.root = root
        self._own: dict[str, ModuleType] = {}
        self._plain_import = builtins.__import__

    def install(self) -> None:
        """Make the folder importable, last, and answer its files' imports from it, first."""
        sys.path.append(str(self.root))
        builtins.__import__ = self._import

    def remove(self) -> None:
        """Undo `install` and forget every module that came from the folder."""
        builtins.__import__ = self._plain_import
        if str(self.root) in sys.path:
            sys.path.remove(str(self.root))
        for name in [name for name, module in sys.modules.items() if self._is_own(module)]:
            del sys.modules[name]
        self._own.clear()
        importlib.invalidate_caches()

    def load(self, name: str) -> ModuleType:
        """Import a module of the folder by its dotted name, or any other importable one."""
        with self._in_front(name.partition(".")[0]):
            return importlib.import_module(name)

    def load_file(self, path: Path) -> ModuleType:
        """Import one file, whatever its name; its package, where it has one, comes along."""
        name = dotted_name(path, self.root)
        if all(part.isidentifier() for part in name.split(".")):
            return self.load(name)
        return self._load_odd_name(path)

    def _load_odd_name(self, path: Path) -> ModuleType:
        name = "".join(char if char.isalnum() else "_" for char in path.stem)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} can't be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        absolute = str((globals or {}).get("__package__") or "") if level else name
        top = absolute.partition(".")[0]
        if not self._has(top) or not self._is_own_file((globals or {}).get("__file__")):
            return self._plain_import(name, globals, locals, fromlist or (), level)
        with self._in_front(top):
            return self._plain_import(name, globals, locals, fromlist or (), level)

    @contextmanager
    def _in_front(self, top: str) -> Iterator[None]:
        """Within it, `top` and its submodules are the folder's; after it, what they were."""
        if not self._has(top):
            yield
            return
        others = {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] == top and not self._is_own(module)
        }
        for name in others:
            del sys.modules[name]
        sys.modules.update(self._named(top))
        sys.path.insert(0, str(self.root))
        try:
            yield
        finally:
            sys.path.remove(str(self.root))
            self._keep(top, others)

    def _named(self, top: str) -> dict[str, ModuleType]:
        return {name: module for name, module in self._own.items() if name.partition(".")[0] == top}

    def _keep(self, top: str, others: dict[str, ModuleType]) -> None:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == top and self._is_own(module):
                self._own[name] = module
                if others:
                    del sys.modules[name]
        sys.modules.update(others)

    def _has(self, top: str) -> bool:
        if not top or top in NEVER_SHADOWED:
            return False
        folder = self.root / top
        return (self.root / f"{top}.py").is_file() or (
            folder.is_dir() and (top not in sys.stdlib_module_names or _is_package(folder))
        )

    def _is_own(self, module: ModuleType | None) -> bool:
        if module is None or module.__name__.partition(".")[0] in NEVER_SHADOWED:
            return False
        file = getattr(module, "__file__", None)
        if file is None:  # a namespace package: a folder without __init__.py
            return any(self._is_own_file(place) for place in getattr(module, "__path__", ()))
        return self._is_own_file(file)

    def _is_own_file(self, file: object) -> bool:
        if not isinstance(file, str):
            return False
        path = Path(file)
        return (
            self.root in path.parents
            and "site-packages" not in path.parts
            and Path(sys.prefix) not in path.parents
        )


def import_root(path: Path) -> Path:
    """The folder that a file's imports start from: above its outermost package."""
    folder = path.parent
    while _is_package(folder) and folder.parent != folder:
        folder = folder.parent
    return folder


def dotted_name(path: Path, root: Path) -> str:
    """The name a file has as a module below `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()
