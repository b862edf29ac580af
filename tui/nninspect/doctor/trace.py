"""Evidence from one forward: its steps as a graph, and what lies between two layers.

A step is a call of one of torch's own layers, or an op; a module with parts of its own is no
step, its parts are. Most rules live on this view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import torch
from torch import nn

from nninspect.doctor.formulas import recognise
from nninspect.doctor.observer import Notes, NotesTaker
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role, function_of, name_of, role_of
from nninspect.doctor.step import Step
from nninspect.doctor.structure import Structure
from nninspect.engine.failures.facts import in_order
from nninspect.engine.forward import Forward
from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.engine.ops import Op
from nninspect.engine.placement import place_ops
from nninspect.engine.recorder import Call, CallRecorder, Maker
from nninspect.protocol.layers import TensorInfo

TRANSPARENT = frozenset({Role.MOVE, Role.DROPOUT})
"""What rules look through by default: it leaves what kind of numbers they are alone."""


class Trace:
    """The steps of one forward, in order, with what led where."""

    def __init__(self, forward: Forward, taker: NotesTaker, structure: Structure) -> None:
        self.forward = forward
        self.structure = structure
        self.steps: list[Step] = []
        self._taker = taker
        self._steps: dict[int, Step] = {}
        self._paths = _op_paths(forward, structure)
        self._link()
        self.outputs: tuple[tuple[str, Step | None], ...] = self._outputs()

    @property
    def calls(self) -> list[Call]:
        """Every module call, of modules with parts too, in the order they began."""
        return self.forward.recorder.calls

    @cached_property
    def called(self) -> frozenset[int]:
        """The modules that were called, by `id`, wherever they were."""
        here = (id(call.module) for call in self.calls)
        return frozenset((*here, *self.forward.recorder.elsewhere))

    @cached_property
    def foreign(self) -> list[Call]:
        """The calls of modules with weights that are no part of the model; not those within one."""
        known = {id(parameter) for parameter in self.structure.parameters.values()}
        known |= {id(parameter) for parameter in self.structure.hidden_parameters()}
        found: list[Call] = []
        lost: set[int] = set()
        for place, call in enumerate(self.calls):
            is_part = id(call.module) in self.structure.paths
            if is_part or all(id(p) in known for p in call.module.parameters()):
                continue
            if call.inside not in lost:
                found.append(call)
            lost.add(place)
        return found

    def place_of(self, call: Call) -> Place:
        """The module that a call was made in, and the user's line."""
        notes = self._taker.notes.get(id(call), Notes())
        return Place(self._inside(call.inside), notes.file, notes.line)

    @property
    def reads(self) -> list[tuple[str, Place]]:
        """Values that the user's code read into Python: by what function, and where."""
        return [
            (read.name, Place(self._inside(read.inside), read.file, read.line))
            for read in self._taker.reads
        ]

    @property
    def active_units(self) -> list[torch.Tensor]:
        """Per ReLU, in order, a flag a unit: it got something from 0 up."""
        return self._taker.units.active

    @property
    def output(self) -> Step | None:
        """What made the primary output: the first that is no loss; None where that is unknown."""
        return next((step for key, step in self.outputs if not is_loss_key(key)), None)

    @property
    def returned(self) -> TensorInfo | None:
        """The primary output as it is returned."""
        found = self.calls[0].outputs if self.calls else None
        return next((tensor for tensor in found or () if not is_loss_key(tensor.key)), None)

    def of(self, *roles: Role) -> Iterator[Step]:
        """Every step of these roles, in order."""
        return (step for step in self.steps if step.role in roles)

    def of_module(self, module: nn.Module) -> list[Step]:
        """The calls of one layer."""
        return self._by_module.get(id(module), [])

    @cached_property
    def _by_module(self) -> Mapping[int, list[Step]]:
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            if step.module is not None:
                found.setdefault(id(step.module), []).append(step)
        return found

    def before(self, step: Step, through: Iterable[Role] = TRANSPARENT) -> tuple[Step | None, ...]:
        """What a step's tensors come from, looking through some roles; None is the input."""
        return tuple(_reached(step, lambda each: each.producers, frozenset(through)))

    def after(self, step: Step, through: Iterable[Role] = TRANSPARENT) -> tuple[Step, ...]:
        """What uses what a step made, looking through some roles."""
        found = _reached(step, lambda each: each.consumers, frozenset(through))
        return tuple(each for each in found if each is not None)

    def only_before(self, step: Step, through: Iterable[Role] = TRANSPARENT) -> Step | None:
        """The one step that a step's tensors come from; None where it is not exactly one."""
        found = self.before(step, through)
        return found[0] if len(found) == 1 else None

    def only_after(self, step: Step, through: Iterable[Role] = TRANSPARENT) -> Step | None:
        """The one step that uses what a step made; None where it is not exactly one, or the
        model returns it as well."""
        found = self.after(step, through)
        return found[0] if len(found) == 1 and not self.is_returned(step, through) else None

    def is_returned(self, step: Step, through: Iterable[Role] = TRANSPARENT) -> bool:
        """Whether the model returns what a step made, as it is or looked at through some roles."""
        roles, waiting, seen = frozenset(through), [step], {step}
        while waiting:
            each = waiting.pop()
            if each.is_output:
                return True
            fresh = [s for s in each.consumers if s.role in roles and s not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        return False

    def is_followed_by(self, step: Step, roles: Iterable[Role]) -> bool:
        """Whether anything after a step, however far, has one of these roles."""
        wanted, waiting, seen = frozenset(roles), list(step.consumers), set(step.consumers)
        while waiting:
            each = waiting.pop()
            if each.role in wanted:
                return True
            fresh = [s for s in each.consumers if s not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        return False

    def _link(self) -> None:
        recorder = self.forward.recorder
        makers: dict[int, list[Maker | None]] = {}
        for maker, used_by in recorder.dataflow.edges:
            makers.setdefault(id(used_by), []).append(maker)
        for each in recorded_steps(recorder):
            self._add(each)
        for each in recorded_steps(recorder):
            self._connect(self._steps[id(each)], makers.get(id(each), []))
        recognise(self.steps)

    def _add(self, each: Maker) -> None:
        notes = self._taker.notes.get(id(each), Notes())
        structure = self.structure
        if isinstance(each, Op):
            module, name = None, function_of(each.name, notes.options)
            inside = self._inside(each.inside)
            path = self._paths.get(id(each), inside)
        else:
            module, name = each.module, name_of(each.module)
            path = structure.path(each.module)
            inside = self._inside(each.inside)
        step = Step(
            len(self.steps),
            name,
            role_of(name),
            path,
            module,
            inside,
            each.inputs,
            each.outputs or (),
            notes,
        )
        self.steps.append(step)
        self._steps[id(each)] = step

    def _inside(self, call: int) -> str:
        return self.structure.path(self.calls[call].module) if call >= 0 else ""

    def _connect(self, step: Step, makers: Iterable[Maker | None]) -> None:
        for maker in makers:
            producer = None if maker is None else self._steps.get(id(maker))
            step.producers.append(producer)
            if producer is not None and step not in producer.consumers[-1:]:
                producer.consumers.append(step)

    def _outputs(self) -> tuple[tuple[str, Step | None], ...]:
        calls = self.calls
        given = self._taker.given.get(id(calls[0]), ()) if calls else ()
        found = tuple((key, self._steps.get(id(maker)) if maker else None) for key, maker in given)
        for _, step in found:
            if step is not None:
                step.is_output = True
        return found


def recorded_steps(recorder: CallRecorder) -> list[Maker]:
    """What is a step, in the order they began: ops, torch's own layers, and the modules that made
    a tensor in a way that nothing saw."""
    used = {id(maker) for maker, _ in recorder.dataflow.edges if maker is not None}
    return [
        each
        for each in in_order(recorder.calls, recorder.ops)
        if isinstance(each, Op) or is_leaf_of_torch(each.module) or id(each) in used
    ]


def is_loss_key(key: str) -> bool:
    """A part of what a model returns that is a loss, by its name: "loss", "losses.aux_loss"."""
    return "loss" in key.rpartition(".")[2].lower()


def _reached(
    step: Step, following: Callable[[Step], Iterable[Step | None]], through: frozenset[Role]
) -> list[Step | None]:
    """The steps next to one, each once, those of some roles replaced by what is next to them."""
    found: dict[Step | None, None] = {}
    waiting, seen = list(following(step)), {step}
    while waiting:
        each = waiting.pop(0)
        if each is None or each.role not in through:
            found[each] = None
        elif each not in seen:
            seen.add(each)
            waiting.extend(following(each))
    return list(found)


def _op_paths(forward: Forward, structure: Structure) -> dict[int, str]:
    nodes, recorder = structure.nodes, forward.recorder
    paths: dict[int, str] = {}
    for placed in place_ops(nodes, recorder.calls, recorder.ops):
        parent = nodes[placed.parent].path
        path = f"{parent}.{placed.name}" if parent else placed.name
        paths.update((id(op), path) for op in placed.ops)
    return paths
