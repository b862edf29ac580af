"""NN507: a layer or a parameter that forward makes anew in each call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import dotted, layer_kind
from nninspect.doctor.methods import ForwardMethod, always, always_run
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_WEIGHTED = ("Linear", "Bilinear", "Conv", "RNN", "LSTM", "GRU", "Embedding", "Norm", "PReLU",
             "MultiheadAttention", "Transformer")  # fmt: skip
_WITHOUT = ("LocalResponseNorm", "CrossMapLRN2d", "InstanceNorm")

_WHY = (
    "Its weights are random in every call and gone after it, so they are never trained and never"
    " saved."
)


class MadeInForward(Rule):
    """Forward makes a layer, or a parameter, anew each time it runs.

    What it flags: a layer with weights, or an `nn.Parameter`, made in forward or in what it
        calls. Layers without weights, as `nn.ReLU()(x)`, and what stands under an `if`
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
        written = list(made_in_forward(evidence))
        if not written:
            yield from self._called(evidence)
        for method, node in written:
            made = ast.unparse(node)
            yield self.finding(
                f"{method.owner}.{method.name} makes {made} each time it runs.",
                why=_WHY,
                change=f"self.layer = {made}  # in __init__",
                at=Place(method.path, method.file.path, node.lineno),
            )

    def _called(self, evidence: Evidence) -> Iterator[Finding]:
        """What a function makes that forward calls: other modules in each forward."""
        foreign = evidence.trace.foreign if evidence.missing(Need.FORWARD) == "" else []
        again = evidence.probes.called_again() if foreign else frozenset[int]()
        for call in {(type(c.module), evidence.trace.place_of(c)): c for c in foreign}.values():
            if id(call.module) not in again:
                kind, parameters = type(call.module).__name__, list(call.module.parameters())
                yield self.finding(
                    f"The forward calls another {kind} each time it runs, with"
                    f" {sum(p.numel() for p in parameters):,} new parameters.",
                    why=_WHY,
                    change=f"self.layer = nn.{kind}(...)  # in __init__",
                    at=evidence.trace.place_of(call),
                )


def made_in_forward(evidence: Evidence) -> Iterator[tuple[ForwardMethod, ast.Call]]:
    """Every call in a forward that makes something with weights."""
    for method in always_run(evidence.forward_code()):
        waiting: list[ast.AST] = [*method.node.body]
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, (ast.If, ast.IfExp, ast.FunctionDef, ast.Lambda)):
                waiting.extend(always(node))
                continue
            if isinstance(node, ast.Call) and _has_weights(method, node):
                yield method, node
            waiting.extend(ast.iter_child_nodes(node))


def _has_weights(method: ForwardMethod, node: ast.Call) -> bool:
    if dotted(method.file, node.func) in ("torch.nn.Parameter", "torch.nn.parameter.Parameter"):
        return True
    kind = layer_kind(method.file, node.func)
    name = kind.__name__ if kind is not None else ""
    return any(word in name for word in _WEIGHTED) and not name.startswith(_WITHOUT)
