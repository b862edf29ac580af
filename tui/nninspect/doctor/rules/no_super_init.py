"""NN101: a module that was used before nn.Module was initialised."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from nninspect.doctor.causes import FailureRule, place_of, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.place import Place
from nninspect.doctor.source import SourceClass, nodes_in
from nninspect.doctor.written import calls_super_init, line_of, written_classes
from nninspect.protocol.findings import Finding, Severity

_BEFORE = re.compile(
    r"before Module\.__init__\(\) call"
    r"|object has no attribute '_(modules|parameters|buffers|backward_hooks|forward_hooks)'"
)
_NEVER = re.compile(r"(\w+) was not initialised as an nn\.Module")


class NoSuperInit(FailureRule):
    """A module is used before `super().__init__()` has run.

    What it flags: a build that fails because a class derived from nn.Module does not call
        `super().__init__()`, calls it after the first layer, or names it without calling it.
    Why: nn.Module keeps layers, parameters and buffers in tables that its own `__init__` makes;
        without them nothing can be registered.
    Instead: make `super().__init__()` the first line of `__init__`.
    Example:
        def __init__(self):
            self.fc = nn.Linear(784, 10)  # super().__init__() is missing
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
    """

    code = "NN101"
    name = "no-super-init"
    severity = Severity.ERROR

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        text = said(failure) or failure.problem.message
        never = _NEVER.search(text)
        if failure is not evidence.build_failure or not (never or _BEFORE.search(text)):
            return None
        place = place_of(evidence, failure)
        written = next(_candidates(evidence, place, never[1] if never else ""), None)
        name = written.name if written else never[1] if never else "the class"
        return self.finding(
            f"{name} is used as a module before nn.Module is initialised: {_seen(written)}.",
            why="nn.Module keeps its layers in tables that its own __init__ makes; without them"
            " nothing can be registered.",
            change=_change(written),
            at=_place(written, place),
        )


def _candidates(evidence: Evidence, place: Place, name: str) -> Iterator[SourceClass]:
    """The class that the failing line is in, or the one of that name."""
    file = evidence.source.file(place.file)
    if file is not None:
        around = [c for c in file.classes() if c.lineno <= place.line <= (c.end_lineno or 0)]
        yield from (SourceClass(file, node) for node in reversed(around))
    yield from (each for each in written_classes(evidence) if each.name == name)


def _seen(written: SourceClass | None) -> str:
    init = written.method("__init__") if written else None
    if init is None:
        return "super().__init__() was not called"
    call = calls_super_init(init)
    if call is not None:
        return f"super().__init__() stands in line {call.lineno}, after the first use of it"
    if any(_is_only_named(node) for node in nodes_in(init)):
        return "super().__init__ stands there without its parentheses, so it is never called"
    return "its __init__ never calls super().__init__()"


def _is_only_named(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Attribute) and value.attr == "__init__"


def _change(written: SourceClass | None) -> str:
    init = written.method("__init__") if written else None
    if written is None or init is None:
        return "def __init__(self):\n    super().__init__()  # the first line"
    head = [written.file.line(n) for n in range(init.lineno, init.body[0].lineno)]
    told = "\n".join(head) if len(head) == 1 else f"    def __init__({ast.unparse(init.args)}):"
    return textwrap.dedent(f"{told}\n        super().__init__()  # the first line")


def _place(written: SourceClass | None, place: Place) -> Place:
    init = written.method("__init__") if written else None
    if place.line or written is None:
        return place
    return line_of(written, init or written.node)
