"""Recurrent layers: input size, dimensions, and the hidden state."""

from __future__ import annotations

from typing import Any

from torch import nn

from nninspect.engine.failures.facts import Facts, Shape, ints, set_instead

_CELLS = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)


def recurrent(facts: Facts) -> str:
    """The input size to set; the dimensions to mend; the shape a hidden state must have."""
    got = facts.got
    if got is None or not facts.is_plain(nn.RNNBase, *_CELLS):
        return ""
    module: Any = facts.module
    ranks = (2, 3) if isinstance(module, nn.RNNBase) else (1, 2)
    packed = any(tensor.key.endswith("batch_sizes") for tensor in facts.inputs)
    if len(got) not in ranks and not packed:
        return (
            f"{facts.name} expects {ranks[0]} or {ranks[1]} dimensions, the last of "
            f"input_size={module.input_size}, and got {len(got)}, in {got}."
        )
    if got[-1] != module.input_size:
        return set_instead(facts.name, "input_size", module.input_size, got, -1)
    return _hidden(facts, got)


def _hidden(facts: Facts, got: Shape) -> str:
    match = facts.says(r"Expected hidden(?:\[\d\])? size (\([^)]*\)), got (\[[^]]*\])")
    if match:
        wanted, given = ints(match[1]), ints(match[2])
        says = f"{facts.name} expects a hidden state of {wanted} and got {given}"
        if _is_batch_first(facts.module, got, wanted, given):
            return f"{says}: its input {got} has the batch first, so set batch_first=True."
        return f"{says}: it is (layers, batch, hidden_size)."
    match = facts.says(r"hidden\d has inconsistent hidden_size: got (\d+),? expected (\d+)")
    if match:
        return (
            f"{facts.name} expects a hidden state of hidden_size={match[2]} and got {match[1]}: "
            f"set hidden_size={match[1]}, or make the state {match[2]} wide."
        )
    return ""


def _is_batch_first(module: nn.Module, got: Shape, wanted: Shape, given: Shape) -> bool:
    """With `batch_first=True` the given state would have been the right one."""
    if getattr(module, "batch_first", True) or len(got) != 3 or len(wanted) != len(given):
        return False
    return given == (wanted[0], got[0], *wanted[2:])
