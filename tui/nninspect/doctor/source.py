"""Evidence from the text: the user's own files as syntax trees."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import FunctionType, TracebackType
from typing import TypeGuard

from torch import nn

from nninspect.engine.blame import is_users

MAX_BYTES = 2_000_000
"""A longer file is no one's handwriting."""


@dataclass(frozen=True)
class SourceFile:
    """One file, or one cell of a notebook, and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line(self, number: int) -> str:
        """The text of a line, from 1; "" beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class in it, nested ones as well."""
        return (node for node in nodes_in(self.tree) if isinstance(node, ast.ClassDef))


@dataclass(frozen=True)
class SourceClass:
    """One class as it is written."""

    file: SourceFile
    node: ast.ClassDef
    kind: type | None = None
    """The class itself, where it exists."""

    @property
    def name(self) -> str:
        return self.node.name

    def method(self, name: str) -> ast.FunctionDef | None:
        """A method that the class itself defines."""
        for part in self.node.body:
            if isinstance(part, ast.FunctionDef) and part.name == name:
                return part
        return None

    def assignments(self, attribute: str) -> Sequence[ast.Assign | ast.AnnAssign]:
        """Where its methods set `self.attribute`."""
        return self._assigned.get(attribute, ())

    @cached_property
    def _assigned(self) -> dict[str, list[ast.Assign | ast.AnnAssign]]:
        found: dict[str, list[ast.Assign | ast.AnnAssign]] = {}
        for part in nodes_in(self.node):
            if isinstance(part, (ast.Assign, ast.AnnAssign)):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                for target in targets:
                    if isinstance(target, ast.Attribute) and is_self(target):
                        found.setdefault(target.attr, []).append(part)
        return found


@lru_cache(maxsize=1024)
def nodes_in(tree: ast.AST) -> tuple[ast.AST, ...]:
    """`ast.walk`, each tree once: one rule after the other asks."""
    return tuple(ast.walk(tree))


def is_self(node: ast.AST, attribute: str | None = None) -> TypeGuard[ast.Attribute]:
    """`self.attribute`; any attribute of self where none is named."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and attribute in (None, node.attr)
    )


class Source:
    """The user's own files that a model comes from; each is read and parsed once."""

    def __init__(self, target: Path | None = None, own_folders: Iterable[Path] = ()) -> None:
        """`target`: the file that the target names. `own_folders`: what is the user's although
        it is installed, as the package of a model card."""
        self._target = target
        self._own_folders = tuple(folder.resolve() for folder in own_folders)
        self._files: dict[str, SourceFile | None] = {}
        self._classes: dict[type, SourceClass | None] = {}

    def is_own(self, file: str) -> bool:
        """The user's file, no installed library's."""
        if not file or file.startswith("<"):
            return False
        if is_users(file):
            return True
        return any(folder in Path(file).resolve().parents for folder in self._own_folders)

    @property
    def target(self) -> SourceFile | None:
        """The file that the target names: there even where the model could not be built."""
        return None if self._target is None else self.file(str(self._target))

    def file(self, path: str) -> SourceFile | None:
        """One of the user's files; None for any other, or one that can't be read or parsed."""
        if path not in self._files:
            self._files[path] = parsed(path) if self.is_own(path) else None
        return self._files[path]

    def of_class(self, kind: type) -> SourceClass | None:
        """The class as the user wrote it; None for a library's."""
        if kind not in self._classes:
            self._classes[kind] = self._find(kind)
        return self._classes[kind]

    def is_librarys(self, kind: type) -> bool:
        """The class of an installed library: one that is made in a file that is not the user's."""
        module = sys.modules.get(kind.__module__)
        file = _first_code(kind)[0] or getattr(module, "__file__", None) or "<unknown>"
        return not file.startswith("<") and not self.is_own(file)

    def classes(self, model: nn.Module) -> Iterator[SourceClass]:
        """The user's classes that a model is made of, with their bases, each once."""
        kinds = {base: None for module in model.modules() for base in type(module).__mro__}
        return (found for kind in kinds if (found := self.of_class(kind)) is not None)

    def _find(self, kind: type) -> SourceClass | None:
        path, first_line = _first_code(kind)
        file = self.file(path)
        if file is None:
            return None
        for node in file.classes():
            if node.name == kind.__name__ and node.lineno <= first_line <= (node.end_lineno or 0):
                return SourceClass(file, node, kind)
        return None

    def frames(self, error: BaseException | None) -> Iterator[tuple[SourceFile, int, str]]:
        """The user's lines that an exception came through, innermost first: file, line, name."""
        trace: TracebackType | None = error.__traceback__ if error is not None else None
        found: list[tuple[SourceFile, int, str]] = []
        while trace is not None:
            file = self.file(trace.tb_frame.f_code.co_filename)
            if file is not None:
                found.append((file, trace.tb_lineno, trace.tb_frame.f_code.co_name))
            trace = trace.tb_next
        return reversed(found)


def _first_code(kind: type) -> tuple[str, int]:
    """The file and the line of the first method of a class: true however it was imported."""
    functions = (
        inspect.unwrap(value) for value in vars(kind).values() if isinstance(value, FunctionType)
    )
    codes = [function.__code__ for function in functions if isinstance(function, FunctionType)]
    own = [code for code in codes if code.co_qualname.startswith(f"{kind.__qualname__}.")]
    return (own[0].co_filename, own[0].co_firstlineno) if own else ("", 0)


def parsed(path: str) -> SourceFile | None:
    """A file as a syntax tree; None where it can't be read, or is no Python."""
    try:
        raw = Path(path).read_bytes()
        if len(raw) > MAX_BYTES:
            return None
        return SourceFile(path, raw.decode("utf-8", "replace"), ast.parse(raw))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
