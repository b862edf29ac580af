"""NN112: an attribute that freezes nothing, as `require_grad`."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.written import assignments_in_files
from nninspect.protocol.findings import Finding, Severity

RIGHT = "requires_grad"
ALIKE = 0.85
_WORDS = ("requir", "_grad")
"""What any spelling of it has."""


class MisspeltFreeze(Rule):
    """An attribute much like `requires_grad` is set, which freezes nothing.

    What it flags: `p.require_grad = False` and other spellings, `p.requires_grad_ = False`, which
        replaces the method, and `requires_grad` set on a module, which has no such attribute.
    Why: Python sets any attribute without a word; the parameters are trained all the same.
    Instead: `p.requires_grad = False` for each parameter, or `module.requires_grad_(False)`.
    Example:
        self.backbone.requires_grad = False
        self.backbone.requires_grad_(False)
    """

    code = "NN112"
    name = "misspelt-freeze"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for file, node in assignments_in_files(evidence, _WORDS):
            target = node.targets[0]
            if isinstance(target, ast.Attribute) and _is_misspelt(target.attr):
                right = ast.unparse(node).replace(f".{target.attr} =", f".{RIGHT} =")
                yield self._finding(f".{target.attr}", right, Place("", file.path, node.lineno))
        for path, module in evidence.structure.modules():
            if RIGHT in vars(module):
                at = _set_at(evidence, path)
                name = f"self.{path}" if path else "self"
                change = f"{name}.requires_grad_({vars(module)[RIGHT]!r})"
                yield self._finding(f"{path or 'the model'}.{RIGHT}, of a module,", change, at)

    def _finding(self, what: str, change: str, at: Place) -> Finding:
        return self.finding(
            f"{what} is set, and torch does not look at it.",
            why="Nothing is frozen or freed by it.",
            change=change,
            at=at,
        )


def _is_misspelt(name: str) -> bool:
    if name == RIGHT or name.startswith("_"):
        return False
    return difflib.SequenceMatcher(None, name, RIGHT).ratio() >= ALIKE


def _set_at(evidence: Evidence, path: str) -> Place:
    """The line that sets it on this module, by its name."""
    name = path.rpartition(".")[2]
    for file, node in assignments_in_files(evidence, _WORDS):
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and target.attr == RIGHT:
            owner = target.value
            if (owner.attr if isinstance(owner, ast.Attribute) else "") == name:
                return Place(path, file.path, node.lineno)
    return evidence.at_path(path)
