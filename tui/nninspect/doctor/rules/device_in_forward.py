"""NN803: a device that is written into the forward."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.methods import ForwardMethod, always_run
from nninspect.doctor.place import Place
from nninspect.doctor.rewrite import statement_at
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import nodes_in
from nninspect.protocol.findings import Finding, Severity

_KINDS = ("cuda", "mps", "xpu", "cpu", "npu", "hpu")
_MOVES = ("cuda", "xpu", "mps")


class DeviceInForward(Rule):
    """The forward names a device, so the model runs on no other.

    What it flags: `.cuda()`, `.to("cuda")`, `device="cuda:0"` and `torch.device("cuda")` in your
        own `forward`, or in a method that it calls; "cpu" as well. `torch.autocast("cuda")` and
        comparisons such as `x.device.type == "cuda"` are left alone.
    Why: on a machine without that device the forward fails, and with several GPUs everything
        meets on the first.
    Instead: follow the input: `.to(x.device)`, `device=x.device`; or register a buffer, which
        moves with the model.
    Example:
        mask = torch.ones(len(x), device="cuda")
        mask = torch.ones(len(x), device=x.device)
    """

    code = "NN803"
    name = "device-in-forward"
    severity = Severity.WARNING
    needs = frozenset({Need.SOURCE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for method in always_run(evidence.forward_code()):
            for node, written in _devices(method.node):
                yield self.finding(
                    f"{method.name} of {method.owner} names a device: {written}.",
                    why="The model then runs on that device only, wherever it was moved to.",
                    change=_change(evidence, method, node, written),
                    at=Place(method.path, method.file.path, node.lineno),
                )


def _change(evidence: Evidence, method: ForwardMethod, node: ast.expr, written: str) -> str:
    """The user's statement with the device of the first argument, or without the move."""
    at = Place(method.path, method.file.path, node.lineno)
    _, statement = statement_at(evidence, at)
    arguments = method.node.args.args[1:2]
    if statement is None or not arguments:
        return "Follow the input: x.device."
    device = f"{arguments[0].arg}.device"
    function = node.func if isinstance(node, ast.Call) else None
    if written.startswith("device="):
        right = f"device={device}"
    elif isinstance(function, ast.Attribute) and not _is_torch(function.value):
        right = ast.unparse(function.value)
    else:
        right = device
    return ast.unparse(statement).replace(written, right)


def _devices(code: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Where a device is written out, and the text of it."""
    named = {
        target.id
        for node in nodes_in(code)
        if isinstance(node, ast.Assign) and _is_device(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def is_device(node: ast.expr) -> bool:
        return _is_device(node) or (isinstance(node, ast.Name) and node.id in named)

    for node in nodes_in(code):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute):
            names_device = function.attr in ("to", "device") and any(map(is_device, node.args))
            if names_device or (function.attr in _MOVES and not _is_torch(function.value)):
                yield node, ast.unparse(node)
        for keyword in node.keywords:
            if keyword.arg == "device" and is_device(keyword.value):
                yield node, f"device={ast.unparse(keyword.value)}"


def _is_torch(node: ast.expr) -> bool:
    """The package itself, no tensor of it."""
    return isinstance(node, ast.Name) and node.id == "torch"


def _is_device(node: ast.expr) -> bool:
    """A literal such as "cuda:0", also as one of two."""
    if isinstance(node, ast.IfExp):
        return _is_device(node.body) or _is_device(node.orelse)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return node.value.partition(":")[0] in _KINDS
