"""What is known of values on meta is what a real forward has; the rest is said to be a guess."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.dry_run.operands import MOST
from nninspect.engine.session import Session, quietly
from nninspect.protocol.dry_run import Rung
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import InputSpec, Setup

Ask = Callable[[Tensor, Tensor], Any]


def mask() -> Tensor:
    return torch.tensor([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])


def hidden(device: str) -> Tensor:
    """What nothing is known of on meta."""
    return torch.ones(2, 5, 7, device=device)


def answer(ask: Ask) -> tuple[Any, Any, list[str]]:
    """What a real forward gets, what a dry run gets, and what that guessed."""
    real = ask(mask(), hidden("cpu"))
    unknown = hidden("meta")
    with Lenient() as lenient:
        dry = ask(mask().to("meta"), unknown)
    return plain(real), plain(dry), [guess.op for guess in lenient.guesses(nn.Identity())]


def plain(value: Any) -> Any:
    """Shapes for tensors."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value


def fill(tensor: Tensor, value: int) -> Tensor:
    for place in range(len(tensor)):
        tensor[place] = value + place
    return tensor


KNOWN: list[Ask] = [
    lambda m, x: m.sum().item(),
    lambda m, x: int(m.sum(1).max()),
    lambda m, x: bool((m == 0).any()),
    lambda m, x: bool(m.bool().all()),
    lambda m, x: m.sum(dim=1).tolist(),
    lambda m, x: torch.is_nonzero(m.sum()),
    lambda m, x: 1 in m,
    lambda m, x: float(m.numpy().sum()),
    lambda m, x: m.sum(1).cpu().tolist(),
    lambda m, x: [int(row.sum()) for row in m],
    lambda m, x: (m.cumsum(1) * m).max().item(),
    lambda m, x: ((1 - m.float()) * -1e4).min().item(),
    lambda m, x: int(m.T[0].sum()),
    lambda m, x: m.data.tolist(),
    lambda m, x: m.topk(2)[1].tolist(),
    lambda m, x: torch.equal(m, m.clone()),
    lambda m, x: int(torch.where(m > 0, m, 7).sum()),
    lambda m, x: int(torch.cat([m, m]).sum()),
    lambda m, x: (m.sum(1)[:, None] > torch.arange(5, device=m.device)).sum().item(),
    lambda m, x: torch.tensor([3, 4], device=m.device).sum().item(),
    lambda m, x: int(torch.zeros_like(x).sum() + x.new_ones(3).sum()),
    lambda m, x: f"{m.sum()} {m[0, 0]:02d}",
    lambda m, x: fill(torch.empty(2, dtype=torch.int64, device=m.device), 7).tolist(),
    lambda m, x: x + torch.arange(7),
    lambda m, x: x.masked_fill(m[..., None] > 0, torch.tensor(-1.0)),
    lambda m, x: (m + torch.arange(5)).max().item(),
    lambda m, x: F.embedding(torch.arange(3), x[0]),
    lambda m, x: torch.full((2,), 3, device=m.device).tolist(),
    lambda m, x: list(range(m.sum())),
    lambda m, x: m.nonzero(),
    lambda m, x: torch.where(m > 0)[0],
    lambda m, x: x[m.bool()],
    lambda m, x: x[:, m[0] > 0],
    lambda m, x: x.masked_select(m.bool()[..., None]),
    lambda m, x: x[:, : m.sum(1).max()],
    lambda m, x: x[0].split(m.sum(1).tolist()),
    lambda m, x: torch.arange(m.sum(1).max(), device=m.device),
    lambda m, x: m.unique(return_counts=True),
    lambda m, x: torch.repeat_interleave(x, m.sum(1), 0),
    lambda m, x: m.flatten().bincount(),
    lambda m, x: F.one_hot(m),
    lambda m, x: nn.utils.rnn.pack_padded_sequence(x, m.sum(1).cpu(), batch_first=True).data,
]

WRITES: list[Ask] = [
    lambda m, x: (m.add_(1), m.sum().item())[1],
    lambda m, x: (m[0].zero_(), m.sum().item())[1],
    lambda m, x: (m.t()[0].fill_(5), m[:, 0].tolist(), m.view(-1)[5].item())[1:],
    lambda m, x: (m.__setitem__((0, slice(None)), 9), m.sum().item())[1],
    lambda m, x: (m.__setitem__(m == 0, 3), m.sum().item())[1],
    lambda m, x: (m.masked_fill_(m == 0, 4), m[1].tolist())[1],
    lambda m, x: (torch.add(m, 1, out=m), m.sum().item())[1],
    lambda m, x: (m.reshape(-1)[0].add_(6), m[0].tolist())[1],
    lambda m, x: (m.clone().zero_(), m.sum().item())[1],
    lambda m, x: (m.expand(3, 2, 5)[0, 0], m.contiguous().mul_(2), m.sum().item())[2],
]


