"""NN601: shapes that do not meet."""

from __future__ import annotations

import ast
import re

from torch import nn

from nninspect.doctor.causes import FailureRule, place_of, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.doctor.source import nodes_in
from nninspect.engine.blame import described
from nninspect.engine.failures.convolutions import CONVOLUTIONS
from nninspect.engine.recorder import Call
from nninspect.protocol.findings import Finding, Severity

_SHAPES = re.compile(
    r"shapes cannot be multiplied|same reduction dim|size mismatch"
    r"|expected input\S* to have \d+ channels|weight of size"
    r"|[Ss]izes? of tensors? .*must match|must match the (existing )?size|expanded size of"
    r"|is invalid for input of size|don't multiply up to the size"
    r"|running_mean should contain|normalized_shape|num_features|number of channels"
    r"|must be equal to input_size|input has inconsistent input_size|[Ee]xpected hidden"
    r"|inconsistent hidden_size|embedding dim of|embed_dim|embedding dimension"
    r"|stack expects each tensor|same number of dimensions|first two dimensions of batch"
    r"|[Ee]xpected \d+D|[Ee]xpected (3D|4D|5D|2D|1D)|[Ee]xpected \d-D|Expected \d-dimensional"
    r"|Kernel size can't be greater|[Oo]utput size is too small|could not be broadcast"
    r"|broadcastable|subscript \w+ has size|divisible by num(_g|_channels)|input_size"
    r"|must have the same (size|shape)|don't match|shape mismatch|mat1 dim 1"
)
"""What torch says of shapes, in its many ways."""
_FEATURES = ((nn.Linear, "in_features", -1), (nn.RNNBase, "input_size", -1))
_WHY = "The shapes of neighbours must meet: each layer is made for one size of its input."


class ShapesDoNotMeet(FailureRule):
    """What one step gives is not what the next was made for.

    What it flags: a forward that fails because two shapes don't go together: features of a
        linear layer, channels of a convolution or norm, a `view`, a sum, a `cat`. A warning
        where the input was guessed, as another might go through; silent
        where the input was guessed and the layer that fails is the one that gets it: then the
        input may be at fault.
    Why: each layer is made for one size of its input, so the forward can't run at all.
    Instead: write the number that arrives, which the message tells; settle input and output
        first, then the layers between.
    Example:
        self.fc = nn.Linear(32 * 14 * 14, 10)  # two poolings of 28 leave 7, not 14
        self.fc = nn.Linear(32 * 7 * 7, 10)
    """

    code = "NN601"
    name = "shapes-do-not-meet"
    severity = Severity.ERROR

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        forward = evidence.recorded.forward if evidence.recorded is not None else None
        if failure is not evidence.forward_failure or forward is None or failure.error is None:
            return None
        if not _SHAPES.search(said(failure)) or input_may_be_at_fault(evidence):
            return None
        failed, at = forward.failed, place_of(evidence, failure)
        name = type(failed.module).__name__ if failed else "the forward"
        seen = f"{at.path} ({name})" if at.path else name
        guess, error = evidence.inputs_were_guessed, described(failure.error).rstrip(".")
        said_of_it = f" The input was {evidence.inputs_from}: --input says it." if guess else ""
        return self.finding(
            f"{seen} fails: {error}.{said_of_it}",
            why=_WHY,
            change=_change(evidence, failed, failure.problem.hint),
            at=_made_at(evidence, failed, at),
            severity=Severity.WARNING if guess else None,
        )


def input_may_be_at_fault(evidence: Evidence) -> bool:
    """Nobody said what the model takes, and what fails got just that, or what got it is not
    known."""
    if not evidence.inputs_were_guessed or evidence.recorded is None:
        return False
    failed = evidence.recorded.forward.failed
    steps = evidence.recorded.of_module(failed.module) if failed is not None else []
    if not steps:
        return True
    return None in evidence.recorded.before(steps[-1], {Role.MOVE, Role.DROPOUT, Role.NORM})


def _made_at(evidence: Evidence, failed: Call | None, at: Place) -> Place:
    """The line that makes the layer, where it is the layer that has the wrong number."""
    if failed is None or _turn(failed) or not type(failed.module).__module__.startswith("torch."):
        return at
    made = evidence.at_path(at.path)
    return made if made.line else at


def _change(evidence: Evidence, failed: Call | None, hint: str) -> str:
    """The user's own line with the number that arrives, where it is one number; and the reason."""
    if failed is not None and (turn := _turn(failed)):
        return f"x = x.{turn}  # before it: the channels come second\n# {hint}"
    number = _wrong_number(failed) if failed is not None else None
    line = _with_number(evidence, failed, *number) if failed is not None and number else ""
    reason = "\n".join(f"# {part}" for part in hint.splitlines())
    return f"{line}\n{reason}" if line else hint


def _turn(failed: Call) -> str:
    """What brings the channels to a convolution's place, where they came last."""
    got = failed.inputs[0].shape if failed.inputs else ()
    if not isinstance(failed.module, CONVOLUTIONS) or len(got) < 3:
        return ""
    if got[1] == failed.module.in_channels or got[-1] != failed.module.in_channels:
        return ""
    order = (0, len(got) - 1, *range(1, len(got) - 1))
    return "transpose(1, 2)" if len(got) == 3 else f"permute{order}"


def _wrong_number(failed: Call) -> tuple[str, int] | None:
    """The argument of a layer that differs from what it got, and what it got."""
    module, inputs = failed.module, failed.inputs
    got = inputs[0].shape if inputs else ()
    for kind, argument, place in _FEATURES:
        if isinstance(module, kind) and got and getattr(module, argument) != got[place]:
            return argument, got[place]
    if isinstance(module, CONVOLUTIONS) and len(got) == len(module.kernel_size) + 2:
        return ("in_channels", got[1]) if got[1] != module.in_channels else None
    return None


def _with_number(evidence: Evidence, failed: Call, argument: str, number: int) -> str:
    """`self.fc = nn.Linear(1568, 10)`, of the line that makes the layer."""
    path = evidence.structure.path(failed.module)
    at = evidence.at_path(path)
    file = evidence.source.file(at.file)
    for node in nodes_in(file.tree) if file is not None else ():
        if isinstance(node, ast.Assign) and node.lineno == at.line:
            call = node.value
            if isinstance(call, ast.Call) and _makes(call, failed.module):
                return ast.unparse(_renumbered(node, call, argument, number))
    return ""


def _makes(call: ast.Call, module: nn.Module) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] == type(module).__name__


def _renumbered(node: ast.Assign, call: ast.Call, argument: str, number: int) -> ast.Assign:
    value = ast.Constant(number)
    named = [ast.keyword(k.arg, value if k.arg == argument else k.value) for k in call.keywords]
    by_name = any(keyword.arg == argument for keyword in call.keywords)
    given = call.args if by_name else [value, *call.args[1:]]
    return ast.Assign(node.targets, ast.Call(call.func, given, named), lineno=node.lineno)
