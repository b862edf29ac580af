"""One thing that a forward did: a call of one of torch's own layers, or an op."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from nninspect.doctor.observer import Notes
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.protocol.layers import Tensors


@dataclass(eq=False, slots=True)
class Step:
    """One thing that the forward did. Steps compare by identity."""

    place: int
    """Its index among the steps, in the order they began."""
    name: str
    """By its function, as "conv2d" or "relu", for a layer and a functional call alike."""
    role: Role
    path: str
    """Of its row in the layer tree."""
    module: nn.Module | None
    """The layer; None for an op."""
    inside: str
    """The path of the module whose forward made it."""
    inputs: Tensors
    outputs: Tensors
    notes: Notes
    producers: list[Step | None] = field(default_factory=list, repr=False)
    """What made its tensors, in their order; None for one of the model's inputs."""
    consumers: list[Step] = field(default_factory=list, repr=False)
    is_output: bool = False
    """The model returns what it made."""
    by_hand: bool = False
    """It is the end of a formula that is written out, see `formulas`."""

    @property
    def at(self) -> Place:
        """Its row, and the user's line that made it."""
        return Place(self.path, self.notes.file, self.notes.line)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its first output; () where it has none."""
        return self.outputs[0].shape if self.outputs else ()

    @property
    def given_shape(self) -> tuple[int, ...]:
        """Of its first input; () where it has none."""
        return self.inputs[0].shape if self.inputs else ()

    @property
    def weights(self) -> tuple[nn.Parameter, ...]:
        """The parameters that it uses."""
        return self.notes.weights if self.module is None else tuple(self.module.parameters())

    def option(self, name: str, default: Any = None) -> Any:
        """An argument: of the op as it was called, or an attribute of the layer."""
        if self.module is not None:
            return getattr(self.module, name, default)
        return self.notes.options.get(name, default)

    @property
    def called(self) -> str:
        """How a person says it: "net.fc1 (Linear)", "relu in net.block"."""
        if self.module is not None:
            kind = type(self.module).__name__
            if not self.path and self.notes.file:  # called by the user's code, and no part
                return f"a {kind} that is made in {self.inside or 'forward'}"
            return f"{self.path or 'the model'} ({kind})"
        name = f"{self.name} (written out)" if self.by_hand else self.name
        return f"{name} in {self.inside or 'forward'}"
