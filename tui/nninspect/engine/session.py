"""The model that is being looked at: built once, moved between devices, read again on request."""

from __future__ import annotations

import gc

import torch

from nninspect.engine.blame import described, user_traceback
from nninspect.engine.devices import accelerators, device_named
from nninspect.engine.examine import Report, examine
from nninspect.engine.inputs import dtype_named
from nninspect.engine.load import Loaded, load
from nninspect.errors import BadInput, DeviceError
from nninspect.protocol.records import Inspection, Setting, Setup
from nninspect.text.inputs import FLOAT_DTYPES

_Built = tuple[str, tuple[Setting, ...], str | None]
"""What a model is built from: target, settings, dtype."""


class Session:
    """Holds one model at a time. Setups that differ only in how to run it share the build."""

    def __init__(self) -> None:
        self._loaded: Loaded | None = None
        self._built: _Built | None = None
        self._device = torch.device("cpu")
        self._ran = False
        """Whether the latest forward succeeded where the model is."""

    def inspect(self, setup: Setup, *, reload: bool, progress: Report) -> Inspection:
        """Load what the setup names, move it to the setup's device, and look at it.

        Raises a UsageError, ModelError or DeviceError; after a DeviceError the model is where
        it was, and as it was.
        """
        device = device_named(setup.device)
        loaded = self.loaded(setup, reload=reload, progress=progress)
        before, ran_before = self._device, self._ran
        self.move(device, progress)
        inspection = examine(loaded, setup, device, progress)
        if inspection.failure is not None and ran_before and device != before:
            self.move(before, progress)
            raise DeviceError(
                f"the forward fails on {device}: {inspection.failure.message}",
                f"The model is back on {before}, where it runs.",
                where=inspection.failure.where,
                details=inspection.failure.details,
            )
        self._ran = inspection.failure is None
        return inspection

    def loaded(self, setup: Setup, *, reload: bool, progress: Report) -> Loaded:
        """The setup's model, built anew only where it has to be."""
        built = (setup.target, setup.settings, setup.dtype)
        if self._loaded is None or reload or built != self._built:
            self._drop()
            progress(f"loading {setup.target}", None)
            self._loaded = self._load(setup)
            self._built = built
        return self._loaded

    def _load(self, setup: Setup) -> Loaded:
        dtype = None if setup.dtype is None else _floating(setup.dtype)
        loaded = load(setup.target, setup.settings)
        if dtype is not None:
            loaded.model.to(dtype)
        tensors = [*loaded.model.parameters(), *loaded.model.buffers()]
        self._device = tensors[0].device if tensors else torch.device("cpu")
        return loaded

    def _drop(self) -> None:
        if self._loaded is not None:
            self._loaded.forget()
        self._loaded = self._built = None
        self._ran = False
        gc.collect()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._device

    def move(self, device: torch.device, progress: Report) -> None:
        """Move the model. Raises DeviceError, the model being back where it was."""
        if self._loaded is None or device == self._device:
            return
        progress(f"moving to {device}", None)
        try:
            self._loaded.model.to(device)
        except Exception as error:
            problem = DeviceError(
                f"the model can't be moved to {device}: {described(error)}",
                f"It stays on {self._device}.",
                details=user_traceback(error),
            )
        else:
            self._device = device
            return
        self._loaded.model.to(self._device)
        if accelerators():
            torch.accelerator.empty_cache()
        raise problem


def _floating(name: str) -> torch.dtype:
    dtype = dtype_named(name)
    if not dtype.is_floating_point:
        raise BadInput(f"a model can't be made {name}", "Use one of " + ", ".join(FLOAT_DTYPES))
    return dtype
