"""A forward that raised, as a problem: where, what it got, and what to change."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from torch import nn

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.structure import Node, has_forward
from nninspect.engine.tensors import dtype_name
from nninspect.protocol.layers import Tensors
from nninspect.protocol.records import Problem
from nninspect.text.shapes import shape, tensors

_CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def forward_failure(
    error: BaseException, recorder: CallRecorder, nodes: Sequence[Node]
) -> tuple[Problem, Call | None]:
    """The problem, its `where` the module path of the innermost call that stands in the tree."""
    paths = {id(node.module): node.path for node in reversed(nodes)}
    chain = recorder.enclosing(recorder.failed) if recorder.failed else []
    failed = next((call for call in chain if id(call.module) in paths), None)
    path = paths[id(failed.module)] if failed else ""
    message = described(error)
    if line := user_line(error):
        message = f"{message} ({line})"
    problem = Problem(
        kind="ForwardFailed",
        message=message,
        hint=_hint(path, failed, error),
        where=path,
        details=user_traceback(error),
    )
    return problem, failed


def _hint(path: str, failed: Call | None, error: BaseException) -> str:
    if is_out_of_memory(error):
        return "The device has not enough memory: use a smaller batch, or another device."
    if failed is None:
        return "Mend the line above and reload."
    if "more than 1 value per channel when training" in str(error):
        return "In train mode a batch norm compares samples: use --batch 2 or more, or --eval."
    kind = type(failed.module)
    if not has_forward(failed.module):
        return _no_forward(kind)
    name = f"{path} ({kind.__name__})" if path else kind.__name__
    return mismatch(name, failed.module, failed.inputs) or (
        f"{name} got {tensors(failed.inputs)}. Mend the line above, or feed it something else "
        "with --input."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Of an accelerator, which has an exception for it, or of the CPU, which has not."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        "DefaultCPUAllocator" in str(error)
    )


def _no_forward(kind: type[nn.Module]) -> str:
    if kind.__module__.startswith("torch."):
        return f"{kind.__name__} only holds modules, and can't be called: call those in it."
    typed = difflib.get_close_matches("forward", vars(kind), n=1)
    instead = f"; it has {typed[0]}" if typed else ""
    return f"Define `def forward(self, x):` in {kind.__name__}{instead}."


def mismatch(name: str, module: nn.Module, inputs: Tensors) -> str:
    """What a layer expects, what it got, and the number to write; "" where the first input fits."""
    if not inputs:
        return ""
    got, dtype = inputs[0].shape, inputs[0].dtype
    if isinstance(module, nn.Embedding):
        return _embedding(name, module, got, dtype)
    return _shape_mismatch(name, module, got) or _dtype(name, module, dtype)


def _shape_mismatch(name: str, module: nn.Module, got: Sequence[int]) -> str:
    if isinstance(module, nn.Linear):
        return _unequal(name, "in_features", module.in_features, got, -1)
    if isinstance(module, _CONVOLUTIONS):
        place = -1 - len(module.kernel_size)
        return _unequal(name, "in_channels", module.in_channels, got, place)
    if isinstance(module, _BATCH_NORMS):
        return _unequal(name, "num_features", module.num_features, got, 1)
    if isinstance(module, nn.GroupNorm):
        return _unequal(name, "num_channels", module.num_channels, got, 1)
    if isinstance(module, nn.RNNBase):
        return _unequal(name, "input_size", module.input_size, got, -1)
    if isinstance(module, nn.LayerNorm):
        return _layer_norm(name, module.normalized_shape, got)
    return ""


def _layer_norm(name: str, wanted: tuple[int, ...], got: Sequence[int]) -> str:
    last = tuple(got[-len(wanted) :])
    if last == tuple(wanted):
        return ""
    return (
        f"{name} expects normalized_shape={shape(wanted)} as the last dimensions and got "
        f"{shape(last)}, in {shape(got)}."
    )


def _unequal(name: str, argument: str, wanted: int, got: Sequence[int], place: int) -> str:
    if not -len(got) <= place < len(got):
        return f"{name} expects {argument}={wanted} and got a tensor of shape {shape(got)}."
    if got[place] == wanted:
        return ""
    return (
        f"{name} expects {argument}={wanted} and got {got[place]}, in {shape(got)}: set "
        f"{argument}={got[place]}, or change what comes before it."
    )


def _dtype(name: str, module: nn.Module, dtype: str) -> str:
    weight = next(module.parameters(recurse=False), None)
    if weight is None or dtype_name(weight.dtype) == dtype or not _is_plain(module):
        return ""
    wanted = dtype_name(weight.dtype)
    return (
        f"{name} has {wanted} weights and got {dtype}: convert the input with .to(torch.{wanted})."
    )


def _is_plain(module: nn.Module) -> bool:
    """A layer of torch's, which has no use for an input of another dtype."""
    return type(module).__module__.startswith("torch.nn.modules.")


def _embedding(name: str, module: nn.Embedding, got: Sequence[int], dtype: str) -> str:
    typed = f"--input int64[0:{module.num_embeddings}]:{'x'.join(map(str, got))}"
    if dtype not in ("int64", "int32"):
        return f"{name} takes indices and got {dtype}: feed it integers, {typed}."
    return (
        f"{name} takes indices from 0 to num_embeddings - 1 = {module.num_embeddings - 1}: "
        f"feed it {typed}, or set num_embeddings higher."
    )
