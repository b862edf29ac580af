"""A forward that raises: which layer, what it got, and what to change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.load import Loaded
from nninspect.errors import BadInput, Interrupted
from nninspect.protocol.layers import Mark
from nninspect.protocol.records import InputSpec, Problem

Look = Callable[..., Any]


def failure(look: Look, model: nn.Module, *inputs: InputSpec, **more: Any) -> Problem:
    problem = look(model, *inputs, **more).inspection.failure
    assert isinstance(problem, Problem)
    return problem


@pytest.mark.parametrize(
    ("layer", "spec", "hint"),
    [
        (
            nn.Linear(6272, 10),
            InputSpec((1, 1568)),
            "0 (Linear) expects in_features=6272 and got 1568, in (1, 1568): "
            "set in_features=1568, or change what comes before it.",
        ),
        (
            nn.Conv2d(3, 8, 3),
            InputSpec((1, 1, 28, 28)),
            "0 (Conv2d) expects in_channels=3 and got 1, in (1, 1, 28, 28): "
            "set in_channels=1, or change what comes before it.",
        ),
        (
            nn.Conv2d(3, 8, 3),
            InputSpec((1, 3)),
            "0 (Conv2d) expects in_channels=3 as (N, C, H, W) and got (1, 3), "
            "which has 2 dimensions instead of 4.",
        ),
        (
            nn.ConvTranspose1d(3, 8, 3),
            InputSpec((1, 1, 28)),
            "0 (ConvTranspose1d) expects in_channels=3 and got 1, in (1, 1, 28): "
            "set in_channels=1, or change what comes before it.",
        ),
        (
            nn.BatchNorm2d(4),
            InputSpec((2, 3, 8, 8)),
            "0 (BatchNorm2d) expects num_features=4 and got 3, in (2, 3, 8, 8): "
            "set num_features=3, or change what comes before it.",
        ),
        (
            nn.GroupNorm(2, 4),
            InputSpec((2, 3, 8, 8)),
            "0 (GroupNorm) expects num_channels=4 and got 3, in (2, 3, 8, 8): "
            "set num_channels=3, or change what comes before it. "
            "3 can't be split into num_groups=2: set num_groups=1.",
        ),
        (
            nn.LayerNorm(4),
            InputSpec((2, 8)),
            "0 (LayerNorm) expects normalized_shape=(4,) as the last dimensions and got (8,), "
            "in (2, 8): set normalized_shape=(8,).",
        ),
        (
            nn.GRU(4, 2),
            InputSpec((5, 1, 3)),
            "0 (GRU) expects input_size=4 and got 3, in (5, 1, 3): "
            "set input_size=3, or change what comes before it.",
        ),
        (
            nn.Embedding(10, 4),
            InputSpec((1, 8), "int64", low=10, high=11),
            "0 (Embedding) takes indices from 0 to num_embeddings - 1 = 9 and got 10: "
            "feed it --input int64[0:10]:1x8, or set num_embeddings=11.",
        ),
        (
            nn.Embedding(10, 4),
            InputSpec((1, 8)),
            "0 (Embedding) takes indices and got float32: "
            "make them integers with .long(), or feed it --input int64[0:10]:1x8.",
        ),
        (
            nn.Linear(4, 2),
            InputSpec((1, 4), "float64"),
            "0 (Linear) has float32 weights and got float64: "
            "convert the input with .to(torch.float32).",
        ),
        (
            nn.LSTM(4, 2),
            InputSpec((3, 1, 4), "float64"),
            "0 (LSTM) has float32 weights and got float64: "
            "convert the input with .to(torch.float32).",
        ),
        (
            nn.Conv2d(3, 8, 5),
            InputSpec((1, 3, 2, 2)),
            "0 (Conv2d) got 2x2, padding included, smaller than its kernel 5x5: set padding=2, "
            "use a smaller kernel, or feed the model a larger input.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_layer_says_what_it_expects_what_it_got_and_what_to_write(
    layer: nn.Module, spec: InputSpec, hint: str, look: Look
) -> None:
    problem = failure(look, nn.Sequential(layer), spec)
    assert problem.kind == "ForwardFailed"
    assert problem.where == "0"
    assert problem.hint == hint


def test_the_row_of_the_failed_layer_is_marked_and_later_ones_are_not_called(look: Look) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(9, 2), nn.ReLU())
    seen = look(model, InputSpec((1, 4)))
    assert [path for path, row in seen.rows.items() if Mark.FAILED in row.marks] == ["1"]
    assert [tensor.shape for tensor in seen.rows["1"].inputs] == [(1, 3)]
    assert seen.rows["1"].outputs is None
    assert seen.rows["2"].inputs is None
    assert Mark.UNCALLED not in seen.rows["2"].marks
    assert [tensor.shape for tensor in seen.rows["0"].outputs] == [(1, 3)]


def test_the_message_has_the_users_own_line(
    write: Callable[..., Path], opened: Callable[..., Loaded], look: Look
) -> None:
    write(
        "net.py",
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1 = nn.Linear(4, 3)
                self.fc2 = nn.Linear(5, 2)

            def forward(self, x):
                x = self.fc1(x)
                return self.fc2(x)
        """,
    )
    problem = failure(look, opened("net.py:Net").model, InputSpec((1, 4)))
    assert problem.where == "fc2"
    assert problem.message == (
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 5x2) "
        "(net.py:12 in forward: return self.fc2(x))"
    )
    files = [line for line in problem.details.splitlines() if line.startswith("  File")]
    assert 'net.py", line 12, in forward' in files[0]
    assert "nninspect/engine" not in problem.details


