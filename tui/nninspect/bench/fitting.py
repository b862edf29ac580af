"""Which batches fit into a device's memory, or into a stated part of it."""

from __future__ import annotations

import gc
import textwrap
from collections.abc import Callable, Iterator, Mapping

import torch

from nninspect.bench.backend import Backend
from nninspect.bench.largest import Found, Tried, largest
from nninspect.bench.machine import peak_resident_bytes, reset_peak_resident, resident_bytes
from nninspect.bench.replicas import Replicas
from nninspect.bench.subjects import Subjects
from nninspect.engine.devices import free_cache
from nninspect.engine.memory import free_bytes
from nninspect.errors import Interrupted
from nninspect.protocol.sweep import LargestBatch, Series
from nninspect.text import units

NO_LIMIT = "the CPU has no limit of its own to fit into: give one with --memory-limit 4GiB"
NOT_TOLD = "this system does not tell how much memory a process held at most"
COMPILED = ("compile", "cudagraph")
"""Modes that would compile anew for every batch that is tried."""

CANCELLED = "cancelled before it was found"

SAFE_SHARE = 0.8
"""Of the memory that the machine has free: a process that takes more may be killed."""


MOST_CHARACTERS = 160
"""Of an error that ended a search; torch's can fill a page."""


class _Stopped(Exception):
    """No batch can be tried any more; the message says why."""


def largest_batches(
    subjects: Subjects,
    backends: Mapping[torch.device, Backend],
    replicas: Replicas,
    limit_bytes: int | None,
    tell: Callable[[str], None],
) -> Iterator[LargestBatch]:
    """One a device and mode. Nothing else of the benchmark is to be held meanwhile."""
    for device in subjects.devices:
        for mode in subjects.modes:
            if mode not in COMPILED and not mode.startswith("threads="):
                yield _Search(subjects, device, mode, backends[device], replicas, tell).run(
                    limit_bytes
                )


class _Search:
    """One series."""

    def __init__(
        self,
        subjects: Subjects,
        device: torch.device,
        mode: str,
        backend: Backend,
        replicas: Replicas,
        tell: Callable[[str], None],
    ) -> None:
        self._subjects = subjects
        self._device = device
        self._mode = mode
        self._backend = backend
        self._replicas = replicas
        self._tell = tell
        self._is_cpu = device.type == "cpu"
        self._owner = subjects.one(device, 1, mode, backend).owner
        self._fits, self._attempts = 0, 0
        self._too_large: int | None = None

    def run(self, limit_bytes: int | None) -> LargestBatch:
        """What is known at the end, also where it ended early."""
        self._replicas.forget_others(self._device, self._owner)
        free_cache(self._device)
        limit, note = self._limit(limit_bytes)
        if self._is_cpu and (limit is None or peak_resident_bytes() is None):
            return self._found(None, limit, NO_LIMIT if limit is None else NOT_TOLD)
        try:
            found = largest(lambda batch: self._attempt(batch, limit), limit)
        except _Stopped as stopped:
            return self._found(None, limit, str(stopped))
        except Interrupted:  # within a try
            return self._found(None, limit, CANCELLED)
        if not found.is_close:
            note = f"after {found.attempts} tries it is not known more closely"
        return self._found(found, limit, note)

    def _limit(self, stated: int | None) -> tuple[int | None, str]:
        """What the peak may be, and what to say of it."""
        if self._is_cpu:
            return _safe(stated)
        free = self._backend.free_bytes()
        there = None if free is None else free + self._backend.allocated()
        known = [each for each in (stated, there) if each is not None]
        beside = self._replicas.stays_on(self._device, self._owner)
        note = f"beside the model that is looked at, which holds {units.size(beside)} there"
        return min(known, default=None), note if beside else ""

    def _attempt(self, batch: int, limit: int | None) -> Tried:
        name = "" if self._mode == "inference" else f", {self._mode}"
        self._tell_or_stop(f"trying batch {batch:,} on {self._device}{name}")
        self._attempts += 1
        candidate = self._subjects.one(self._device, batch, self._mode, self._backend)
        gc.collect()  # what is part of a cycle holds the memory of the last try
        if self._is_cpu:
            reset_peak_resident()
        candidate.run_once(self._replicas, self._subjects.threads)
        free_cache(self._device)
        if candidate.error is not None and candidate.error.kind != "OutOfMemory":
            why = textwrap.shorten(candidate.error.message, MOST_CHARACTERS, placeholder=" …")
            raise _Stopped(f"batch {batch:,} fails otherwise: {why}")
        peak = self._peak()
        fits = candidate.error is None and (limit is None or peak is None or peak <= limit)
        if fits:
            self._fits = max(self._fits, batch)
        else:
            self._too_large = batch
        return Tried(fits, peak)

    def _tell_or_stop(self, stage: str) -> None:
        try:
            self._tell(stage)
        except Interrupted:
            raise _Stopped(CANCELLED) from None

    def _peak(self) -> int | None:
        if self._is_cpu:
            return peak_resident_bytes()
        peak = self._backend.peak()
        return None if peak is None else peak.allocated

    def _found(self, found: Found | None, limit: int | None, note: str) -> LargestBatch:
        return LargestBatch(
            series=Series(str(self._device), self._mode),
            batch=(found.batch if found else self._fits) or None,
            too_large=found.too_large if found else self._too_large,
            peak_bytes=found.peak_bytes if found else None,
            limit_bytes=limit,
            attempts=found.attempts if found else self._attempts,
            note=note,
        )


def _safe(stated: int | None) -> tuple[int | None, str]:
    """A stated limit of the CPU, or what of it can be taken without being killed for it."""
    free, held = free_bytes(torch.device("cpu")), resident_bytes() or 0
    if stated is None or free is None:
        return stated, ""
    most = held + int(SAFE_SHARE * free)
    if stated <= most:
        return stated, ""
    return most, (
        f"only {units.size(free)} are free, so it was held to {units.size(most)} in place of "
        f"{units.size(stated)}"
    )
