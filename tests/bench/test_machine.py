"""What is read of this machine and of torch's settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from nninspect.bench.machine import allows_tf32


@pytest.fixture(autouse=True)
def _precisions_as_before() -> Iterator[None]:
    backends = torch.backends
    kinds = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]  # type: ignore[attr-defined]
    before = [kind.fp32_precision for kind in kinds]
    yield
    for kind, precision in zip(kinds, before, strict=True):
        kind.fp32_precision = precision


@pytest.mark.parametrize("kind", ["matmul", "conv", "rnn", ""])
def test_tf32_is_seen_however_the_users_code_allowed_it(kind: str) -> None:
    backends = torch.backends
    kinds = {
        "matmul": backends.cuda.matmul,
        "conv": backends.cudnn.conv,  # type: ignore[attr-defined]
        "rnn": backends.cudnn.rnn,  # type: ignore[attr-defined]
    }
    for each in kinds.values():
        each.fp32_precision = "ieee"
    assert not allows_tf32()
    if kind:
        kinds[kind].fp32_precision = "tf32"
    assert allows_tf32() == bool(kind)
