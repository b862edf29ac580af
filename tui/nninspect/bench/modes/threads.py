"""Inference with another number of CPU threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
        args, kwargs = subject.arguments

        def forward() -> object:
            return subject.model(*args, **kwargs)

        return Prepared(
            (Step("forward", forward),), self._around, forward, config={"threads": self._count}
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


def threads(argument: str) -> Threads:
    """`threads=4`. Raises BadInput unless it is a count."""
    if not argument.isdecimal() or int(argument) < 1:
        raise BadInput(f"threads={argument} is not a number of threads", "Use threads=1 or more")
    return Threads(int(argument))
