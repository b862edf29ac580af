"""A forward without values: what is guessed, what is said of it, and which rung comes next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.engine import session as session_module
from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.session import Session, quietly
from nninspect.protocol.dry_run import Rung
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import InputSpec, Inspection, Setup

Write = Callable[..., Path]

HEAD = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)
            self.out = nn.Linear(3, 2)

        def forward(self, x):
            y = self.fc(x)
"""
INPUT = InputSpec((2, 4))


def look(session: Session, write: Write, *body: str) -> Inspection:
    lines = "".join(f"            {line}\n" for line in body)
    write("net.py", HEAD.rstrip(" ") + lines)
    setup = Setup(target="net.py:Net", device="meta", inputs=(INPUT,))
    return session.inspect(setup, reload=False, progress=quietly)


def x() -> Tensor:
    return torch.empty(2, 3, device="meta")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda x: x.sum().item(), 1.0),
        (lambda x: int(x.argmax()), 1),
        (lambda x: bool((x > 0).any()), False),
        (lambda x: bool((x > 0).all()), True),
        (lambda x: bool(torch.all(x[0] == x[1])), True),
        (lambda x: bool((x > 0).sum() == x.numel()), True),
        (lambda x: bool((x > 0).sum() == 0), False),
        (lambda x: x.argmax(1).tolist(), [1, 1]),
        (lambda x: list(range(x.argmax())), [0]),
        (lambda x: torch.equal(x, x + 1), True),
        (lambda x: bool((x > 0)._is_all_true()), True),
        (lambda x: f"{x.argmax()}", "1"),
    ],
)
def test_a_value_that_is_asked_for_is_guessed(ask: Callable[[Tensor], Any], expected: Any) -> None:
    with Lenient() as lenient:
        assert ask(x()) == expected
    assert len(lenient.guesses(nn.Identity())) == 1


