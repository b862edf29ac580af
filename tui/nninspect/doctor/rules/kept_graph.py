"""NN904: a state that a forward keeps together with the graph that it came of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.methods import ForwardMethod
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import is_self, nodes_in
from nninspect.protocol.findings import Finding, Severity

_CUT = frozenset({"detach", "detach_", "data", "no_grad", "inference_mode", "item"})


class KeptGraph(Rule):
    """A state that forward keeps on the model drags the graph of earlier batches along.

    What it flags: an attribute that forward computes anew from its own last value, by a call, as
        `out, self.state = self.rnn(x, self.state)`, or as a mean over batches, in a class of
        which no method detaches anything. A forward with gradients tells whether there is a
        graph to be kept.
    Why: the second backward goes into the first batch's graph, which is gone: "Trying to backward
        through the graph a second time"; with `retain_graph=True` it gets slower and larger with
        each step. And a batch of another size does not fit the kept state.
    Instead: keep `state.detach()`; begin with None or zeros for each new sequence; or give the
        state in and out of forward.
    Example:
        out, self.state = self.rnn(x, self.state)
        out, state = self.rnn(x, self.state); self.state = state.detach()
    """

    code = "NN904"
    name = "kept-graph"
    severity = Severity.WARNING
    needs = frozenset({Need.SOURCE, Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for method in evidence.forward_code():
            for node, name in _kept(method):
                if _is_cut(evidence, method.owner):
                    break
                if (method.path, name) not in evidence.probes.kept_graphs():
                    continue
                yield self.finding(
                    f"{method.name} sets self.{name} from its own last value, with the graph that"
                    " this one came of.",
                    why="The second backward raises: it would go through the first batch's graph"
                    " again.",
                    change=_change(node, name),
                    at=Place(method.path, method.file.path, node.lineno),
                )


def _is_cut(evidence: Evidence, owner: str) -> bool:
    """Some method of the class detaches something."""
    return any(each.name == owner and _cuts(each.node) for each in evidence.source_classes())


def _cuts(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr in _CUT for each in nodes_in(node))


def _kept(method: ForwardMethod) -> Iterator[tuple[ast.Assign, str]]:
    """Assignments to attributes whose value is computed with the attribute itself."""
    for node in nodes_in(method.node):
        if not isinstance(node, ast.Assign):
            continue
        read = {part.attr for part in nodes_in(node.value) if is_self(part)}
        for target in node.targets:
            for part in nodes_in(target):
                if is_self(part) and isinstance(part.ctx, ast.Store) and part.attr in read:
                    yield node, part.attr


def _change(node: ast.Assign, name: str) -> str:
    """The same with a local name, then what is kept of it."""
    local = ast.unparse(node.targets[0]).replace(f"self.{name}", "state")
    kept = "tuple(part.detach() for part in state)" if _is_lstm(node) else "state.detach()"
    return f"{local} = {ast.unparse(node.value)}\nself.{name} = {kept}"


def _is_lstm(node: ast.Assign) -> bool:
    return "lstm" in ast.unparse(node.value).lower()
