"""What a model needs of memory, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.memory import Fit, Memory, Optimizer, fit
from nninspect.text import units

OPTIMIZERS = {
    Optimizer.SGD: "SGD",
    Optimizer.SGD_MOMENTUM: "momentum",
    Optimizer.ADAM: "Adam",
}
"""By short names, each for training with it."""


def facts(memory: Memory) -> Iterator[tuple[str, str]]:
    """(label, value): to run, to train with each optimizer, and what is free."""
    yield "to run", _need(memory.inference, memory)
    for optimizer, name in OPTIMIZERS.items():
        needed = memory.training(optimizer)
        if needed is not None:
            yield name, _need(needed, memory)
    if memory.free is not None:
        yield "free", units.size(memory.free)


def line(memory: Memory) -> str:
    """The same in one line: "memory at batch 1: 1.20 MiB, to train 3.10 MiB with SGD, …"."""
    needs = [f"{units.size(memory.inference)} to run"]
    training = [
        f"{units.size(needed)} with {name}"
        for optimizer, name in OPTIMIZERS.items()
        if (needed := memory.training(optimizer)) is not None
    ]
    if training:
        needs.append("to train " + ", ".join(training))
    if memory.free is not None:
        needs.append(f"{units.size(memory.free)} free")
    return f"memory at batch {memory.batch}: " + "; ".join(needs)


def _need(needed: int, memory: Memory) -> str:
    verdict = fit(needed - memory.held, memory.free)
    return f"{units.size(needed)}  {verdict.value if verdict is not Fit.UNKNOWN else ''}".rstrip()
