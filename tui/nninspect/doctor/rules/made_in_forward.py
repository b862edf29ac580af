"""NN507: a layer or a parameter that forward makes anew in each call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import dotted, layer_kind
from nninspect.doctor.methods import ForwardMethod
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_WEIGHTED = ("Linear", "Bilinear", "Conv", "RNN", "LSTM", "GRU", "Embedding", "Norm", "PReLU",
             "MultiheadAttention", "Transformer")  # fmt: skip
_WITHOUT = ("LocalResponseNorm", "CrossMapLRN2d", "InstanceNorm")


class MadeInForward(Rule):
    """Forward makes a layer, or a parameter, anew each time it runs.

    What it flags: a layer with weights, or an `nn.Parameter`, made in forward or in a method
        that it calls. Layers without weights, as `nn.ReLU()(x)`, and what stands under an `if`
        that makes it only once are left alone.
    Why: its weights are random in every call and gone after it: nothing of it is ever trained or
        saved.
    Instead: make it in `__init__`, and call it in forward.
    Example:
        return nn.Linear(64, 10)(x)
        return self.fc(x)
    """

    code = "NN507"
    name = "made-in-forward"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE, Need.SOURCE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for method, node in made_in_forward(evidence):
            made = ast.unparse(node)
            yield self.finding(
                f"{method.owner}.{method.name} makes {made} each time it runs.",
                why="Its weights are random in every call and gone after it, so they are never"
                " trained and never saved.",
                change=f"self.layer = {made}  # in __init__",
                at=Place(method.path, method.file.path, node.lineno),
            )


def made_in_forward(evidence: Evidence) -> Iterator[tuple[ForwardMethod, ast.Call]]:
    """Every call in a forward that makes something with weights."""
    for method in evidence.forward_code():
        waiting: list[ast.AST] = [*method.node.body]
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, (ast.If, ast.IfExp, ast.FunctionDef, ast.Lambda)):
                waiting.extend(_always(node))
                continue
            if isinstance(node, ast.Call) and _has_weights(method, node):
                yield method, node
            waiting.extend(ast.iter_child_nodes(node))


def _always(node: ast.AST) -> list[ast.AST]:
    """What runs of a branch whatever its condition; but one that asks of an attribute may be
    there to make it once."""
    if not isinstance(node, ast.If) or "self" in ast.unparse(node.test):
        return []
    return [*node.body, *node.orelse]


def _has_weights(method: ForwardMethod, node: ast.Call) -> bool:
    if dotted(method.file, node.func) in ("torch.nn.Parameter", "torch.nn.parameter.Parameter"):
        return True
    kind = layer_kind(method.file, node.func)
    name = kind.__name__ if kind is not None else ""
    return any(word in name for word in _WEIGHTED) and not name.startswith(_WITHOUT)
