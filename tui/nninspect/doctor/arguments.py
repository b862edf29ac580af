"""Arguments of steps that layers and functions spell differently."""

from __future__ import annotations

from nninspect.doctor.step import Step

SIGMOIDS = frozenset({"sigmoid", "expit", "hardsigmoid"})


def softmax_dim(step: Step) -> int | None:
    """The dimension of a softmax, from 0; None where none was given or it can't be told."""
    dim = step.option("dim", step.option("1"))
    if not isinstance(dim, int) or isinstance(dim, bool):
        return None
    return dim % len(step.given_shape) if step.given_shape else dim


def dropout_p(step: Step) -> float:
    """The probability of a dropout; 0 where it can't be told."""
    p = step.option("p", step.option("1", 0.0))
    return float(p) if isinstance(p, (int, float)) else 0.0
