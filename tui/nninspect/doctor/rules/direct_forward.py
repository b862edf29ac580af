"""NN108: a module's forward called by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Rule
from nninspect.doctor.source import SourceClass, nodes_in
from nninspect.doctor.written import line_of, path_of, written_classes
from nninspect.protocol.findings import Finding, Severity


class DirectForward(Rule):
    """`module.forward(x)` in place of `module(x)`.

    What it flags: a call of `.forward` on an attribute of self or on a local name. A base's
        forward, as `super().forward(x)` or `Base.forward(self, x)`, is left alone.
    Why: hooks don't run, so profilers, `torch.compile` wrappers, quantisation, feature
        extraction and this program's own tree miss the call.
    Instead: call the module itself.
    Example:
        x = self.encoder.forward(x)
        x = self.encoder(x)
    """

    code = "NN108"
    name = "direct-forward"
    severity = Severity.INFO

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for written in written_classes(evidence):
            for node, module in _direct(written):
                owner = ast.unparse(module)
                arguments = ", ".join(map(ast.unparse, (*node.args, *node.keywords)))
                yield self.finding(
                    f"{owner}.forward(...) is called by its name.",
                    why="Hooks don't run, so whatever watches the module misses the call.",
                    change=f"{owner}({arguments})",
                    at=line_of(written, node, path_of(evidence, written)),
                )


def _direct(written: SourceClass) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The calls, and whose forward each is."""
    for node in nodes_in(written.node):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="forward"), args=arguments):
                given = ast.unparse(arguments[0]) if arguments else ""
                if _is_instance(owner) and given not in ("self", "ctx"):
                    yield node, owner


def _is_instance(node: ast.AST) -> bool:
    """`self.layer`, `self.layers[0]`, `layer`: no class, and no call as `super()`."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Attribute) and node.attr[:1].isupper():
            return False
        node = node.value
    return isinstance(node, ast.Name) and not node.id[:1].isupper() and node.id != "cls"
