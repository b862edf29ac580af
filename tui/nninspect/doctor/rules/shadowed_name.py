"""NN111: a name of nn.Module's own that a model uses for something else."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import SourceClass
from nninspect.doctor.written import gives_back, path_of
from nninspect.protocol.findings import Finding, Severity

_METHODS = frozenset(
    name
    for name, value in vars(nn.Module).items()
    if isinstance(value, FunctionType) and not name.startswith("_") and name != "forward"
)
_TAKEN: dict[str, tuple[Any, ...]] = {"train": (True,), "to": ("cpu",), "type": ("dtype",)}
"""What torch, or a training loop, calls a method with; the others with nothing."""
_OF_ALL = ("train", "eval", "parameters", "modules", "children", "to", "type", "cuda", "cpu",
           "half", "float", "double", "zero_grad", "named_parameters", "named_modules")  # fmt: skip


class ShadowedName(Rule):
    """A name that nn.Module needs for itself means something else in this model.

    What it flags: an attribute or a part called as a method of nn.Module is (`self.type`,
        `self.modules`); a method of such a name that can't be called as torch calls it
        (`def train(self, loader)`), and a `train` that does not return the model, of a part an
        info. Methods that take what torch gives are left alone.
    Why: `model.eval()` calls `self.train(False)`, `model.to(device)` and optimizers go through
        `modules()` and `parameters()`: they meet yours instead, and raise or do something else.
        A part of such a name can't be reached: `self.modules` is the method.
    Instead: take another name: `fit`, `kind`, `blocks`. End `train` with `return self`.
    Example:
        def train(self, loader): ...
        def fit(self, loader): ...
    """

    code = "NN111"
    name = "shadowed-name"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE, Need.SOURCE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        yield from self._attributes(evidence)
        for written in evidence.source_classes():
            if written.kind is not None and issubclass(written.kind, nn.Module):
                yield from self._methods(evidence, written)

    def _attributes(self, evidence: Evidence) -> Iterator[Finding]:
        told: set[tuple[type, str]] = set()
        for path, module in evidence.structure.modules():
            kind = type(module)
            parts = (*evidence.structure.plain_attributes(module), *module._modules.keys())
            for name in _METHODS.intersection(parts):
                at = evidence.at_attribute(path, kind, name)
                if at.line and (kind, name) not in told:
                    told.add((kind, name))
                    is_part = name in module._modules.keys()  # noqa: SIM118 - a scripted one's is no dict
                    yield self.finding(
                        f"self.{name} is set, and {name} is a method of nn.Module.",
                        why=f"self.{name} stays the method: the part can't be reached by it."
                        if is_part
                        else f"model.{name}(...) raises: it is no method any more.",
                        change=f"self.{name}_ = ...  # or any name that nn.Module does not have",
                        at=at,
                        severity=None if is_part or name in _OF_ALL[:6] else Severity.WARNING,
                    )

    def _methods(self, evidence: Evidence, written: SourceClass) -> Iterator[Finding]:
        for name in _OF_ALL:
            method = written.method(name)
            if method is None:
                continue
            at = Place(path_of(evidence, written), written.file.path, method.lineno)
            if not _can_be_called(vars(written.kind).get(name), _TAKEN.get(name, ())):
                yield self.finding(
                    f"{written.name}.{name}({ast.unparse(method.args)}) stands in the place of"
                    f" nn.Module's, and can't be called as that is.",
                    why="model.eval() calls self.train(False): it raises."
                    if name == "train"
                    else f"What calls model.{name}() as torch has it raises.",
                    change=f"def {'fit' if name == 'train' else f'{name}_'}"
                    f"({ast.unparse(method.args)}): ...",
                    at=at,
                )
            elif name in ("train", "eval") and not gives_back(method):
                yield self.finding(
                    f"{written.name}.{name} returns nothing.",
                    why=f"model = model.{name}() is None then, as model.eval() is, which returns"
                    " what train returns.",
                    change="return self  # at its end",
                    at=at,
                    severity=Severity.INFO if at.path else Severity.WARNING,
                )


def _can_be_called(method: Any, given: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(method).bind(None, *given)
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return True
    return True
