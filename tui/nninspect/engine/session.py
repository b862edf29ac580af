"""The model that is being looked at: built once, moved between devices, read again on request."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import msgspec
import torch

from nninspect.engine.blame import described, user_traceback
from nninspect.engine.class_source import class_source
from nninspect.engine.devices import device_named, free_cache
from nninspect.engine.dry_run.ladder import climb
from nninspect.engine.examine import Report, examine
from nninspect.engine.flight import Flight
from nninspect.engine.inputs import dtype_named
from nninspect.engine.load import Loaded, load
from nninspect.engine.meta import why_too_large
from nninspect.engine.weights import describe_weights, module_at
from nninspect.errors import BadInput, DeviceError, NninspectError
from nninspect.protocol.dry_run import Rung
from nninspect.protocol.flight import Death, Numbers
from nninspect.protocol.records import Inspection, Setting, Setup
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats
from nninspect.text.inputs import FLOAT_DTYPES

MAX_FRAMES = 4_000
"""Python's own limit of 1,000 is met by a model of 200 levels: torch and the recorder take five
frames a level. Much more than this could overflow the stack."""


class Session:
    """Holds one model at a time. Setups that differ only in how to run it share the build."""

    def __init__(self, numbers: Numbers | None = None) -> None:
        """`numbers`: where it is noted how far a look is, as `protocol.flight` has it."""
        self._numbers = numbers
        self._loaded: Loaded | None = None
        self._setup: Setup | None = None
        """What the model was built for."""
        self._device = torch.device("cpu")
        self._ran = False
        """Whether the latest forward succeeded where the model is."""
        sys.setrecursionlimit(max(sys.getrecursionlimit(), MAX_FRAMES))

    def inspect(
        self, setup: Setup, *, reload: bool, progress: Report, deaths: Sequence[Death] = ()
    ) -> Inspection:
        """Load what the setup names, move it to the setup's device, and look at it.

        Where an earlier look at the same died, the forward stops and that is its failure.
        Raises a UsageError, ModelError or DeviceError; after a DeviceError the model is where
        it was, and as it was.
        """
        device_named(setup.device)  # refused before anything is built
        loaded = self.loaded(setup, reload=reload, progress=progress)
        before, ran_before = self._device, self._ran
        setup = self._placed(loaded, setup, progress)
        device, flight = self._device, Flight(self._numbers, deaths)
        try:
            inspection = examine(loaded, setup, device, progress, flight)
        except BaseException:  # stopped by the user, say, who goes on seeing it where it was
            if ran_before:
                self.move(before, quietly)
            raise
        if inspection.failure is not None and ran_before and device != before:
            self.move(before, quietly)
            raise DeviceError(
                f"the forward fails on {device}: {inspection.failure.message}",
                f"The model is back on {before}, where it runs.",
                where=inspection.failure.where,
                details=inspection.failure.details,
            )
        self._ran = inspection.failure is None
        if device.type == "meta":
            return climb(inspection, lambda rung: self._with_values(setup, rung, progress, flight))
        return inspection

    def _with_values(
        self, setup: Setup, rung: Rung, progress: Report, flight: Flight
    ) -> Inspection | None:
        """A look at the model that is on meta, built with its values for this one look: a forward
        may leave tensors behind in it. None where it can't be had, or memory does not hold it."""
        if self._loaded is None or why_too_large(self._loaded.model):
            return None
        progress(f"building {setup.target} with values", None)
        try:
            loaded = self._load(setup, on_meta=False)
        except NninspectError:
            return None
        try:
            return examine(loaded, setup, torch.device("cpu"), progress, flight, rung)
        except BadInput:
            return None
        finally:
            loaded.forget()

    def _placed(self, loaded: Loaded, setup: Setup, progress: Report) -> Setup:
        """Have the model where the setup wants it; returns the setup of where it is."""
        if loaded.kept_on_meta:
            setup = msgspec.structs.replace(setup, device="meta")
        self.move(device_named(setup.device), progress)
        return setup

    def weights(
        self, setup: Setup, path: str, below: bool, progress: Report
    ) -> tuple[TensorStats, ...]:
        """Statistics of the tensors of one module, or of all below it, where the model is.

        Raises as `inspect` does, and BadInput where there is no such module.
        """
        loaded = self.loaded(setup, reload=False, progress=progress)
        self._placed(loaded, setup, progress)
        return describe_weights(loaded.model, path, below, progress)

    def source(self, setup: Setup, path: str, progress: Report) -> Source:
        """The source of a module's class. Raises as `weights` does."""
        loaded = self.loaded(setup, reload=False, progress=progress)
        return class_source(module_at(loaded.model, path))

    def loaded(self, setup: Setup, *, reload: bool, progress: Report) -> Loaded:
        """The setup's model, built anew only where it has to be."""
        loaded = self._loaded
        if loaded is not None and not reload and self._is_built_for(setup, loaded.is_lazy):
            return loaded
        self.drop()
        progress(f"loading {setup.target}", None)
        self._loaded = self._load(setup, on_meta=setup.device == "meta")
        self._setup = setup
        tensors = [*self._loaded.model.parameters(), *self._loaded.model.buffers()]
        self._device = tensors[0].device if tensors else torch.device("cpu")
        return self._loaded

    def _is_built_for(self, setup: Setup, is_lazy: bool) -> bool:
        """A lazy model has taken the shape of its first input, so it is built for that as well."""
        before = self._setup
        if before is None or _built_from(before) != _built_from(setup):
            return False
        return not is_lazy or before.inputs == setup.inputs

    def _load(self, setup: Setup, *, on_meta: bool) -> Loaded:
        dtype = None if setup.dtype is None else _floating(setup.dtype)
        loaded = load(setup.target, setup.settings, on_meta=on_meta)
        try:
            if dtype is not None:
                loaded.model.to(dtype)
        except Exception as error:  # a user's own `to` may raise anything
            loaded.forget()
            raise BadInput(
                f"the model can't be made {setup.dtype}: {described(error)}",
                "Leave --dtype out to look at it as it was built.",
                details=user_traceback(error),
            ) from None
        return loaded

    def drop(self) -> None:
        """Forget the model, and the user's modules that it was built from."""
        if self._loaded is None:
            return
        self._loaded.forget()
        self._loaded = None
        self._setup = None
        self._ran = False
        gc.collect()
        free_cache(self._device)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._device

    def move(self, device: torch.device, progress: Report) -> None:
        """Move the model. Raises DeviceError, the model being back where it was."""
        if self._loaded is None or device == self._device:
            return
        if "meta" in (device.type, self._device.type):
            raise _meta_error(device)
        progress(f"moving to {device}", None)
        try:
            self._loaded.model.to(device)
        except BaseException as error:  # half a move is undone whatever ended it
            hint = self._move_back(device)
            if not isinstance(error, Exception):
                raise
            raise DeviceError(
                f"the model can't be moved to {device}: {described(error)}",
                hint,
                details=user_traceback(error),
            ) from None
        left, self._device = self._device, device
        free_cache(left)

    def _move_back(self, device: torch.device) -> str:
        """Undo half a move: what was left behind and what was taken along are together again."""
        assert self._loaded is not None
        try:
            self._loaded.model.to(self._device)
        except Exception:  # a user's own `to` may raise anything
            self.drop()
            return "It can't be moved back either, so it will be built anew."
        free_cache(device)
        return f"It stays on {self._device}."


def quietly(stage: str, fraction: float | None) -> None:
    """A Report that tells nobody, and so can't be the moment at which the user stops it."""


def _built_from(setup: Setup) -> tuple[str, tuple[Setting, ...], str | None]:
    return setup.target, setup.settings, setup.dtype


def _meta_error(device: torch.device) -> DeviceError:
    if device.type == "meta":
        return DeviceError(
            "the model can't be moved to meta: its weights would be lost",
            'Build it there, with torch.device("meta"): in the file.',
        )
    return DeviceError(
        f"the model can't be moved to {device}: it is on meta, where it has no values",
        "Use --device meta, or build it elsewhere.",
    )


def _floating(name: str) -> torch.dtype:
    dtype = dtype_named(name)
    if not dtype.is_floating_point:
        raise BadInput(f"a model can't be made {name}", "Use one of " + ", ".join(FLOAT_DTYPES))
    return dtype
