"""NN806: attention written as two products and a softmax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import TRANSPARENT, Trace
from nninspect.protocol.findings import Finding, Severity

_PRODUCTS = frozenset({"matmul", "rmatmul", "bmm", "baddbmm", "einsum"})
_SCALED = TRANSPARENT | {Role.SUM, Role.PRODUCT}
_SCORES = 3
"""Dimensions of scores at least: samples, queries, keys."""


class AttentionByHand(Rule):
    """Attention as a product, a softmax and another product.

    What it flags: in your own code, a batched product of two activations, scaled or masked,
        then a softmax over its last dimension, then a batched product with the values. It is
        left alone where the weights are returned or used for something else as well.
    Why: the scores, queries x keys for each head and sample, are written to memory and read
        again several times. The fused kernels never store them: less memory, and several times
        the speed for long sequences.
    Instead: `F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)`, or with
        `is_causal=True`.
    Example:
        y = (q @ k.transpose(-2, -1) / math.sqrt(d)).softmax(-1) @ v
        y = F.scaled_dot_product_attention(q, k, v)
    """

    code = "NN806"
    name = "attention-by-hand"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        told: set[tuple[str, int]] = set()
        trace = evidence.trace
        for softmax in trace.of(Role.SOFTMAX):
            scores = _scores(trace, softmax)
            if scores is None or not _meets_values(trace, softmax):
                continue
            if not evidence.is_own(softmax.at) or (line := softmax.at[1:]) in told:
                continue
            told.add(line)
            yield self.finding(
                f"{scores.called} and a softmax give {_table(softmax)} weights,"
                " which a second product takes.",
                why="Stored scores cost memory and time that grow with the square of the length;"
                " a fused kernel does not store them.",
                change="F.scaled_dot_product_attention(q, k, v, attn_mask=mask)",
                at=softmax.at,
            )


def _scores(trace: Trace, softmax: Step) -> Step | None:
    """The product of two activations that the softmax is over, if it is one."""
    if len(softmax.shape) < _SCORES or _dimension(softmax) not in (-1, len(softmax.shape) - 1):
        return None
    waiting, seen = list(softmax.producers), {softmax}
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        if _is_product(step):
            return step
        seen.add(step)
        if step.role in _SCALED and step.name not in _PRODUCTS:
            waiting.extend(step.producers)
    return None


def _dimension(softmax: Step) -> Any:
    """As it was called: by name, or by place behind the tensor."""
    return softmax.option("dim", softmax.option("1"))


def _meets_values(trace: Trace, softmax: Step) -> bool:
    """Its only use is a product with another activation."""
    user = trace.only_after(softmax)
    return user is not None and _is_product(user)


def _is_product(step: Step) -> bool:
    shapes = [each.shape for each in step.inputs]
    if step.name not in _PRODUCTS or step.weights or len(shapes) < 2:
        return False
    return all(len(shape) >= _SCORES for shape in shapes)


def _table(softmax: Step) -> str:
    return " x ".join(map(str, softmax.shape[-2:]))
