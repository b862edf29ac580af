"""The rungs of a dry run: what each forward runs within."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch._subclasses.fake_tensor import FakeTensorMode

from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.lenient import Lenient
from nninspect.protocol.dry_run import Rung


@contextmanager
def on_rung(rung: Rung, values: KnownValues) -> Iterator[Lenient | None]:
    """What the forwards of that rung run within: nothing for the real one. Tensors that are made
    within the fake one are fake. `values`: those that are known of a model on meta."""
    if rung is Rung.REAL:
        yield None
    elif rung is Rung.META:
        with Lenient(values) as lenient:
            yield lenient
    else:
        with FakeTensorMode(allow_non_fake_inputs=True), Lenient() as lenient:
            yield lenient
