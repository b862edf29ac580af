"""All that rules may look at, made once a check and shared: each piece when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from torch import nn

from nninspect.doctor.deadline import Deadline
from nninspect.doctor.methods import ForwardMethod, forward_methods
from nninspect.doctor.notebook import Notebook
from nninspect.doctor.place import Place
from nninspect.doctor.probes import Probes
from nninspect.doctor.rule import Need
from nninspect.doctor.source import Source, SourceClass, SourceFile
from nninspect.doctor.step import Step
from nninspect.doctor.structure import Structure
from nninspect.doctor.trace import Trace
from nninspect.doctor.values import broken_tensors
from nninspect.engine.target import LIBRARIES
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.records import Problem, Setup


@dataclass(frozen=True)
class Failure:
    """What ended a build or a forward early: as it is told, and the exception itself."""

    problem: Problem
    error: BaseException | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of one model. A rule names what it can't do without in its `needs`."""

    setup: Setup
    plan: CheckPlan
    deadline: Deadline
    source: Source
    loss: str = ""
    loss_from: str = ""
    """The line of training code that it was read from, as "train.py:5"."""
    """The name in `torch.nn.functional`; "" where it is not known."""
    training_code: tuple[SourceFile, ...] = ()
    """The target's own file, and the one that was pointed to for the loss."""
    task: str = ""
    inputs_from: str = ""
    """Where the inputs came from: "given", "the model card", "guessed from …"."""
    build_failure: Failure | None = None
    forward_failure: Failure | None = None
    built: Structure | None = None
    recorded: Trace | None = None
    """The forward as far as it came; `trace` is the one of a forward that finished."""
    probing: Probes | None = None
    notebook: Notebook | None = None
    """A notebook target, or the one beside the target's file."""
    why_not: dict[Need, str] = field(default_factory=dict)
    """Why a piece of evidence is missing, where there is more to say than `missing` can tell."""

    @property
    def structure(self) -> Structure:
        """For rules that need the structure."""
        assert self.built is not None
        return self.built

    @property
    def trace(self) -> Trace:
        """For rules that need the trace."""
        assert self.recorded is not None
        return self.recorded

    @property
    def probes(self) -> Probes:
        """For rules that need forward or backward probes."""
        assert self.probing is not None
        return self.probing

    @cached_property
    def broken_tensors(self) -> dict[str, str]:
        """Parameters and buffers with values that are no numbers, and what they are."""
        return broken_tensors(self.structure)

    def missing(self, need: Need) -> str:
        """Why a rule can't have what it needs, a sentence; "" where it can."""
        return self.why_not.get(need) or _CHECKS[need](self)

    @property
    def inputs_were_guessed(self) -> bool:
        """Nobody said what the model takes, so an odd input may be the doctor's own fault."""
        return not self.inputs_from.startswith(("given", "the model card"))

    def source_classes(self) -> list[SourceClass]:
        """The user's own classes that the model is made of, with their bases."""
        return list(self.source.classes(self.structure.model))

    def forward_code(self) -> list[ForwardMethod]:
        """The user's own code that runs in a forward: each `forward`, and what it calls."""
        return forward_methods(self.structure, self.source)

    def is_own(self, place: Place) -> bool:
        """Whether the user wrote what stands there, and no installed library did."""
        if place.file and not self.source.is_own(place.file):
            return False
        if self.built is None:
            return True
        module = self.built.by_path.get(place.path)
        if module is not None and self.source.of_class(type(module)) is not None:
            return True
        author = self.built.author(place.path)
        if author is None:
            return self.setup.target.partition(":")[0] not in LIBRARIES
        return not self.source.is_librarys(type(author))

    def at(self, step: Step) -> Place:
        """Where a step was written: a layer where it is made, if that is found; else its call."""
        return self.at_path(step.path) if step.module is not None else step.at

    def at_path(self, path: str) -> Place:
        """Where a module was written: the line of its parent that sets it, or that calls it."""
        parent_path, parent = self.structure.parent(path)
        attribute = path.removeprefix(f"{parent_path}.")
        while isinstance(parent, nn.Sequential | nn.ModuleList | nn.ModuleDict) and parent_path:
            if self.source.of_class(type(parent)):
                break
            attribute = parent_path.rpartition(".")[2]
            parent_path, parent = self.structure.parent(parent_path)
        found = self.at_attribute(path, type(parent), attribute.partition(".")[0])
        return found if found.line and path else self._called_at(path)

    def at_attribute(self, path: str, kind: type, attribute: str) -> Place:
        """Where a class, or one of its bases, first sets `self.attribute`; the path is kept."""
        for base in kind.__mro__:
            written = self.source.of_class(base)
            lines = (part.lineno for part in written.assignments(attribute)) if written else ()
            first = min(lines, default=0)
            if written is not None and first:
                return Place(path, written.file.path, first)
        return Place(path)

    def at_forward(self) -> Place:
        """Where the model's forward is written."""
        lines = (
            Place("", method.file.path, method.node.lineno)
            for method in self.forward_code()
            if not method.path and method.name == "forward"
        )
        return next(lines, Place(""))

    def _called_at(self, path: str) -> Place:
        module = self.structure.by_path.get(path)
        steps = self.recorded.of_module(module) if self.recorded and module is not None else []
        return steps[0].at._replace(path=path) if steps else Place(path)


def _no_structure(evidence: Evidence) -> str:
    if evidence.built is not None:
        return ""
    return "the model could not be built" if evidence.build_failure else "no model was built"


def _no_trace(evidence: Evidence) -> str:
    if evidence.recorded is None:
        return _no_structure(evidence) or "no forward was run"
    return "the forward fails" if evidence.forward_failure is not None else ""


def _no_probes(evidence: Evidence) -> str:
    if evidence.probing is None:
        return _no_trace(evidence) or "nothing was probed"
    return evidence.probing.why_not


def _no_source(evidence: Evidence) -> str:
    if evidence.built is None:
        return _no_structure(evidence)
    if next(evidence.source.classes(evidence.built.model), None):
        return ""
    return "none of its classes is in a file of yours"


def _no_loss(evidence: Evidence) -> str:
    return "" if evidence.loss else "the loss is not known: say --loss"


def _no_sweep(evidence: Evidence) -> str:
    return "" if evidence.plan.sweep is not None else "no benchmark over batch sizes was given"


_CHECKS: dict[Need, Callable[[Evidence], str]] = {
    Need.STRUCTURE: _no_structure,
    Need.TRACE: _no_trace,
    Need.FORWARD: _no_probes,
    Need.BACKWARD: _no_probes,
    Need.SOURCE: _no_source,
    Need.LOSS: _no_loss,
    Need.SWEEP: _no_sweep,
}
