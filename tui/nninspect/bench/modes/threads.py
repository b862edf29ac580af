"""Inference with another number of CPU threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from nninspect.bench.modes.forward import forward_of
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject
from nninspect.errors import BadInput


class Threads:
    """Says how much of a latency is bought with more cores."""

    work = "forward"
    changes_model = False

    def __init__(self, count: int) -> None:
        self.name = f"threads={count}"
        self._count = count

    def prepare(self, subject: Subject) -> Prepared:
        if subject.device.type != "cpu":
            raise NotHere(f"{self.name} is of the CPU; it changes nothing on {subject.device}")
        with self._around():
            given = torch.get_num_threads()
        forward = forward_of(subject.model, subject.arguments)
        return Prepared(
            (Step("forward", forward),),
            self._around,
            forward,
            labels=tuple(fewer_threads(self._count, given, subject.threads)),
            config={"threads": given},
        )

    @contextmanager
    def _around(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(self._count)
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(before)


def fewer_threads(
    asked: int, given: int, cores: int, environ: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """What to say where not every thread has a core of its own, or is not there at all."""
    limit = environ.get("OMP_THREAD_LIMIT", "")
    if given < asked:
        yield f"torch took {given} threads of the {asked} asked for"
    elif limit.isdecimal() and int(limit) < asked:
        yield f"OMP_THREAD_LIMIT={limit} leaves {limit} threads of the {asked} asked for"
    elif asked > cores:
        yield f"{asked} threads on {cores} core{'s' if cores > 1 else ''}: they take turns"


def threads(argument: str) -> Threads:
    """`threads=4`. Raises BadInput unless it is a count."""
    if not argument.isdecimal() or int(argument) < 1:
        raise BadInput(f"threads={argument} is not a number of threads", "Use threads=1 or more")
    return Threads(int(argument))