@pytest.mark.parametrize(
    ("ask", "shape"),
    [
        (lambda x: x[x > 0], (6,)),
        (lambda x: x[x[:, 0] > 0], (2, 3)),
        (lambda x: x[:, x[0] > 0], (2, 3)),
        (lambda x: x.nonzero(), (6, 2)),
        (lambda x: torch.where(x > 0)[1], (6,)),
        (lambda x: x.masked_select(x > 0), (6,)),
        (lambda x: x.unique(), (6,)),
        (lambda x: x.unique_consecutive(), (6,)),
        (lambda x: x.long().flatten().bincount(minlength=5), (5,)),
        (lambda x: x[: x.argmax()], (1, 3)),
        (lambda x: torch.zeros(x.argmax(), 4, device="meta"), (1, 4)),
    ],
)
def test_a_shape_that_hangs_on_values_is_the_largest_it_can_be(
    ask: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    with Lenient() as lenient:
        result = ask(x())
    assert tuple(result.shape) == shape
    assert result.is_meta
    assert lenient.guesses(nn.Identity())


def test_experts_multiply_at_any_dtype() -> None:
    rows, weights = torch.empty(6, 4, device="meta"), torch.empty(2, 4, 3, device="meta")
    offsets = torch.empty(2, dtype=torch.int32, device="meta")
    with Lenient() as lenient:
        assert torch._grouped_mm(rows, weights, offs=offsets).shape == (6, 3)
    assert lenient.guesses(nn.Identity()) == ()


def test_what_needs_no_value_is_not_guessed() -> None:
    with Lenient() as lenient:
        assert not torch.equal(x(), x()[0])
        (x() + 1).softmax(-1)[:, 0].view(-1)
        assert torch.ones(3).sum().item() == 3
        assert torch.ones(3)[torch.tensor([True, False, True])].tolist() == [1, 1]
    assert lenient.guesses(nn.Identity()) == ()


def test_an_error_that_is_not_for_want_of_values_is_raised_as_it_is() -> None:
    with Lenient(), pytest.raises(RuntimeError, match="shape"):
        x().view(5)


def test_each_guess_says_what_where_and_how_often(session: Session, write: Write) -> None:
    seen = look(
        session, write, "for _ in range(3):", "    z = y[y > 0]", "return z.sum() + self.out(y)"
    )
    assert seen.failure is None
    assert seen.dry_run is not None
    (guess,) = seen.dry_run.guesses
    assert (guess.op, guess.assumed, guess.path, guess.times) == (
        "getitem",
        "all 6 elements",
        "",
        3,
    )
    assert guess.source.startswith("net.py:")
    assert "guessed: getitem took all 6 elements" in LayerTable(seen.layers).row(0).notes[0]


def test_a_guess_is_noted_at_the_module_that_it_was_made_in(session: Session, write: Write) -> None:
    write(
        "net.py",
        """
        from torch import nn

        class Part(nn.Module):
            def forward(self, x):
                return x * x.max().item()

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc, self.part = nn.Linear(4, 4), Part()

            def forward(self, x):
                return self.part(self.fc(x))
        """,
    )
    setup = Setup(target="net.py:Net", device="meta")
    seen = session.inspect(setup, reload=False, progress=quietly)
    rows = {row.path: row for row in LayerTable(seen.layers)}
    assert "the value 1.0" in rows["part"].notes[0]
    assert not rows["fc"].notes


def test_without_values_to_ask_for_the_rung_is_meta(session: Session, write: Write) -> None:
    seen = look(session, write, "return self.out(y)")
    assert seen.dry_run is not None
    assert (seen.dry_run.rung, seen.dry_run.left, seen.dry_run.guesses) == (Rung.META, (), ())


def test_what_meta_has_no_kernel_for_runs_over_the_real_parameters(
    session: Session, write: Write
) -> None:
    seen = look(
        session, write, "assert y.device.type == 'cpu', 'a meta tensor'", "return self.out(y)"
    )
    assert seen.failure is None
    assert seen.dry_run is not None
    assert seen.dry_run.rung is Rung.FAKE
    assert "a meta tensor" in seen.dry_run.left[0]
    assert seen.totals.mult_adds == 2 * (4 * 3 + 3) + 2 * (3 * 2 + 2)


def test_what_no_dry_run_gets_through_runs_for_real(session: Session, write: Write) -> None:
    seen = look(session, write, "y = y * float(y.numpy().sum())", "return self.out(y)")
    assert seen.failure is None
    assert seen.dry_run is not None
    assert seen.dry_run.rung is Rung.REAL
    assert len(seen.dry_run.left) == 2
    assert seen.setup.device == "meta"


def test_a_guess_that_misleads_is_left_for_a_run_with_values(
    session: Session, write: Write
) -> None:
    seen = look(session, write, "assert (y > -1000).any()", "return self.out(y)")
    assert seen.failure is None
    assert seen.dry_run is not None
    assert seen.dry_run.rung is Rung.REAL


def test_where_the_memory_does_not_hold_the_weights_it_fails_at_its_call(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "why_too_large", lambda model: "it is too large")
    seen = look(session, write, "return self.out(torch.from_numpy(y.numpy()))")
    assert seen.failure is not None
    assert "numpy" in seen.failure.message
    assert LayerTable(seen.layers).row(1).outputs is not None


def test_a_mistake_of_the_users_stays_on_meta(session: Session, write: Write) -> None:
    seen = look(session, write, "return self.out(y.view(5))")
    assert seen.failure is not None
    assert seen.dry_run is not None
    assert seen.dry_run.rung is Rung.META


def test_looking_again_after_a_climb_is_the_same(session: Session, write: Write) -> None:
    body = ("y = y * float(y.numpy().sum())", "return self.out(y)")
    first = look(session, write, *body)
    again = look(session, write, *body)
    assert again.dry_run == first.dry_run
    assert again.layers == first.layers
