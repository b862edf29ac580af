"""NN309: a loss in the training code that is given something else than it takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nninspect.doctor.endings import FOR_CLASSES, FOR_LOGITS, FOR_VALUES
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import dotted
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.doctor.source import SourceFile, nodes_in
from nninspect.doctor.training_calls import LossCall, calls_of, code_of, loss_calls, owner
from nninspect.protocol.findings import Finding, Severity

_CHOICES = frozenset({"argmax", "round", "item", "long", "int", "tolist", "numpy"})
_CUTS = frozenset({"detach", "data", "item", "tolist", "numpy"})
_TARGETS = re.compile(r"^(?:y|ys|y_true|y_batch|target\w*|label\w*|gt\w*|ground_truth)$")
_OUTPUTS = re.compile(r"^(?:out|outs|output\w*|pred\w*|logit\w*|y_pred|y_hat|yhat|score\w*)$")


class LossCallRule(Rule):
    """A loss in the training code is given something else than it takes.

    What it flags: in the target's own file, or the one that `--loss` names, outside of the
        modules: a softmax or sigmoid in front of a loss that applies its own; an argmax, a
        rounding, `.detach()` or `.item()` of the output; the targets first and the output second;
        and `nn.MSELoss(output, target)`, which makes a loss out of two tensors and takes none.
    Why: the loss takes probabilities for logits, or nothing of it leads back to a weight.
    Instead: `criterion(output, target)`, with the output as the model gives it.
    Example:
        loss = F.cross_entropy(F.softmax(model(x), dim=1), y)
        loss = F.cross_entropy(model(x), y)
    """

    code = "NN309"
    name = "loss-call"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for file in evidence.training_code:
            yield from self._given(file)
            yield from self._made(file)

    def _given(self, file: SourceFile) -> Iterator[Finding]:
        for call in loss_calls(file):
            seen, change = _wrong(file, call)
            if seen:
                yield self.finding(
                    f"{ast.unparse(call.node)}: {seen}.",
                    why="The loss works with it all the same, and learns little or nothing.",
                    change=change,
                    at=Place("", file.path, call.node.lineno),
                )

    def _made(self, file: SourceFile) -> Iterator[Finding]:
        for node in _made_of_tensors(file):
            written = ast.unparse(node.func)
            yield self.finding(
                f"{ast.unparse(node)} makes a loss with these as its options, and takes none.",
                why="What comes out is a module, no number: backward() is not there.",
                change=f"loss = {written}()({', '.join(map(ast.unparse, node.args))})",
                at=Place("", file.path, node.lineno),
            )


def _wrong(file: SourceFile, call: LossCall) -> tuple[str, str]:
    """What is wrong with a call, and the same without it; "" where nothing is to be seen."""
    output, function = call.output, ast.unparse(call.node.func)
    rest = ", ".join(map(ast.unparse, call.node.args[1:]))
    name = _name(output)
    bare = _argument(file, output)
    plain = f"{function}({ast.unparse(bare)}, {rest})" if bare is not None and rest else ""
    if call.loss in FOR_LOGITS and name in ("softmax", "log_softmax", "sigmoid"):
        is_harmless = name == "log_softmax" and call.loss in FOR_CLASSES
        return ("" if is_harmless else f"F.{call.loss} applies its own {name}"), plain
    if name in _CHOICES | _CUTS and _is_all(call) and _goes_backward(file, call.node):
        return f"no gradient comes through {name}", plain
    if len(call.node.args) == 2:
        first, second = map(ast.unparse, call.node.args)
        if _TARGETS.match(first) and _OUTPUTS.match(second) and call.loss in FOR_LOGITS:
            return "the targets come second", f"{function}({second}, {first})"
    return "", ""


def _is_all(call: LossCall) -> bool:
    """Nothing but the output could be trained by it: a loss of two values is the same both ways."""
    return call.loss not in FOR_VALUES or _name(call.output) in _CHOICES


def _goes_backward(file: SourceFile, call: ast.Call) -> bool:
    """What it gives is set to a name that goes backward, and is not only told."""
    backward = {owner(each) for each in calls_of(file.tree, "backward")}
    return ast.unparse(call) in backward or any(
        isinstance(node, ast.Assign)
        and any(part is call for part in nodes_in(node.value))
        and any(ast.unparse(target) in backward for target in node.targets)
        for node in code_of(file)
    )


def _name(node: ast.expr) -> str:
    """Of the last function or attribute: "softmax" of `F.softmax(x)` and of `x.softmax(1)`."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2]
    return node.attr if isinstance(node, ast.Attribute) else ""


def _argument(file: SourceFile, node: ast.expr) -> ast.expr | None:
    """What a function is of: the x of `F.softmax(x)` and of `x.softmax(1)`."""
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(node, ast.Call) and dotted(file, node.func).startswith("torch"):
        return node.args[0] if node.args else None
    return function.value if isinstance(function, ast.Attribute) else None


def _made_of_tensors(file: SourceFile) -> Iterator[ast.Call]:
    for node in code_of(file):
        if isinstance(node, ast.Call) and len(node.args) == 2:
            name = dotted(file, node.func)
            if name.startswith("torch.nn.") and name.endswith("Loss"):
                yield node
