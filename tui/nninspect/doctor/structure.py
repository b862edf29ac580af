"""Evidence without a run: the modules of a model, who wrote them, what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from torch import nn

from nninspect.engine.structure import Node, walk

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


class Structure:
    """One walk of a model, and the questions that rules ask of it."""

    def __init__(self, model: nn.Module, nodes: Sequence[Node] | None = None) -> None:
        """`nodes`: the walk of a forward that was run, so that paths are those of its tree."""
        self.model = model
        self.nodes: Sequence[Node] = walk(model) if nodes is None else nodes

    @cached_property
    def paths(self) -> dict[int, str]:
        """The first path of each module, by `id`."""
        return {id(node.module): node.path for node in reversed(self.nodes)}

    @cached_property
    def by_path(self) -> dict[str, nn.Module]:
        """The module at each path."""
        return {node.path: node.module for node in self.nodes}

    def path(self, module: nn.Module) -> str:
        """Where a module stands first; "" also for one outside of the tree."""
        return self.paths.get(id(module), "")

    def modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Every module once, with its first path, in pre-order."""
        return ((node.path, node.module) for node in self.nodes if not node.is_shared)

    @cached_property
    def parameters(self) -> dict[str, nn.Parameter]:
        """Every parameter once, by its first name."""
        named: dict[str, nn.Parameter] = {}
        seen: set[int] = set()
        for path, module in self.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None and id(parameter) not in seen:
                    seen.add(id(parameter))
                    named[f"{path}.{name}" if path else name] = parameter
        return named

    def plain_attributes(self, module: nn.Module) -> dict[str, Any]:
        """What a module holds beside its parameters, buffers and parts."""
        return {name: value for name, value in vars(module).items() if name not in _OF_EVERY_MODULE}

    def hidden_parameters(self) -> Iterator[nn.Parameter]:
        """Of modules that plain attributes are: only `vars` and `object.__setattr__` put one
        there, so it is meant."""
        for _, module in self.modules():
            for value in self.plain_attributes(module).values():
                if isinstance(value, nn.Module):
                    yield from value.parameters()

    @cached_property
    def is_quantized(self) -> bool:
        """Some layer keeps its weights packed, in no parameter."""
        return any(".quantized." in type(module).__module__ for _, module in self.modules())

    def parent(self, path: str) -> tuple[str, nn.Module]:
        """The module that a row belongs to, an op's or a module's; the root for itself."""
        while path:
            path = path.rpartition(".")[0]
            if path in self.by_path:
                return path, self.by_path[path]
        return "", self.model

    def author(self, path: str) -> nn.Module | None:
        """The module whose class decided on what stands at a path: the innermost one around it
        that is no mere container; None where containers are all there is."""
        while path:
            path, module = self.parent(path)
            if not isinstance(module, _CONTAINERS) or type(module) not in _CONTAINERS:
                return module
        root = self.model
        return None if type(root) in _CONTAINERS else root
