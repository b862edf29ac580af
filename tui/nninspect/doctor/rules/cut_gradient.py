"""NN901: a detach that leaves parameters without a gradient."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import is_self, nodes_in
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_CUTS = ("data", "no_grad", "inference_mode", "detach_")
"""What the trace has no step of."""


class CutGradient(Rule):
    """A `.detach()` or `.data` in the forward keeps the gradient from what stands before it.

    What it flags: `.detach()`, `.data` or `torch.no_grad()` in your own forward, where parameters
        get no gradient at all and what they compute goes through the cut. Where the gradient has
        another way to them (a straight-through estimator, a stop-gradient on one of two views),
        and where they are frozen, it is left alone.
    Why: everything before the cut keeps its weights as they were initialised.
    Instead: leave the cut out; freeze with `requires_grad_(False)` what is not to be trained,
        so that the optimizer and the reader know.
    Example:
        x = self.encoder(x).detach()
        x = self.encoder(x)
    """

    code = "NN901"
    name = "cut-gradient"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE, Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        gradients = evidence.probes.gradients(training=True)
        without = {name for name, gradient in gradients.of.items() if gradient is None}
        if not gradients.has_path:
            without = {n for n, p in evidence.structure.parameters.items() if p.requires_grad}
        used, parameters = _used(evidence.trace), evidence.structure.parameters
        without = {name for name in without if id(parameters.get(name)) in used}
        if not without or gradients.error is not None:
            return
        yield from self._detached(evidence, without)
        yield from self._written(evidence, without)

    def _detached(self, evidence: Evidence, without: set[str]) -> Iterator[Finding]:
        parameters = evidence.structure.parameters
        names = {id(parameters[name]): name for name in without}
        told: set[tuple[str, int]] = set()
        for step in evidence.trace.steps:
            line = (step.notes.file, step.notes.line)
            if step.name != "detach" or not step.notes.file or line in told:
                continue
            cut = [names[id(w)] for w in _weights_before(step) if id(w) in names]
            if cut:
                told.add(line)
                yield self._finding(f"{step.called} cuts", cut, step.at)

    def _written(self, evidence: Evidence, without: set[str]) -> Iterator[Finding]:
        for method in evidence.forward_code():
            start = f"{method.path}." if method.path else ""
            for node, block in _cuts(method.node):
                inside = (start,) if block is None else _names_in(block, start)
                cut = sorted(name for name in without if f"{name}.".startswith(inside))
                if cut:
                    at = Place(method.path, method.file.path, node.lineno)
                    yield self._finding(f".{node.attr} in {method.name} cuts", cut, at)

    def _finding(self, cut: str, names: list[str], at: Place) -> Finding:
        more = f" and {len(names) - 1} more parameters" if len(names) > 1 else ""
        return self.finding(
            f"{cut} the gradient; {names[0]}{more} before it get none.",
            why="What stands before the cut keeps the weights that it was initialised with.",
            change="Leave it out, or freeze those parameters with requires_grad_(False).",
            at=at,
        )


def _cuts(method: ast.FunctionDef) -> Iterator[tuple[ast.Attribute, ast.With | None]]:
    """Each `.data` and `no_grad`, and the block that it is about, where it is one."""
    blocks = {
        id(part): block
        for block in nodes_in(method)
        if isinstance(block, ast.With)
        for item in block.items
        for part in nodes_in(item.context_expr)
    }
    for node in nodes_in(method):
        if isinstance(node, ast.Attribute) and node.attr in _CUTS:
            yield node, blocks.get(id(node))


def _names_in(code: ast.AST, start: str) -> tuple[str, ...]:
    """How the names of all begin that is used as `self.name` in some code."""
    used = (node for node in nodes_in(code) if isinstance(node, ast.Attribute) and is_self(node))
    return tuple(f"{start}{node.attr}." for node in used)


def _used(trace: Trace) -> set[int]:
    """The parameters that the forward needs, by `id`."""
    return {id(weight) for step in trace.steps for weight in step.weights}


def _weights_before(step: Step) -> list[nn.Parameter]:
    """The parameters of every step that what a step gets comes from."""
    waiting, seen = [step], {step}
    found: list[nn.Parameter] = []
    while waiting:
        for producer in waiting.pop().producers:
            if producer is not None and producer not in seen:
                seen.add(producer)
                found.extend(producer.weights)
                waiting.append(producer)
    return found
