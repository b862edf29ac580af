"""A notebook with two classes in one cell, run as a kernel would; the network is its `MLP`.

One mistake, marked in `broken_notebook.ipynb`; compare `mlp_module.py`.
"""

import json
from importlib.resources import files
from typing import Any

from torch import nn


def code_cells() -> list[str]:
    """The source of the notebook's code cells, in order."""
    notebook = json.loads(files("nninspect_models").joinpath("broken_notebook.ipynb").read_text())
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(cells: list[str], namespace: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run cells one after another in one namespace, a fresh one where none is given."""
    names = {"__name__": __name__} if namespace is None else namespace
    for cell in cells:
        exec(cell, names)
    return names


MLP: type[nn.Module] = run(code_cells())["MLP"]
