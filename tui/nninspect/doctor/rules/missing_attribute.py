"""NN106: an attribute that forward uses and nobody set."""

from __future__ import annotations

import inspect
import re

import torch
from torch import nn

from nninspect.doctor.causes import FailureRule, line_text, missing_attribute, place_of
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.suggest import nearest


class MissingAttribute(FailureRule):
    """The model uses an attribute of a module that was never set.

    What it flags: a build or a forward that fails because a module has no attribute of that
        name: misspelt, or not set in `__init__`, or set after its use.
    Why: it raises an AttributeError whenever the line runs.
    Instead: use the name that `__init__` sets, or set it there.
    Example:
        x = self.fc3(x)  # __init__ sets self.fc1 and self.fc2
        x = self.fc2(x)
    """

    code = "NN106"
    name = "missing-attribute"
    severity = Severity.ERROR

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        kind, missing = missing_attribute(failure)
        module = _module(evidence, failure, kind)
        if not missing or module is None or _has_static(module, missing):
            return None
        if type(module).__module__.startswith("torch.") and hasattr(torch.Tensor, missing):
            return None  # a layer where a tensor was meant
        place = place_of(evidence, failure)
        line = line_text(evidence, place)
        right = nearest(missing, _names(module))
        fixed = re.sub(rf"\b{missing}\b", right, line) if right and missing in line else right
        return self.finding(
            f"{kind} has no attribute {missing}{f'; it has {right}' if right else ''}.",
            why="The line raises an AttributeError whenever it runs.",
            change=fixed or f"self.{missing} = ...  # in __init__, before it is used",
            at=place,
        )


def _module(evidence: Evidence, failure: Failure, kind: str) -> nn.Module | None:
    """The module that lacks it: the one in the exception, or the first of the class."""
    held = getattr(failure.error, "obj", None)
    if isinstance(held, nn.Module):
        return held
    modules = evidence.built.model.modules() if evidence.built is not None else ()
    return next((module for module in modules if type(module).__name__ == kind), None)


def _has_static(module: nn.Module, name: str) -> bool:
    """A property whose own code raised."""
    return inspect.getattr_static(type(module), name, None) is not None


def _names(module: nn.Module) -> list[str]:
    held = vars(module)
    tables = (held.get(table, {}) for table in ("_modules", "_parameters", "_buffers"))
    own = {*held, *dir(type(module))} - {*dir(nn.Module), "training"}
    known = [*(name for table in tables for name in table), *sorted(own)]
    return [name for name in known if not name.startswith("_")]
