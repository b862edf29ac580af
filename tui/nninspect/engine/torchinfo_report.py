"""torchinfo's figures for a model, taken with the guards that it needs.

torchinfo 1.8.0 resets every module's mode, uses up random numbers, keeps the model alive in a
cache, leaves hooks behind when it fails, and is quadratic in modules and exponential in depth.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.jit import ScriptModule

from nninspect.engine.blame import described
from nninspect.engine.inputs import Arguments
from nninspect.engine.structure import Node
from nninspect.errors import Interrupted

MAX_MODULES = 10_000
MAX_DEPTH = 15


@dataclass(frozen=True)
class TorchinfoCall:
    """What torchinfo says of one call of one module."""

    input_size: tuple[int, ...]
    output_size: tuple[int, ...]
    parameters: int
    mult_adds: int


@dataclass(frozen=True)
class TorchinfoReport:
    """torchinfo's figures by `id` of the module; `skipped` says why there are none."""

    calls: dict[int, list[TorchinfoCall]] = field(default_factory=dict)
    parameters: int | None = None
    mult_adds: int | None = None
    skipped: str = ""


def torchinfo_report(nodes: list[Node], arguments: Arguments) -> TorchinfoReport:
    """Run torchinfo on the model. Call it within `unchanged`; it runs the forward once more."""
    try:
        import torchinfo
    except ImportError as error:
        return TorchinfoReport(skipped=f"torchinfo can't be imported: {error}")
    args, kwargs = arguments
    clash = inspect.signature(torchinfo.summary).parameters.keys() & kwargs.keys()
    if reason := _why_not(nodes):
        return TorchinfoReport(skipped=f"torchinfo was skipped: {reason}")
    if args and clash:
        return TorchinfoReport(
            skipped=f"torchinfo was skipped: it has an argument {min(clash)} of its own"
        )
    model = nodes[0].module
    by_keyword: dict[str, Any] = dict(kwargs) if args else {}
    try:
        statistics = torchinfo.summary(
            model,
            input_data=list(args) if args or not kwargs else kwargs,
            depth=MAX_DEPTH + 1,
            mode="train" if model.training else "eval",
            verbose=0,
            **by_keyword,
        )
        return TorchinfoReport(
            _calls(statistics.summary_list), statistics.total_params, statistics.total_mult_adds
        )
    except Interrupted:
        raise
    except BaseException as error:  # it raises whatever the shapes it meets make it raise
        return TorchinfoReport(skipped=f"torchinfo failed: {described(error.__cause__ or error)}")
    finally:
        torchinfo.torchinfo.clear_cached_forward_pass()


def _why_not(nodes: list[Node]) -> str:
    if len(nodes) > MAX_MODULES:
        return f"over {MAX_MODULES:,} modules it takes minutes"
    if any(node.is_cycle for node in nodes):
        return "a module contains itself, and it would never end"
    if max(node.depth for node in nodes) > MAX_DEPTH:
        return f"deeper than {MAX_DEPTH} levels it takes minutes"
    if any(isinstance(node.module, ScriptModule) for node in nodes):
        return "it can't look into a ScriptModule"
    return ""


def _calls(layers: list[Any]) -> dict[int, list[TorchinfoCall]]:
    calls: dict[int, list[TorchinfoCall]] = defaultdict(list)
    for layer in layers:
        if layer.executed:
            calls[layer.layer_id].append(
                TorchinfoCall(
                    tuple(layer.input_size),
                    tuple(layer.output_size),
                    layer.num_params,
                    layer.macs if layer.is_leaf_layer else 0,
                )
            )
    return dict(calls)


def is_leaf(module: nn.Module) -> bool:
    """As torchinfo has it: without submodules."""
    return next(module.children(), None) is None
