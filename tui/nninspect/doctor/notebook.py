"""Evidence from a notebook: its code cells as source, read and never run."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nninspect.doctor.source import SourceFile
from nninspect.errors import BadTarget

NOTEBOOK = ".ipynb"

_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Notebook:
    """The code cells that are Python, by their number among all code cells, from 1."""

    path: str
    cells: tuple[tuple[int, SourceFile], ...]


def read_notebook(path: Path) -> Notebook:
    """Each cell as a file of its own, named "net.ipynb:cell 2". Raises BadTarget."""
    try:
        found = json.loads(path.read_text("utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTarget(
            f"{path} is no notebook that can be read: {error}", "Save it anew in Jupyter."
        ) from None
    trees = {number: tree for number, text in enumerate(texts, 1) if (tree := _parsed(text))}
    imports = [node for tree in trees.values() for node in tree.body if isinstance(node, _IMPORTS)]
    cells = tuple(
        (number, SourceFile(f"{path}:cell {number}", texts[number - 1], _with(tree, imports)))
        for number, tree in trees.items()
    )
    return Notebook(str(path), cells)


def _parsed(text: str) -> ast.Module | None:
    """None where it is no Python, even without the lines that only IPython understands."""
    lines = ("" if line.lstrip()[:1] in ("%", "!") else line for line in text.split("\n"))
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return None


def _with(tree: ast.Module, imports: Sequence[ast.stmt]) -> ast.Module:
    """A cell knows the imports of the others."""
    return ast.Module([*imports, *(n for n in tree.body if n not in imports)], tree.type_ignores)
