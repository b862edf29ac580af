"""What a model is made of, without running it: one walk, every module and parameter once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.garbage import no_collections


@dataclass(slots=True)
class Node:
    """One place in the tree, in pre-order. A shared module has a node at every place."""

    name: str
    path: str
    depth: int
    parent: int
    """The index of the parent's node; -1 for the root."""
    module: nn.Module
    first_path: str = ""
    """Where the module stands first, when this is not the first place."""
    is_shared: bool = False
    is_cycle: bool = False
    own: int = 0
    total: int = 0
    trainable: int = 0
    tied: list[str] = field(default_factory=list)
    """Names of own parameters that another module has too, as "weight = embed.weight"."""
    tied_to: list[int] = field(default_factory=list)
    """The indices of the nodes that have those first."""


@no_collections()
def walk(model: nn.Module, ranks: Mapping[int, int] | None = None) -> list[Node]:
    """Every module in pre-order. One met again gets a row, but is not entered again, so that
    neither sharing nor a cycle makes the tree endless.

    The children of a module that has a forward stand in the order of their ranks, by `id`, those
    without one last; else, and where ranks are equal, in the order they were registered.
    """
    nodes: list[Node] = []
    first: dict[int, str] = {}
    stack: list[tuple[str, str, int, int, nn.Module]] = [("", "", 0, -1, model)]
    while stack:
        name, path, depth, parent, module = stack.pop()
        node = Node(name, path, depth, parent, module)
        place = len(nodes)
        nodes.append(node)
        if id(module) in first:
            node.first_path = first[id(module)]
            node.is_shared = True
            node.is_cycle = _is_inside_itself(nodes, place)
            continue
        first[id(module)] = path
        for child_name, child in reversed(_children(module, ranks)):
            if child is not None:
                child_path = f"{path}.{child_name}" if path else child_name
                stack.append((child_name, child_path, depth + 1, place, child))
    return nodes


def walk_as_called(model: nn.Module, called: Iterable[nn.Module]) -> list[Node]:
    """`walk`, the parts of a module in the order of their first calls, as its forward reads.

    What was not called itself, as a ModuleList, stands where its first part was called, and its
    own parts in the order they were registered; what was not called at all comes last.
    """
    nodes = walk(model)
    first: dict[int, int] = {}
    for place, module in enumerate(called):
        first.setdefault(id(module), place)
    never = len(first) and max(first.values()) + 1
    ranks = [first.get(id(node.module), never) for node in nodes]
    for place in range(len(nodes) - 1, 0, -1):
        parent = nodes[place].parent
        ranks[parent] = min(ranks[parent], ranks[place])
    known: dict[int, int] = {}
    for node, rank in zip(nodes, ranks, strict=True):
        known[id(node.module)] = min(rank, known.get(id(node.module), never))
    return nodes if _is_ordered(nodes, known) else walk(model, known)


def _is_ordered(nodes: Sequence[Node], ranks: Mapping[int, int]) -> bool:
    """Mostly the parts were registered as they are called, and one walk is enough."""
    latest: dict[int, int] = {}
    for node in nodes[1:]:
        rank = ranks[id(node.module)]
        if rank < latest.get(node.parent, 0) and has_forward(nodes[node.parent].module):
            return False
        latest[node.parent] = rank
    return True


def _children(
    module: nn.Module, ranks: Mapping[int, int] | None
) -> list[tuple[str, nn.Module | None]]:
    children = list(getattr(module, "_modules", {}).items())  # none without super().__init__()
    if ranks is not None and has_forward(module):
        children.sort(key=lambda child: ranks.get(id(child[1]), 0))
    return children


def _is_inside_itself(nodes: list[Node], place: int) -> bool:
    module, place = nodes[place].module, nodes[place].parent
    while place >= 0:
        if nodes[place].module is module:
            return True
        place = nodes[place].parent
    return False


@no_collections()
def count_parameters(nodes: list[Node]) -> None:
    """Fill `own`, `total`, `trainable` and `tied`, each parameter once a subtree.

    A parameter that stands at several nodes is counted at each, and taken off again where two
    of them meet: at their lowest common ancestor, for neighbours in pre-order.
    """
    last_seen: dict[int, int] = {}
    first_name: dict[int, str] = {}
    first_place: dict[int, int] = {}
    own_trainable = [0] * len(nodes)
    twice = [0] * len(nodes)
    twice_trainable = [0] * len(nodes)
    for place, node in enumerate(nodes):
        for name, parameter in _own_parameters(node):
            size, key = numel(parameter), id(parameter)
            node.own += size
            own_trainable[place] += size * parameter.requires_grad
            if key in last_seen:
                meeting = _common_ancestor(nodes, last_seen[key], place)
                twice[meeting] += size
                twice_trainable[meeting] += size * parameter.requires_grad
                if not node.is_shared:
                    node.tied.append(f"{name} = {first_name[key]}")
                    node.tied_to.append(first_place[key])
            last_seen[key] = place
            first_place.setdefault(key, place)
            first_name.setdefault(key, f"{node.path}.{name}" if node.path else name)
    for place, node in enumerate(nodes):
        node.total = node.own - twice[place]
        node.trainable = own_trainable[place] - twice_trainable[place]
    for node in reversed(nodes):
        if node.parent >= 0:
            nodes[node.parent].total += node.total
            nodes[node.parent].trainable += node.trainable
    own = {node.path: node.own for node in nodes}
    for node in nodes:
        if node.is_shared:
            node.own = own[node.first_path]


def _own_parameters(node: Node) -> Iterable[tuple[str, nn.Parameter]]:
    """The module's direct parameters; all of its subtree's where the tree stops at it."""
    if node.is_shared:
        return node.module.named_parameters()
    held = {id(p): (name, p) for name, p in node.module._parameters.items() if p is not None}
    return held.values()


def _common_ancestor(nodes: list[Node], one: int, other: int) -> int:
    while one != other:
        if one > other:
            one, other = other, one
        other = nodes[other].parent
    return one


def has_forward(module: nn.Module) -> bool:
    """Not so a ModuleList, ModuleDict or ParameterList, or one whose class forgot to define it."""
    for kind in type(module).__mro__:
        if "forward" in kind.__dict__:
            return kind is not nn.Module or "forward" in module.__dict__
    return False


def numel(tensor: torch.Tensor) -> int:
    """Elements; 0 for a lazy parameter that has no shape yet."""
    return 0 if is_lazy(tensor) else tensor.numel()


def size_bytes(tensor: torch.Tensor) -> int:
    """Bytes of the elements; 0 for a lazy parameter."""
    return 0 if is_lazy(tensor) else tensor.numel() * tensor.element_size()
