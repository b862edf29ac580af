"""NN102: a name that torch does not have."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import nn

from nninspect.doctor.causes import FailureRule, line_text, place_of, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.imports import MISSING, dotted, found
from nninspect.doctor.place import Place
from nninspect.doctor.source import SourceClass
from nninspect.doctor.written import line_of, path_of, written_classes
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.suggest import nearest

_ATTRIBUTE = re.compile(r"module '(torch[\w.]*)' has no attribute '(\w+)'")
_IMPORT = re.compile(r"cannot import name '(\w+)' from '(torch[\w.]*)'")
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_KEYWORD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_MODULES = ("torch.nn", "torch.nn.functional", "torch.nn.init")

_KERAS = {
    "dense": "Linear", "batchnormalization": "BatchNorm2d", "layernormalization": "LayerNorm",
    "maxpooling1d": "MaxPool1d", "maxpooling2d": "MaxPool2d", "averagepooling2d": "AvgPool2d",
    "globalaveragepooling2d": "AdaptiveAvgPool2d", "globalmaxpooling2d": "AdaptiveMaxPool2d",
    "conv2dtranspose": "ConvTranspose2d", "multiheadattention": "MultiheadAttention",
    "convolution2d": "Conv2d", "leakyrelu": "LeakyReLU", "swish": "SiLU",
}  # fmt: skip
"""What other libraries call torch's layers."""
_MODULES_AS = {"nn": "from torch import nn", "F": "import torch.nn.functional as F"}
_MODULES_AS |= {"torch": "import torch"}


class UnknownName(FailureRule):
    """A name that PyTorch does not have, as `nn.Conv2D`.

    What it flags: an attribute of torch.nn, torch.nn.functional or torch.nn.init that does not
        exist, whether the line has run or not; a layer's argument that it does not take; a layer
        or `nn` itself that was not imported. Lines that a `try` or an `if` guards are left alone.
    Why: names in PyTorch are case-sensitive; the line raises as soon as it runs.
    Instead: write the name as PyTorch does: `Conv2d`, `ReLU`, `BatchNorm1d`.
    Example:
        self.conv = nn.Conv2D(1, 16, 3)
        self.conv = nn.Conv2d(1, 16, 3)
    """

    code = "NN102"
    name = "unknown-name"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        raised = list(super().check(evidence))
        yield from raised
        lines = {(finding.file, finding.line) for finding in raised}
        for written in written_classes(evidence):
            for node, name in _missing(written):
                if (written.file.path, node.lineno) not in lines:
                    at = line_of(written, node, path_of(evidence, written))
                    yield self._finding(name, _known(name), at, ast.unparse(node))

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        place = place_of(evidence, failure)
        line = line_text(evidence, place)
        text = said(failure)
        if match := _ATTRIBUTE.search(text):
            name = f"{match[1]}.{match[2]}"
        elif match := _IMPORT.search(text):
            name = f"{match[2]}.{match[1]}"
        elif match := _UNDEFINED.search(text):
            return self._undefined(match[1], place)
        elif match := _KEYWORD.search(text):
            return self._keyword(match[1], match[2], place, line)
        else:
            return None
        return self._finding(name, _known(name), place, line)

    def _finding(self, name: str, known: Iterable[str], at: Place, line: str) -> Finding:
        owner, _, wrong = name.rpartition(".")
        right = _KERAS.get(wrong.lower(), "") if owner == "torch.nn" else ""
        right = right or nearest(wrong, known)
        return self.finding(
            f"{owner} has no {wrong}{f'; it has {right}' if right else ''}.",
            why="Names in PyTorch are case-sensitive, and the line raises when it runs.",
            change=_replaced(line, wrong, right) if right else f"write a name that {owner} has",
            at=at,
        )

    def _undefined(self, name: str, at: Place) -> Finding | None:
        if name in _MODULES_AS:
            how = _MODULES_AS[name]
        elif hasattr(nn, name):
            how = f"nn.{name}, after `from torch import nn`"
        elif hasattr(F, name):
            how = f"F.{name}, after `import torch.nn.functional as F`"
        elif near := nearest(name, _layers(), 0.85):
            name, how = f"{name} (it is spelt {near})", f"nn.{near}, after `from torch import nn`"
        else:
            return None
        return self.finding(
            f"{name} is used and was never imported.",
            why="The line raises a NameError when it runs.",
            change=how,
            at=at,
        )

    def _keyword(self, kind: str, wrong: str, at: Place, line: str) -> Finding | None:
        layer = getattr(nn, kind, None)
        if not (inspect.isclass(layer) and issubclass(layer, nn.Module)):
            return None
        takes = [name for name in inspect.signature(layer).parameters if name != "self"]
        right = nearest(wrong, takes)
        return self.finding(
            f"nn.{kind} takes no argument {wrong}; it takes {', '.join(takes)}.",
            why="The line raises a TypeError when it runs.",
            change=_replaced(line, wrong, right) if right else "",
            at=at,
        )


def _known(name: str) -> list[str]:
    owner = found(name.rpartition(".")[0]) if "." in name.removeprefix("torch.") else torch
    known = [each for each in dir(owner) if not each.startswith("_")]
    return _layers() if owner is nn else known


def _layers() -> list[str]:
    return [name for name in dir(nn) if inspect.isclass(getattr(nn, name))]


def _missing(written: SourceClass) -> Iterator[tuple[ast.Attribute, str]]:
    """Names in a class that torch.nn lacks, where nothing guards them."""
    waiting: list[ast.AST] = [written.node]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.Try, ast.If, ast.IfExp)):
            continue
        if isinstance(node, ast.Attribute) and dotted(written.file, node.value) in _MODULES:
            name = dotted(written.file, node)
            if found(name) is MISSING:
                yield node, name
        waiting.extend(ast.iter_child_nodes(node))


def _replaced(line: str, wrong: str, right: str) -> str:
    """The line with the right name; of a call that goes on over more lines, its beginning."""
    text = re.sub(rf"\b{re.escape(wrong)}\b", right, line) or right
    return f"{text}...{')' * (text.count('(') - text.count(')'))}" if text.endswith("(") else text
