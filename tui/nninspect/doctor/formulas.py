"""Functions that are written out: `1 / (1 + exp(-x))` is a sigmoid, `exp(x) / exp(x).sum(1)` a
softmax.

The last step of a formula becomes what the formula is, and is fed by what goes into it; its other
steps stay as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from nninspect.doctor.roles import Role, role_of
from nninspect.doctor.step import Step

_LOGS = {"softmax": "log_softmax", "sigmoid": "logsigmoid"}
_QUOTIENTS = frozenset({"div", "truediv", "true_divide", "divide"})


class Formula(NamedTuple):
    """What some steps compute together."""

    name: str
    """Of the function."""
    source: Step | None
    """What it is a function of; None for one of the model's inputs."""
    options: Mapping[str, Any] = {}


def recognise(steps: Iterable[Step]) -> None:
    """Turn the last step of every formula that is known into what the formula is."""
    for step in steps:
        find = _BY_NAME.get(step.name)
        found = find(step) if find is not None and step.module is None else None
        if found is not None:
            _become(step, found)


def _become(step: Step, formula: Formula) -> None:
    inner = _between(step, formula.source)
    step.name, step.role = formula.name, role_of(formula.name)
    step.by_hand = True
    step.notes = replace(step.notes, options=formula.options)
    step.producers[:] = [formula.source]
    if formula.source is not None:
        others = [each for each in formula.source.consumers if each not in inner]
        formula.source.consumers[:] = [*others, *([] if step in others else [step])]


def _between(step: Step, source: Step | None) -> set[Step]:
    """The steps from a source to the one that ends the formula, which are used for nothing else."""
    found, waiting = {step}, [step]
    while waiting:
        for each in waiting.pop().producers:
            if each is None or each is source or each in found:
                continue
            if all(user in found for user in each.consumers):
                found.add(each)
                waiting.append(each)
    return found - {step}


def _inverse(step: Step) -> Formula | None:
    """1 / (1 + exp(-x))."""
    is_one_over = (
        step.name == "reciprocal"
        or (step.name == "rdiv" and step.option("other") == 1)
        or (step.name == "pow" and _number(step) == -1)
    )
    power = _exponential_and_one(_back(step)) if is_one_over else None
    negated = _back(power) if power is not None else None
    if negated is None or not _is_negated(negated):
        return None
    return Formula("sigmoid", _maker(negated))


def _quotient(step: Step) -> Formula | None:
    """exp(x) / sum(exp(x)); exp(x) / (1 + exp(x)); (1 + tanh(x)) / 2."""
    if len(step.producers) == 1:
        return _of_tanh(step)
    if step.name not in _QUOTIENTS or len(step.producers) != 2:
        return None
    above, below = map(_through_moves, step.producers)
    if above is None or below is None or above.name != "exp":
        return None
    power = _exponential_and_one(below)
    if power is not None and _root(power) is _root(above):
        return Formula("sigmoid", _root(above))
    total = below if below.name == "sum" else _plus_a_number(below)
    shares = _back(total) if total is not None and total.name == "sum" else None
    if total is None or shares is None or shares.name != "exp":
        return None
    if _root(shares) is not _root(above):
        return None
    dim = total.option("dim", total.option("1"))
    dim = dim[0] if isinstance(dim, (list, tuple)) and len(dim) == 1 else dim
    return Formula("softmax", _root(above), {"dim": dim}) if isinstance(dim, int) else None


def _of_tanh(step: Step) -> Formula | None:
    """0.5 * (1 + tanh(x)), (1 + tanh(x)) / 2."""
    number = _number(step)
    halves = number == 2 if step.name in _QUOTIENTS else step.name == "mul" and number == 0.5
    more = _back(step) if halves else None
    inner = _back(more) if more is not None and _is_plus(more, 1) else None
    return Formula("sigmoid", _maker(inner)) if inner is not None and inner.name == "tanh" else None


def _logarithm(step: Step) -> Formula | None:
    """log(softmax(x)), log(sigmoid(x)), with a small number added or without."""
    inner = _back(step)
    if inner is not None and inner.name not in _LOGS:
        inner = _back(inner) if inner.name == "clamp" else _plus_a_number(inner)
    if inner is None or inner.name not in _LOGS:
        return None
    dim = inner.option("dim", inner.option("1"))
    return Formula(_LOGS[inner.name], _maker(inner), {"dim": dim} if dim is not None else {})


def _exponential(step: Step) -> Formula | None:
    """exp(log_softmax(x)), exp(x - logsumexp(x))."""
    inner = _back(step)
    if inner is None:
        return None
    if inner.name == "log_softmax":
        dim = inner.option("dim", inner.option("1"))
        return Formula("softmax", _maker(inner), {"dim": dim})
    whole = _back(inner, 1) if inner.name == "sub" and len(inner.producers) == 2 else None
    if whole is None or whole.name != "logsumexp" or _maker(whole) is not _maker(inner):
        return None
    return Formula("softmax", _maker(inner), {"dim": whole.option("dim", whole.option("1"))})


_BY_NAME: dict[str, Callable[[Step], Formula | None]] = {
    **dict.fromkeys(("rdiv", "reciprocal", "pow"), _inverse),
    **dict.fromkeys((*_QUOTIENTS, "mul"), _quotient),
    "log": _logarithm,
    "exp": _exponential,
}


def _exponential_and_one(step: Step | None) -> Step | None:
    """The exp of `1 + exp(x)`."""
    inner = _back(step) if step is not None and _is_plus(step, 1) else None
    return inner if inner is not None and inner.name == "exp" else None


def _plus_a_number(step: Step) -> Step | None:
    """What a plain number is added to."""
    return _back(step) if step.role is Role.SUM and _number(step) is not None else None


def _is_plus(step: Step, number: float) -> bool:
    return step.name == "add" and _number(step) == number


def _is_negated(step: Step) -> bool:
    return step.name in ("neg", "negative") or (step.name == "mul" and _number(step) == -1)


def _number(step: Step) -> float | None:
    """The plain number that a step takes beside its only tensor."""
    if len(step.producers) != 1 or step.notes.constants or step.weights:
        return None
    value = step.option("1", step.option("other"))
    return value if isinstance(value, (int, float)) else None


def _root(step: Step) -> Step | None:
    """What is exponentiated, without the greatest of it that is taken away first."""
    inner = _back(step)
    if inner is not None and inner.name == "sub" and len(inner.producers) == 2:
        most = _back(inner, 1)
        if most is not None and most.name in ("max", "amax"):
            return _maker(inner)
    return _maker(step)


def _back(step: Step, place: int = 0) -> Step | None:
    """What made a tensor of a step, looking through what only moves numbers."""
    return _through_moves(step.producers[place]) if len(step.producers) > place else None


def _through_moves(step: Step | None) -> Step | None:
    while step is not None and step.role is Role.MOVE and len(step.producers) == 1:
        step = step.producers[0]
    return step


def _maker(step: Step) -> Step | None:
    """What made the first tensor of a step."""
    return step.producers[0] if step.producers else None
