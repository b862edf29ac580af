"""Losses that a forward works out by itself."""

from __future__ import annotations

from nninspect.engine.failures.facts import Facts


def cross_entropy(facts: Facts) -> str:
    """Targets that are neither the indices of classes nor their probabilities."""
    if facts.op is None or getattr(facts.op, "name", "") not in ("cross_entropy", "nll_loss"):
        return ""
    if len(facts.op.inputs) < 2:
        return ""
    logits, target = facts.op.inputs[:2]
    classes = logits.shape[1:2] if len(logits.shape) > 1 else ()
    indices = (*logits.shape[:1], *logits.shape[2:]) if classes else ()
    if target.dtype == "int64" and target.shape != indices:
        return (
            f"cross_entropy got {logits.shape} and targets of {target.shape}: indices of classes "
            f"are {indices}, one for each place; probabilities are floats of the first shape."
        )
    if target.dtype != "int64" and target.shape == indices:
        return f"The targets are {target.dtype}: indices of classes are int64, with .long()."
    return ""
