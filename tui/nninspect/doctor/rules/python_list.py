"""NN501: layers in a Python list, which registers nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.held import held_in
from nninspect.doctor.place import Place
from nninspect.doctor.rewrite import wrapped
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_LIST, _DICT = "nn.ModuleList", "nn.ModuleDict"
_WHY = (
    "They are in no parameters(), so they are never trained, not saved, and not moved by"
    " to(device)."
)


class PythonList(Rule):
    """Layers in a Python list, tuple or dict are not part of the model.

    What it flags: an attribute of a module that holds other modules in a list, tuple, set or
        dict, nested ones too, where no part of the model holds them as well. A list of modules
        that are registered elsewhere is left alone, and so are modules without parameters. Also
        layers that forward calls out of a closure or of an object that is no module.
    Why: `parameters()` does not have them, so they are never trained; the `state_dict` does
        not save them, and `model.to(device)` leaves them behind.
    Instead: wrap the list as `nn.ModuleList([...])`, a dict as `nn.ModuleDict({...})`.
    Example:
        self.hidden = [nn.Linear(64, 64) for _ in range(3)]
        self.hidden = nn.ModuleList([nn.Linear(64, 64) for _ in range(3)])
    """

    code = "NN501"
    name = "python-list"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        known = {id(parameter) for parameter in structure.parameters.values()}
        for path, module in structure.modules():
            for name, value in structure.plain_attributes(module).items():
                parts = [] if isinstance(value, nn.Module) else held_in(value, nn.Module)
                held = [each for each in parts if _is_lost(each, known)]
                if held:
                    known |= {id(parameter) for each in held for parameter in each.parameters()}
                    yield self._finding(evidence, path, name, value, held)
        yield from self._called(evidence, known)

    def _called(self, evidence: Evidence, known: set[int]) -> Iterator[Finding]:
        """What forward calls although no list or dict of the model leads there: a closure, an
        object that is no module, a global name."""
        foreign = evidence.trace.foreign if evidence.missing(Need.FORWARD) == "" else []
        lost = [call for call in foreign if _is_lost(call.module, known)]
        again = evidence.probes.called_again() if lost else frozenset[int]()
        held = {id(call.module): call for call in lost if id(call.module) in again}
        if held:
            modules = [call.module for call in held.values()]
            yield self.finding(
                f"forward calls {_counted(modules)} that the model does not know of, held by what"
                " is neither a module nor in one.",
                why=_WHY,
                change="self.layer = layer  # in __init__, for each; nn.Module as the base class"
                " of the object that holds it",
                at=evidence.trace.place_of(next(iter(held.values()))),
            )

    def _finding(
        self, evidence: Evidence, path: str, name: str, value: Any, held: list[nn.Module]
    ) -> Finding:
        place = _place(evidence, path, name)
        return self.finding(
            f"self.{name} is a {type(value).__name__} with {_counted(held)} that the model does not"
            " know of.",
            why=_WHY,
            change=_change(evidence, place, name, value),
            at=place,
        )


def _change(evidence: Evidence, place: Place, name: str, value: Any) -> str:
    """The user's statement with the container that holds such values, and what goes into it."""
    parts = _parts(value)
    outer = _container(value)
    if all(isinstance(part, nn.Module) for part in parts):
        return wrapped(evidence, place, outer) or f"self.{name} = {outer}(...)"
    if all(isinstance(part, (Mapping, list, tuple)) for part in parts) and all(
        isinstance(each, nn.Module) for part in parts for each in _parts(part)
    ):
        return _nested(evidence, place, name, (outer, _container(parts[0])))
    values = f"self.{name}.values()" if outer == _DICT else f"self.{name}"
    is_flat = any(isinstance(part, nn.Module) for part in parts)
    loops = f"for each in {values}" if is_flat else f"for part in {values} for each in part"
    return (
        f"self.{name}_modules = {_LIST}(each {loops} if isinstance(each, nn.Module))"
        "  # registers them beside it"
    )


def _nested(evidence: Evidence, place: Place, name: str, kinds: tuple[str, str]) -> str:
    """`nn.ModuleList(nn.ModuleList(each) for each in ...)`, or what is appended to an empty one."""
    outer, inner = kinds
    written = wrapped(evidence, place, outer)
    target, _, rest = written.partition(f" = {outer}(")
    if not rest:
        return f"self.{name} = {outer}(...)  # of {inner}(...)"
    value = rest.removesuffix(")")
    if not value:
        return f"{written}\nself.{name}.append({inner}([...]))  # each as one"
    if outer == _DICT:
        return f"{target} = {outer}({{key: {inner}(each) for key, each in {value}.items()}})"
    return f"{target} = {outer}({inner}(each) for each in {value})"


def _container(value: Any) -> str:
    return _DICT if isinstance(value, Mapping) else _LIST


def _parts(value: Any) -> list[Any]:
    return list(value.values() if isinstance(value, Mapping) else value)


def _is_lost(module: nn.Module, known: set[int]) -> bool:
    return any(id(parameter) not in known for parameter in module.parameters())


def _counted(held: list[nn.Module]) -> str:
    """ "2 modules (Linear), 144 parameters in all," """
    parameters = sum(p.numel() for module in held for p in module.parameters())
    count = f"{len(held)} modules" if len(held) > 1 else "1 module"
    kinds = ", ".join(dict.fromkeys(type(module).__name__ for module in held))
    return f"{count} ({kinds}), {parameters:,} parameters in all,"


def _place(evidence: Evidence, path: str, name: str) -> Place:
    module = evidence.structure.by_path[path]
    return evidence.at_attribute(path, type(module), name)
