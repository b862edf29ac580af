"""NN702: a weight whose elements are all the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.flow import moved_off
from nninspect.doctor.roles import Role, name_of, role_of
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.trace import Trace
from nninspect.doctor.values import extremes
from nninspect.protocol.findings import Finding, Severity

_WEIGHTED = frozenset({Role.AFFINE, Role.RECURRENT, Role.ATTENTION})
_PRODUCTS = frozenset({"linear", "matmul", "rmatmul", "mm", "addmm", "conv1d", "conv2d", "conv3d"})
_ADDED = frozenset({Role.SUM, Role.PRODUCT})


class ConstantWeight(Rule):
    """All elements of a weight are the same number, so all its units compute the same.

    What it flags: a trained weight matrix of a linear layer, convolution, recurrent layer or
        attention, or of a matrix product in forward, with one value throughout. Zeros are left
        alone where what the layer gives is added to or multiplied with something (a branch that
        starts as nothing), and an info on the last layer, which may well start at zero, and
        where its units get gradients that differ, so that one step makes them differ too. Frozen
        weights are left alone.
    Why: units with equal weights give equal outputs and get the same gradients from below, so
        a layer of a hundred units starts as one; zeros before an activation pass no gradient.
    Instead: leave PyTorch's own initialisation, or use one that draws: `nn.init.kaiming_normal_`.
    Example:
        nn.init.constant_(self.fc.weight, 0.1)
        nn.init.kaiming_normal_(self.fc.weight)
    """

    code = "NN702"
    name = "constant-weight"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        products = _multiplied(evidence)
        for path, module in evidence.structure.modules():
            is_layer = role_of(name_of(module)) in _WEIGHTED
            for name, value in _constants(module):
                if not is_layer and (value == 0 or id(module._parameters[name]) not in products):
                    continue
                severity = _severity(evidence, path, name) if value == 0 else self.severity
                if severity is None:
                    continue
                yield self.finding(
                    f"All {getattr(module, name).numel():,} elements of"
                    f" {f'{path}.' if path else ''}{name} are {value:g}.",
                    why="Units with equal weights compute the same, and start out as one unit.",
                    change=f"nn.init.kaiming_normal_(self.{path}.{name})" if path else "",
                    at=evidence.at_path(path),
                    severity=severity,
                )


def _multiplied(evidence: Evidence) -> set[int]:
    """The parameters that matrix products and functional layers take by themselves, by `id`."""
    steps = evidence.recorded.steps if evidence.recorded is not None else []
    used = (step for step in steps if step.module is None and step.name in _PRODUCTS)
    return {id(weight) for step in used for weight in step.weights}


def _constants(module: nn.Module) -> Iterator[tuple[str, float]]:
    """Trained matrices of more than one element in which all are equal, and to what."""
    for name, parameter in module._parameters.items():
        if parameter is None or is_lazy(parameter):
            continue
        if not parameter.requires_grad or parameter.dim() < 2:
            continue
        known = extremes(parameter)
        if known is not None and known.is_constant and parameter.numel() > 1:
            yield name, known.low


def _severity(evidence: Evidence, path: str, name: str) -> Severity | None:
    """Of zeros, by what becomes of what they give; None where they are meant."""
    trace, module = evidence.recorded, evidence.structure.by_path[path]
    if trace is None or evidence.forward_failure is not None:
        return Severity.INFO
    if _is_added(trace, module):
        return None
    is_last = any(map(trace.is_returned, trace.of_module(module)))
    if is_last or _moves(evidence, _named(path, name)):
        return Severity.INFO
    return Severity.WARNING


def _moves(evidence: Evidence, name: str) -> bool:
    """Its units get gradients that differ, at once or when a layer behind them has moved."""
    if evidence.missing(Need.BACKWARD):
        return False
    training, plain = evidence.probes.backward()
    if plain.of.get(name) is None or _differs(plain.of[name]):  # what none reaches is NN508's
        return True
    constants = (
        _named(path, n) for path, m in evidence.structure.modules() for n, _ in _constants(m)
    )
    if not any(_differs(plain.of.get(constant)) for constant in constants):
        return False  # nothing moves, so they stay as they are
    return all(_differs(run.of.get(name)) for run in moved_off(evidence, training))


def _differs(gradient: torch.Tensor | None) -> bool:
    if gradient is None or not bool(gradient.count_nonzero()):
        return False
    return len(gradient) == 1 or not bool((gradient == gradient[:1]).all())


def _named(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_added(trace: Trace, module: nn.Module) -> bool:
    """What the layer gives is a term or a factor, at once or behind its own activation."""
    for step in trace.of_module(module):
        for after in trace.after(step):
            if after.role in _ADDED:
                return True
            if after.role is Role.ACTIVATION and any(
                further.role in _ADDED for further in trace.after(after)
            ):
                return True
    return False
