"""What a mode is: a way to run a model, prepared once and then called over and over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import nn

from nninspect.engine.inputs import Arguments


class NotHere(Exception):
    """This mode can't run on this machine or device; the message is a sentence that says why."""


@dataclass(frozen=True)
class Subject:
    """What a mode is to run. The model is on the device, in the mode of the setup, and the
    mode's own to change where it `changes_model`."""

    model: nn.Module
    arguments: Arguments
    """On the device."""
    device: torch.device
    threads: int
    """CPU threads of the run."""


@dataclass(frozen=True)
class Step:
    """A part of one iteration that is also timed by itself."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Prepared:
    """A configuration, ready to be called. An iteration is all steps in order; what one leaves for
    the next is their own affair."""

    steps: tuple[Step, ...]
    around: Callable[[], AbstractContextManager[object]]
    """Entered before a slot and left after it, untimed: inference mode, autocast, threads."""
    output: Callable[[], object] | None = None
    """One forward as this mode computes it, to compare with other rows; called within `around`.
    None where the outputs of two rows can't be expected to be equal."""
    compile_s: float | None = None
    """Seconds of compilation before the first call; None where nothing is compiled."""
    holds_bytes: int = 0
    """Of the device's memory, taken before the first call and held beside model and inputs."""
    labels: tuple[str, ...] = ()
    config: Mapping[str, str | int] = field(default_factory=dict)
    """What differs from plain inference in the row's `Config`: dtype, autocast, layout, engine,
    threads."""
    close: Callable[[], None] = lambda: None
    """Undoes what outlives the subject; the model need not be restored."""


class Mode(Protocol):
    """A strategy: one file a mode, or a family of modes, registered in `registry`."""

    name: str
    work: str
    """What one iteration is: "forward", "training step". Rows of different work have no ratio."""
    changes_model: bool
    """It converts, compiles or trains the model, so that it gets a copy of its own."""

    def prepare(self, subject: Subject) -> Prepared:
        """Raises NotHere where it can't run, and what the model raises."""
        ...
