"""NN109: a network that a Sequential can't express."""

from __future__ import annotations

import copy
import re
from itertools import pairwise

import torch
from torch import nn

from nninspect.doctor.causes import FailureRule, place_of, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.roles import Role, name_of, role_of
from nninspect.engine.recorder import Call
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.shapes import shape

Shape = tuple[int, ...]

_TUPLE = re.compile(r"must be Tensor, not tuple|'tuple' object has no attribute")
_ARGUMENTS = re.compile(
    r"Sequential\.forward\(\) takes 2 positional arguments but (\d+) were given"
)
_WHY = "An nn.Sequential hands the output of each module to the next; nothing goes around."


class SequentialSkip(FailureRule):
    """A Sequential whose shapes only fit if something went around part of it.

    What it flags: a forward that fails in a Sequential, at a module that fits the input of the
        Sequential instead of what the module before it gives, and that would give the same
        shape as that one: a skip connection. Also a module that returns a tuple within a
        Sequential, as nn.LSTM, and a Sequential that is called with several inputs. A number
        that merely does not meet is NN601, and a Sequential of residual blocks is fine.
    Why: an nn.Sequential hands the output of each module to the next; branches, skips and
        several values can't be written in it.
    Instead: write the block as an nn.Module whose forward says what goes where.
    Example:
        block = nn.Sequential(conv, norm, shortcut, nn.ReLU())
        class Block(nn.Module):
            def forward(self, x):
                return F.relu(self.norm(self.conv(x)) + self.shortcut(x))
    """

    code = "NN109"
    name = "sequential-skip"
    severity = Severity.ERROR

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        forward = evidence.recorded.forward if evidence.recorded is not None else None
        if failure is not evidence.forward_failure or forward is None or forward.failed is None:
            return None
        if match := _ARGUMENTS.search(said(failure)):
            return self._several(evidence, failure, int(match[1]) - 1)
        chain = forward.recorder.enclosing(forward.failed)
        for child, around in pairwise(chain):
            if isinstance(around.module, nn.Sequential):
                found = self._within(evidence, failure, around, child)
                if found is not None:
                    return found
        return None

    def _within(
        self, evidence: Evidence, failure: Failure, around: Call, child: Call
    ) -> Finding | None:
        before = _before(around, child)
        if before is None:
            return None
        structure = evidence.structure
        path, name = structure.path(child.module), type(before).__name__
        at = evidence.at_path(path)
        if _TUPLE.search(said(failure)) and isinstance(before, (nn.RNNBase, nn.MultiheadAttention)):
            return self.finding(
                f"{structure.path(before)} ({name}) returns a tuple, and the nn.Sequential hands"
                f" it to {path} as it is.",
                why=_WHY,
                change=f"out, state = self.{name.lower()}(x)\nreturn self.fc(out)",
                at=at,
                related=(structure.path(before),),
            )
        entered, given = _only(around), _only(child)
        if not entered or not given or not _fits_around(before, child, entered, given):
            return None
        return self.finding(
            f"{path} ({type(child.module).__name__}) gets {shape(given)} from the module before it"
            f" and fits {shape(entered)}, the input of {structure.path(around.module) or 'it all'}"
            f" ({type(around.module).__name__}), whose way around it would be.",
            why=_WHY,
            change="class Block(nn.Module):\n    def forward(self, x):\n"
            "        return torch.relu(self.residual(x) + self.shortcut(x))",
            at=at,
            related=(structure.path(around.module),),
        )

    def _several(self, evidence: Evidence, failure: Failure, count: int) -> Finding:
        return self.finding(
            f"An nn.Sequential is called with {count} inputs, and takes one.",
            why=_WHY,
            change="class Net(nn.Module):\n    def forward(self, x, other): ...",
            at=place_of(evidence, failure),
        )


def _before(around: Call, child: Call) -> nn.Module | None:
    """What stands before a module in a Sequential; None for the first."""
    parts = list(around.module.children())
    place = next((i for i, part in enumerate(parts) if part is child.module), 0)
    return parts[place - 1] if place else None


def _only(call: Call) -> Shape:
    return call.inputs[0].shape if len(call.inputs) == 1 else ()


def _fits_around(before: nn.Module, child: Call, entered: Shape, given: Shape) -> bool:
    """It takes what the Sequential takes, and gives what the module before it gives."""
    if entered == given or not (_is_one_by_one(child.module) or not _activates(before)):
        return False
    try:
        on_meta = copy.deepcopy(child.module).to("meta")
        result = on_meta(torch.empty(entered, device="meta"))
    except Exception:  # it does not fit there either
        return False
    return isinstance(result, torch.Tensor) and tuple(result.shape) == given


def _activates(module: nn.Module) -> bool:
    return role_of(name_of(module)) is Role.ACTIVATION


def _is_one_by_one(module: nn.Module) -> bool:
    """A projection: a 1x1 convolution, alone or first of its own Sequential."""
    first = next((m for m in module.modules() if not next(m.children(), None)), module)
    kernel = getattr(first, "kernel_size", ())
    return isinstance(kernel, tuple) and bool(kernel) and set(kernel) == {1}