def test_a_line_that_was_edited_since_is_read_again(
    write: Callable[..., Path], opened: Callable[..., Loaded], look: Look
) -> None:
    source = "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        {}\n"
    write("net.py", source.format("raise KeyError"))
    loaded = opened("net.py:Net")
    assert "raise KeyError" in failure(look, loaded.model, InputSpec((1,))).message
    loaded.forget()
    write("net.py", source.format("raise ValueError"))
    loaded = opened("net.py:Net")
    assert "raise ValueError" in failure(look, loaded.model, InputSpec((1,))).message


@pytest.mark.parametrize("misspelt", ["foward", "Forward", "run_it"])
def test_a_missing_forward_is_named_and_a_misspelt_one_pointed_at(
    misspelt: str, look: Look
) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

    setattr(Net, misspelt, lambda self, x: x)
    problem = failure(look, Net())
    assert "NotImplementedError" in problem.message
    assert problem.hint.startswith("Define `def forward(self, x):` in Net")
    assert problem.hint.endswith(f"it has {misspelt}.") == (misspelt != "run_it")


def test_a_list_of_modules_says_that_it_can_not_be_called(look: Look) -> None:
    problem = failure(look, nn.ModuleList([nn.Linear(2, 2)]))
    assert problem.hint == "ModuleList only holds modules, and can't be called: call those in it."


def test_a_batch_of_one_in_train_mode_is_explained(look: Look) -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
    problem = failure(look, model, InputSpec((1, 2)), training=True)
    assert "--batch 2" in problem.hint
    assert problem.where == "1"


def test_a_module_outside_of_the_tree_leads_to_the_one_that_called_it(look: Look) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.ReLU())
            self.hidden = [nn.Linear(9, 9)]

        def forward(self, x: Tensor) -> Tensor:
            return self.hidden[0](self.inner(x))

    problem = failure(look, Net(), InputSpec((1, 2)))
    assert problem.where == ""
    assert problem.hint.startswith("A Linear outside of the tree expects in_features=9 and got 2")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        "cpu",
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.56 GB, max allowed: 6.80 GB)."),
    ],
    ids=repr,
)
def test_no_memory_says_what_helps(error: Any, look: Look) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if error == "cpu":
                return torch.empty(10**16)
            raise error

    assert "smaller batch" in failure(look, Net(), InputSpec((1, 2))).hint


def test_a_forward_that_fills_its_device_is_told_where_no_further_input_can_be_made(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure holds the tensors of its frames, so that the device is still full."""

    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            def refuse(*given: object) -> None:
                raise BadInput("the input can't be made: CUDA out of memory")

            monkeypatch.setattr("nninspect.engine.examine.make_arguments", refuse)
            raise torch.OutOfMemoryError("CUDA out of memory")

    assert "smaller batch" in failure(look, Net(), InputSpec((1, 2))).hint


def test_recursion_without_an_end_is_a_failure_too(look: Look) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self(x)

    assert "RecursionError" in failure(look, Net(), InputSpec((1, 2))).message


class Stop(BaseException):
    """Not an Exception: a framework's way to end a run."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit, SystemExit, Stop])
def test_whatever_a_forward_raises_is_its_own_failure(
    look: Look, kind: type[BaseException]
) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)
            self.fc.register_forward_hook(self.stop)

        def stop(self, *_: Any) -> None:
            raise kind("enough")

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x)

    for inputs in ((), (InputSpec((1, 2)),)):  # guessed, and given
        found = failure(look, Net(), *inputs)
        assert (found.kind, found.where) == ("ForwardFailed", "fc")
        assert found.message.startswith(f"{kind.__name__}: enough (test_failure.py:")


def test_an_interrupt_passes_through(look: Look) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise Interrupted

    with pytest.raises(Interrupted):
        look(Net(), InputSpec((1, 2)))


def test_the_fused_encoder_layer_shows_its_parts(look: Look) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    rows = look(nn.TransformerEncoder(layer, 1), InputSpec((1, 4, 8))).rows
    assert rows["layers.0.linear1"].calls == 1
    assert rows["layers.0.self_attn"].calls == 1


def test_a_compiled_model_shows_its_parts(look: Look) -> None:
    model = torch.compile(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), backend="eager")
    rows = look(model, InputSpec((1, 2))).rows
    assert [row.calls for row in rows.values() if row.type in ("Linear", "ReLU")] == [1, 1]
