"""What a call of a module is: one step or many, and what its arguments are called."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType

import torch
from torch import nn
from torch.jit import ScriptModule


@contextmanager
def module_by_module() -> Iterator[None]:
    """Without the short cuts that call no submodule: a compiled forward, and the fused one of
    `nn.TransformerEncoderLayer`."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if "torch._dynamo" in sys.modules:
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def is_leaf_of_torch(module: nn.Module) -> bool:
    """A module of torch's own whose ops are its own business: it is one step to its user."""
    if isinstance(module, (ScriptModule, nn.MultiheadAttention)):
        return True
    return type(module).__module__.startswith("torch.") and not module._modules


def argument_names(kind: type[nn.Module]) -> tuple[str, ...]:
    forward = getattr(kind, "forward", None)
    if isinstance(forward, FunctionType) and not hasattr(forward, "__wrapped__"):
        code = forward.__code__  # a signature takes a hundred times as long
        return code.co_varnames[1 : code.co_argcount]
    try:
        parameters = inspect.signature(kind.forward).parameters.values()
    except (AttributeError, TypeError, ValueError):  # a ScriptModule's has none
        return ()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(p.name for p in positional[1:])
