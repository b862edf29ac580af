"""NN905: a training loop that leaves a step out, or takes them in another order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import dotted
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.doctor.source import SourceFile
from nninspect.doctor.training_calls import calls_of, code_of, is_optimizer, loops, owner
from nninspect.protocol.findings import Finding, Severity

_CALLED = frozenset({"zero_grad", "step", "backward", "train", "eval"})
_CLEARING = ("zero_grad", ".grad = None", ".grad=None", "grad.zero_", "_foreach_zero_")
_STEPPING = (".step", "_step(")
_ORDER = "optimizer.zero_grad()\nloss.backward()\noptimizer.step()"


class TrainingLoop(Rule):
    """A training loop leaves a step out, or takes the steps in a wrong order.

    What it flags: in the target's own file, or the one that `--loss` names, outside of the
        modules: a loop that goes backward and steps, in a file that clears gradients nowhere;
        gradients that are cleared between the backward and the step of the same optimizer; a loop
        that goes backward in a file with an optimizer that never steps; and a method that is
        named and not called, as `optimizer.step` without `()`. Gradients that are summed over
        several batches on purpose, closures, and steps taken by other functions are left alone.
    Why: gradients add up in `.grad` until they are cleared, so each step goes by the sum of all
        batches so far; cleared too early, or without a step, nothing is learnt.
    Instead: `zero_grad()`, `backward()`, `step()`, in this order, for each batch.
    Example:
        loss.backward(); optimizer.step()  # and zero_grad nowhere
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    """

    code = "NN905"
    name = "training-loop"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for file in evidence.training_code:
            yield from self._not_called(file)
            for loop in loops(file):
                yield from self._in_loop(file, loop)

    def _not_called(self, file: SourceFile) -> Iterator[Finding]:
        for node in code_of(file):
            named = node.value if isinstance(node, ast.Expr) else None
            if isinstance(named, ast.Attribute) and named.attr in _CALLED:
                written = ast.unparse(named)
                yield self.finding(
                    f"{written} names the method and does not call it.",
                    why="The line does nothing.",
                    change=f"{written}()",
                    at=Place("", file.path, named.lineno),
                )

    def _in_loop(self, file: SourceFile, loop: ast.AST) -> Iterator[Finding]:
        backwards = list(calls_of(loop, "backward"))
        steps = [call for call in calls_of(loop, "step") if _steps(call)]
        at = Place("", file.path, backwards[0].lineno)
        if steps and not any(word in file.text for word in _CLEARING):
            yield self.finding(
                "The loop goes backward and steps, and nothing clears the gradients.",
                why="They add up in .grad: each step goes by the sum over all batches so far.",
                change=f"{_optimizer(steps[0])}.zero_grad()\n{ast.unparse(backwards[0])}",
                at=at,
            )
        for step in steps:
            if cleared := _cleared_between(loop, backwards, step):
                yield self.finding(
                    f"{ast.unparse(cleared)} stands between the backward and the step.",
                    why="The step finds no gradient: nothing is learnt.",
                    change=_ORDER.replace("optimizer", _optimizer(step)),
                    at=Place("", file.path, cleared.lineno),
                )
        is_stepping = steps or any(word in file.text for word in _STEPPING)
        if not is_stepping and _has_an_optimizer(file):
            yield self.finding(
                "The loop goes backward, and nothing in the file steps.",
                why="Gradients alone change no weight.",
                change="optimizer.step()  # behind the backward",
                at=at,
            )


def _steps(call: ast.Call) -> bool:
    """`optimizer.step()`, `scaler.step(optimizer)`; no scheduler."""
    given = [ast.unparse(argument) for argument in call.args]
    return is_optimizer(owner(call)) or any(map(is_optimizer, given))


def _optimizer(step: ast.Call) -> str:
    """Whose step it is."""
    given = [ast.unparse(argument) for argument in step.args]
    return next(filter(is_optimizer, (owner(step), *given)), "optimizer")


def _cleared_between(loop: ast.AST, backwards: list[ast.Call], step: ast.Call) -> ast.Call | None:
    """Where the same optimizer clears between the last backward before its step and the step."""
    before = [call.lineno for call in backwards if call.lineno < step.lineno]
    if not before:
        return None
    return next(
        (
            call
            for call in calls_of(loop, "zero_grad")
            if owner(call) == _optimizer(step) and before[-1] < call.lineno < step.lineno
        ),
        None,
    )


def _has_an_optimizer(file: SourceFile) -> bool:
    """It makes one of torch's, and takes no gradients into its own hands."""
    code = code_of(file)
    if any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in code):
        return False
    calls = (node for node in code if isinstance(node, ast.Call))
    return any(dotted(file, call.func).startswith("torch.optim.") for call in calls)
