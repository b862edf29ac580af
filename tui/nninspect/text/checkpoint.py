"""A file of weights as text: the head, the tree of its tensors, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nninspect.protocol.checkpoint import Checkpoint, Fit, StoredTensor
from nninspect.protocol.runs import SHORTEST
from nninspect.text import layers, shapes, units
from nninspect.text.plain import plain

COLUMNS = ("tensor", "shape", "dtype", "params", "bytes", "marks")
TEXT_COLUMNS = 3
MOST_TOLD = 12
"""Of the names in a remark; the others are counted."""
DEEPEST = 64
"""Dots of a path that part it; the rest is one name."""


class Part:
    """What has a name of its own in the tree: a tensor, or parts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: dict[str, Part] = {}
        self.tensor: StoredTensor | None = None
        self.count = 0
        self.size = 0
        self.kind: tuple[object, ...] = ()
        """Equal for parts that are alike."""


def head(found: Checkpoint) -> Iterator[str]:
    """What it is, and the totals."""
    yield f"{plain(found.path)}  ({plain(found.format)})"
    held = ", ".join(f"{plain(dtype)} {units.size(size)}" for dtype, size in found.dtypes)
    yield (
        f"  {units.counted(len(found.tensors), 'tensor')}, "
        f"{units.counted(found.parameters, 'parameter')}, {units.size(found.size)}"
        + (f": {held}" if len(found.dtypes) > 1 else f", {held.partition(' ')[0]}" if held else "")
    )
    if found.prefix:
        yield f"  the model's tensors are under {plain(found.prefix)!r}"


def table(found: Checkpoint, *, unfold: bool = False) -> list[tuple[str, ...]]:
    """A tensor, or what has tensors, a line; runs of equal ones are one."""
    return list(_rows(tree(found.tensors), 0, unfold))


def tree(tensors: Sequence[StoredTensor]) -> Part:
    """The parts of the paths, in the order that they first come, with their sums."""
    root = Part("")
    for tensor in tensors:
        part = root
        for name in tensor.path.split(".", DEEPEST):
            part = part.parts.setdefault(name, Part(name))
        part.tensor = tensor
    _sum_up(root)
    return root


def _sum_up(part: Part) -> None:
    for each in part.parts.values():
        _sum_up(each)
    tensor = part.tensor
    part.count = sum(each.count for each in part.parts.values()) + (tensor.count if tensor else 0)
    part.size = sum(each.size for each in part.parts.values()) + (tensor.size if tensor else 0)
    own = (tensor.shape, tensor.dtype, bool(tensor.also)) if tensor else ()
    below = tuple((name, hash(each.kind)) for name, each in part.parts.items())
    part.kind = (own, below)


def _rows(part: Part, depth: int, unfold: bool) -> Iterator[tuple[str, ...]]:
    for run in _runs(list(part.parts.values()), 0 if unfold else SHORTEST):
        yield _cells(run, depth)
        yield from _rows(run[0], depth + 1, unfold)


def _runs(parts: Sequence[Part], shortest: int) -> Iterator[Sequence[Part]]:
    """Neighbours that are alike together, where they are so many; the others each alone."""
    start = 0
    for place in range(1, len(parts) + 1):
        if place < len(parts) and parts[place].kind == parts[start].kind:
            continue
        run = parts[start:place]
        yield from [run] if shortest and len(run) >= shortest else ([each] for each in run)
        start = place


def _cells(run: Sequence[Part], depth: int) -> tuple[str, ...]:
    first = run[0]
    tensor, names = first.tensor, [part.name for part in run]
    name = layers.run_name(names) if len(run) > 1 else plain(first.name)
    return (
        "  " * depth + name,
        shapes.shape(tensor.shape) if tensor else "",
        plain(tensor.dtype) if tensor else "",
        layers.figure(sum(part.count for part in run)),
        units.size(sum(part.size for part in run)),
        _marks(tensor),
    )


def _marks(tensor: StoredTensor | None) -> str:
    if tensor is None:
        return ""
    tied = f"tied: {plain(', '.join(tensor.also))}" if tensor.also else ""
    return ", ".join(filter(None, (plain(tensor.file), tied)))


def remarks(found: Checkpoint) -> Iterator[str]:
    """What else is in it, what it says of itself, and what is odd."""
    if found.rest:
        yield "beside the model's tensors:"
        yield from (f"  {plain(name) or 'the whole'}: {plain(about)}" for name, about in found.rest)
    if found.metadata:
        yield "it says of itself:"
        yield from (f"  {plain(name)}: {plain(text)}" for name, text in found.metadata)
    if found.globals:
        yield f"names in the pickle beside torch's, named, never called: {_listed(found.globals)}"
    yield from map(plain, found.remarks)


def fit_lines(fit: Fit) -> Iterator[str]:
    """Whether the model can load it, and what is in the way."""
    model = plain(fit.model)
    yield f"{'fits' if fit.fits else 'does not fit'} {model}: {fit.matched:,} names in both"
    lists = (("missing", fit.missing), ("unexpected", fit.unexpected), ("tied", fit.tied))
    yield from (f"  {len(names):,} {what}: {_listed(names)}" for what, names in lists if names)
    for what, found in (("shape", fit.shapes), ("dtype", fit.dtypes)):
        told = [f"{each.path} {each.stored} in the file, {each.model} in it" for each in found]
        if told:
            yield f"  {len(told):,} of another {what}: {_listed(told)}"
    if fit.hint:
        yield f"  {plain(fit.hint)}"


def _listed(names: Sequence[str]) -> str:
    return units.listed([plain(each) for each in names], MOST_TOLD)
