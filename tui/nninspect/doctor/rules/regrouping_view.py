"""NN609: a view where a transposition was meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.regrouping import Regrouped, regrouped, takes_from_samples
from nninspect.doctor.rewrite import statement_at
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import nodes_in
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.shapes import shape

_VIEWS = frozenset({"view", "reshape"})
_PADDED = frozenset({"pad", "constant_pad1d", "constant_pad2d"})
_WHY = (
    "A view keeps the numbers in their order and only counts them anew: the shape is right, and"
    " what stands side by side does not belong together."
)


class RegroupingView(Rule):
    """A view changes the order of dimensions, which takes a transposition.

    What it flags: `view` and `reshape` whose result has the dimensions of what it was given in
        another order: (B, H, W, C) as (B, C, H, W), (B, T, C) as (B, heads, T, C / heads), and
        back again; and one that makes rows of the batch out of parts of samples, as `view(-1, n)`
        does with the wrong n. Splits, merges, and the shift of relative positions (behind a
        padding, or of sizes that differ by 1) are left alone.
    Why: a view keeps the numbers in their order and only counts them anew: the shape is right,
        nothing fails, and pixels, time steps or heads are mixed up.
    Instead: split with `view` in the order that is there, then `transpose` or `permute`; to
        merge, the other way round.
    Example:
        q = self.q(x).view(B, self.heads, T, -1)
        q = self.q(x).view(B, T, self.heads, -1).transpose(1, 2)
    """

    code = "NN609"
    name = "regrouping-view"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        told: set[object] = set()
        for step in evidence.trace.of(Role.MOVE):
            if step.name not in _VIEWS or step.at in told or _is_shift(step):
                continue
            if not _is_of_what_came_in(step):
                continue
            meant = regrouped(step.given_shape, step.shape)
            if meant is None and not _makes_rows(evidence.trace, step):
                continue
            told.add(step.at)
            yield self.finding(
                f"{step.called} makes {shape(step.shape)} of {shape(step.given_shape)}"
                + (", in another order." if meant else ": several rows of each sample."),
                why=_WHY,
                change=_change(evidence, step, meant)
                if meant
                else f"x = x.flatten(1)  # {prod(step.given_shape[1:]):,} features a sample",
                at=step.at,
            )


def _is_of_what_came_in(step: Step) -> bool:
    """Not of a table or a weight; nor of what was padded, to be shifted."""
    made = step.producers[0] if step.producers else None
    while made is not None and made.role is Role.MOVE and made.name not in _PADDED:
        made = made.producers[0] if made.producers else None
    if made is None:
        return bool(step.producers)
    is_padded = made.role is Role.JOIN and any(_is_zeros(each) for each in made.producers)
    return made.name not in _PADDED and not is_padded


def _is_shift(step: Step) -> bool:
    """A view, a part of it, and a view of that: rows are moved against each other on purpose."""
    made, parts = step.producers[0] if step.producers else None, step.consumers
    if made is not None and made.name == "getitem" and made.producers:
        before = made.producers[0]
        if before is not None and before.name in _VIEWS:
            return True
    return bool(parts) and all(
        part.name == "getitem" and any(user.name in _VIEWS for user in part.consumers)
        for part in parts
    )


def _is_zeros(step: Step | None) -> bool:
    return step is not None and "zeros" in step.name


def _makes_rows(trace: Trace, step: Step) -> bool:
    """It makes features of parts of samples, for a layer."""
    is_for_layer = any(each.name == "linear" for each in trace.after(step))
    return is_for_layer and takes_from_samples(step.given_shape, step.shape)


def _change(evidence: Evidence, step: Step, meant: Regrouped) -> str:
    """The user's call with its arguments in the order that is there, and the transposition."""
    is_split = len(meant.split) != len(step.given_shape)
    turn = _turn(meant.order)
    statement, call = _call(evidence, step)
    if statement is None or call is None:
        sizes = ", ".join(map(str, meant.split[1:]))
        return f"x = x.view(len(x), {sizes}).{turn}" if is_split else f"x = x.{turn}"
    value = ast.unparse(call.func.value)  # type: ignore[attr-defined]
    arguments = [ast.unparse(each) for each in call.args]
    if len(step.shape) < len(step.given_shape):
        written = f"{value}.{turn}.reshape({', '.join(arguments)})"
    elif is_split:
        there = dict(zip(meant.order, arguments, strict=True))
        sizes = ", ".join(there[place] for place in range(len(there)))
        written = f"{value}.view({sizes}).{turn}"
    else:
        written = f"{value}.{turn}"
    return ast.unparse(statement).replace(ast.unparse(call), written)


def _call(evidence: Evidence, step: Step) -> tuple[ast.stmt | None, ast.Call | None]:
    """The statement, and its `x.view(a, b, c)` where that is the only such call in it."""
    _, statement = statement_at(evidence, step.at)
    calls = [
        node
        for node in (nodes_in(statement) if statement is not None else ())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == step.name
        and len(node.args) == len(step.shape)
    ]
    return statement, calls[0] if len(calls) == 1 else None


def _turn(order: tuple[int, ...]) -> str:
    """`transpose(1, 2)` where two change places, else `permute(...)`."""
    moved = [place for place, other in enumerate(order) if place != other]
    if len(moved) == 2:
        return f"transpose({moved[0]}, {moved[1]})"
    return f"permute({', '.join(map(str, order))})"
