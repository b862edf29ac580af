"""NN210: weights of an attention that don't add up to 1 where they are summed over."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import softmax_dim
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

_PRODUCTS = frozenset({"matmul", "bmm", "einsum", "baddbmm"})
_SCALED = frozenset({Role.MOVE, Role.DROPOUT, Role.SUM, Role.PRODUCT})
_LOW = -1e3
"""What is filled in below it is meant to be nothing behind a softmax, and is much in front of a
product."""


class AttentionWeights(Rule):
    """The weights of an attention do not add up to 1 over what they weigh.

    What it flags: a softmax of scores over another dimension than the one that the product with
        the values sums over; and a mask of large negative numbers that is filled in behind the
        softmax. Weights that are transposed or normed in between are left alone.
    Why: each answer is then no mean of the values; masked places, with -1e9, drown the others.
    Instead: `softmax(dim=-1)` of scores (..., queries, keys), and the mask before it.
    Example:
        y = F.softmax(q @ k.transpose(1, 2), dim=1) @ v
        y = F.softmax(q @ k.transpose(1, 2), dim=-1) @ v
    """

    code = "NN210"
    name = "attention-weights"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for step in evidence.trace.of(Role.SOFTMAX):
            if step.name not in ("softmax", "log_softmax") or not _is_of_scores(step):
                continue
            yield from self._masked(evidence, step)
            yield from self._other_dimension(evidence, step)

    def _other_dimension(self, evidence: Evidence, step: Step) -> Iterator[Finding]:
        dim, last = softmax_dim(step), len(step.shape) - 1
        users = evidence.trace.after(step, {Role.DROPOUT})
        if dim is None or dim == last or not any(_sums_over_last(each, step) for each in users):
            return
        yield self.finding(
            f"{step.called} is over dimension {dim} of {step.shape}, and the product with the"
            f" values sums over dimension {last}.",
            why="The weights of one answer do not add up to 1: it is no mean of the values.",
            change=f"F.{step.name}(scores, dim=-1)",
            at=evidence.at(step),
            severity=Severity.WARNING,
        )

    def _masked(self, evidence: Evidence, step: Step) -> Iterator[Finding]:
        for after in evidence.trace.after(step, {Role.DROPOUT, Role.MOVE}):
            filled = _filled(after)
            if filled is not None and filled < _LOW:
                yield self.finding(
                    f"{after.called} fills {filled:g} into what the softmax made.",
                    why="The mask is for the scores: behind the softmax it makes the masked places"
                    " the largest of all.",
                    change='scores = scores.masked_fill(mask, float("-inf"))  # before the softmax',
                    at=after.at,
                )


def _filled(step: Step) -> float | None:
    value = step.option("value", step.option("2")) if step.name.startswith("masked_fill") else None
    return float(value) if isinstance(value, (int, float)) else None


def _sums_over_last(step: Step, weights: Step) -> bool:
    """A product that has the weights, as they are or with a dropout, on its left side."""
    is_product = step.name in ("matmul", "bmm") and len(step.producers) == 2
    first = step.producers[0] if is_product else None
    while first is not None and first is not weights and first.role is Role.DROPOUT:
        first = first.producers[0] if first.producers else None
    return first is weights and step.inputs[0].shape == weights.shape


def _is_of_scores(step: Step) -> bool:
    """It gets the product of two tensors, scaled, masked or with a bias."""
    waiting, seen = [step], {step}
    while waiting:
        for producer in waiting.pop().producers:
            if producer is None or producer in seen:
                continue
            seen.add(producer)
            if producer.name in _PRODUCTS and len(producer.producers) > 1:
                return True
            if producer.role in _SCALED:
                waiting.append(producer)
    return False
