"""The loss of a training script or notebook that the user points to: read there, never run."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nninspect.doctor.imports import dotted
from nninspect.doctor.notebook import NOTEBOOK, read_notebook
from nninspect.doctor.source import SourceFile, nodes_in, parsed
from nninspect.errors import BadInput
from nninspect.protocol.findings import loss_named

_TORCHS = ("torch.nn.", "torch.functional.")


class FoundLoss(NamedTuple):
    """A loss, and where it was read."""

    name: str
    """In `torch.nn.functional`."""
    place: str
    """ "train.py:5"."""


def loss_of(file: Path) -> FoundLoss:
    """The only loss that a file names. Raises BadInput where it can't be read, names none, or
    several: then nobody can tell which is this model's."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in _losses(code_in(file)):
        places[name].append(place)
    if not places:
        raise BadInput(f"{file.name} names no loss of torch's", "Say it by name: --loss mse")
    if len(places) > 1:
        told = ", ".join(f"{name} ({found[0]})" for name, found in places.items())
        raise BadInput(f"{file.name} names {len(places)} losses: {told}", "Say which: --loss NAME")
    ((name, found),) = places.items()
    known = loss_named(name)
    if known is None:
        raise BadInput(f"no rule knows the loss {name} ({found[0]})", "Leave --loss out.")
    return FoundLoss(known, found[0])


def code_in(file: Path) -> Sequence[SourceFile]:
    """A script, or the cells of a notebook. Raises BadInput where it can't be read."""
    if not file.is_file():
        raise BadInput(f"there is no file {file}", "Say the loss by name: --loss mse")
    if file.suffix == NOTEBOOK:
        return [cell for _, cell in read_notebook(file).cells]
    found = parsed(str(file))
    if found is None:
        raise BadInput(f"{file} is no Python that can be read", "Say the loss by name: --loss mse")
    return [found]


def _losses(files: Sequence[SourceFile]) -> Iterator[tuple[str, str]]:
    """Each mention of one of torch's losses: its name as it is written last, and the place."""
    for file in files:
        for node in nodes_in(file.tree):
            if not isinstance(node, ast.expr):
                continue
            name = dotted(file, node)
            last = name.rpartition(".")[2]
            if name.startswith(_TORCHS) and _is_loss(last):
                yield loss_named(last) or last, f"{Path(file.path).name}:{node.lineno}"


def _is_loss(name: str) -> bool:
    return loss_named(name) is not None or name.lower().endswith("loss")
