"""What a model needs of a device's memory: the parts in bytes, their sums, and whether they fit."""

from __future__ import annotations

import enum

import msgspec

TIGHT_RATIO = 0.9
"""Above this share of the free memory, what no estimate knows may not fit: the allocator's
fragments, the workspace of a library, the context of a device."""


class Optimizer(enum.Enum):
    """What is kept for each trainable weight; the value is how many copies of it."""

    SGD = 0
    SGD_MOMENTUM = 1
    ADAM = 2


class Fit(enum.Enum):
    """Whether a need goes into what is free."""

    YES = "fits"
    TIGHT = "may not fit"
    NO = "does not fit"
    UNKNOWN = "free memory is not known"


class DtypeBytes(msgspec.Struct, frozen=True):
    """The bytes of all parameters and buffers of one dtype; a tied weight once."""

    dtype: str
    parameters: int
    buffers: int


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an estimate, in bytes, at one batch size."""

    batch: int
    weights: int
    trainable: int
    """Of the weights, those that get a gradient."""
    buffers: int
    inputs: int
    peak_activations: int
    """The most that an inference holds at once, apart from its inputs."""
    kept_activations: int | None = None
    """What a training forward keeps for its backward; None where it was not measured."""
    assumed: tuple[str, ...] = ()
    """What the figures rest on that was not measured: a sentence each."""
    by_dtype: tuple[DtypeBytes, ...] = ()
    """The largest first."""
    free: int | None = None
    """On the model's device, when it was looked at; None where the device does not tell."""

    @property
    def held(self) -> int:
        """Of every need, what the model and its inputs had taken when `free` was told."""
        return self.weights + self.buffers + self.inputs

    @property
    def inference(self) -> int:
        return self.held + self.peak_activations

    def training(self, optimizer: Optimizer) -> int | None:
        """The most of a step: at the peak of its forward, which an inference has as well, or after
        it, when what was kept for the backward turns into gradients."""
        if self.kept_activations is None:
            return None
        held = self.held + self.optimizer_state(optimizer)
        return held + max(self.peak_activations, self.kept_activations + self.gradients)

    @property
    def gradients(self) -> int:
        """Each in its weight's dtype."""
        return self.trainable

    def optimizer_state(self, optimizer: Optimizer) -> int:
        return self.trainable * optimizer.value


def fit(needed: int, free: int | None) -> Fit:
    """Whether what is needed beyond what is held fits into what is free on the device."""
    if free is None:
        return Fit.UNKNOWN
    if needed > free:
        return Fit.NO
    return Fit.TIGHT if needed > TIGHT_RATIO * free else Fit.YES