@pytest.mark.parametrize("ask", [*KNOWN, *WRITES])
def test_what_follows_from_the_inputs_is_known_and_no_guess(ask: Ask) -> None:
    real, dry, guesses = answer(ask)
    assert dry == real
    assert guesses == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, x: (m.copy_(x[..., 0]), m.sum().item())[1],
        lambda m, x: (m[0].copy_(x[0, :, 0]), m.sum().item())[1],
        lambda m, x: (m[1], m[0].copy_(x[0, :, 0]), m[1].sum().item())[2],
        lambda m, x: (m.mul_(x[..., 0] > 2), m.sum().item())[1],
        lambda m, x: (m.data.add_(1), m.sum().item())[1],
        lambda m, x: (setattr(m, "data", x.long()), m.sum().item())[1],
        lambda m, x: (m + x[..., 0]).sum().item(),
        lambda m, x: m.float().uniform_().sum().item(),
        lambda m, x: torch.rand(3, device=m.device).sum().item(),
        lambda m, x: torch.empty(3, device=m.device).copy_(x[0, 0, :3]).sum().item(),
        lambda m, x: m.repeat(1, MOST).sum().item(),
    ],
)
def test_what_hangs_on_more_than_the_inputs_is_a_guess(ask: Ask) -> None:
    *_, guesses = answer(ask)
    assert len(guesses) == 1


def test_what_fails_with_the_values_fails_as_it_does_on_meta() -> None:
    with Lenient(), pytest.raises(RuntimeError, match="shape '\\[3\\]' is invalid"):
        mask().to("meta").view(3)


def test_numbers_are_drawn_as_often_as_in_a_real_forward() -> None:
    before = torch.random.get_rng_state()
    with Lenient():
        torch.rand(3, device="meta")
        F.dropout(mask().to("meta").float(), 0.5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_nothing_is_kept_of_a_tensor_that_is_gone() -> None:
    known = KnownValues()
    tensor, given = torch.empty(3, dtype=torch.int64, device="meta"), torch.ones(3).long()
    operands = known.operands(Tensor.to, (given, "meta"), {})
    assert operands is not None
    known.follow(Tensor.to, operands, tensor)
    copy = known.of(tensor)
    assert copy is not None
    assert copy.tolist() == [1, 1, 1]
    held = weakref.ref(copy)
    del tensor, copy
    gc.collect()
    assert held() is None


def test_a_forward_that_counts_its_mask_needs_no_further_rung(
    session: Session, write: Callable[..., Path]
) -> None:
    write(
        "net.py",
        """
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 3)

            def forward(self, x, mask, lengths):
                longest = max(lengths.tolist())
                assert longest == int(lengths.max()) and longest > 1
                chosen = self.fc(x[mask])
                parts = chosen.split(mask.sum(1).tolist())
                return nn.utils.rnn.pad_sequence(parts, batch_first=True)[:, :longest]
        """,
    )
    inputs = (
        InputSpec((2, 6, 4), name="x"),
        InputSpec((2, 6), "bool", "mask", 0, 2),
        InputSpec((2,), "int64", "lengths", 2, 7),
    )
    looks = [
        session.inspect(Setup(target="net.py:Net", inputs=inputs, device=device), **HOW)
        for device in ("meta", "cpu")
    ]
    dry, _ = looks
    assert dry.failure is None
    assert dry.dry_run is not None
    assert (dry.dry_run.rung, dry.dry_run.guesses) == (Rung.META, ())
    outputs = [[row.outputs for row in LayerTable(one.layers)] for one in looks]
    assert outputs[0] == outputs[1]


HOW: dict[str, Any] = {"reload": True, "progress": quietly}


def test_what_a_model_on_meta_was_built_with_is_known_and_as_before_in_each_run(
    session: Session, write: Callable[..., Path]
) -> None:
    write(
        "net.py",
        """
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 4)
                self.rates = [rate.item() for rate in torch.linspace(0, 1, 3)]
                stride = torch.tensor(self.fc.in_features // 2)
                self.register_buffer("padding", 2 * stride + 1)
                self.register_buffer("is_set", torch.tensor(False))

            def forward(self, x):
                if not self.is_set:
                    self.is_set.fill_(True)
                    x = self.fc(x)
                return nn.functional.pad(x, (0, self.padding))
        """,
    )
    setup = Setup(target="net.py:Net", device="meta")
    dry = session.inspect(setup, **HOW)
    again = session.inspect(setup, reload=False, progress=quietly)
    assert dry.failure is None
    assert dry.dry_run is not None
    assert (dry.dry_run.rung, dry.dry_run.guesses) == (Rung.META, ())
    real = session.inspect(Setup(target="net.py:Net"), **HOW)
    for one in (dry, again):
        assert [row.outputs for row in LayerTable(one.layers)] == [
            row.outputs for row in LayerTable(real.layers)
        ]


def test_what_is_kept_at_a_time_is_bounded_and_comes_free_again() -> None:
    side = 512
    with Lenient() as lenient:
        held = [torch.ones(side, side, device="meta", dtype=torch.bool) for _ in range(20)]
        assert [bool(one.all()) for one in held] == [True] * 20
        assert len(lenient.guesses(nn.Identity())) == 1
        lenient.start(lambda: None)
        del held
        assert bool(torch.ones(side, side, device="meta").sum() == side**2)
        assert lenient.guesses(nn.Identity()) == ()
        assert side**2 == MOST
