"""Every module call of a forward, and the innermost one that failed."""

from __future__ import annotations

import threading
from collections import UserDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.tensors import described, tensors_in
from nninspect.errors import Interrupted

PLAIN_CALL, PLAIN_CODE = nn.Module.__call__, nn.Module.__call__.__code__


@pytest.fixture(autouse=True)
def _nothing_stays_wrapped() -> Any:
    yield
    assert nn.Module.__call__ is PLAIN_CALL
    assert PLAIN_CALL.__code__ is PLAIN_CODE


def recorded(model: nn.Module, *args: Any, **kwargs: Any) -> CallRecorder:
    recorder = CallRecorder()
    with recorder:
        model(*args, **kwargs)
    return recorder


def failing(model: nn.Module, *args: Any, **kwargs: Any) -> CallRecorder:
    recorder = CallRecorder()
    with pytest.raises(Exception), recorder:  # noqa: B017, PT011
        model(*args, **kwargs)
    return recorder


def keys(found: Any) -> dict[str, tuple[int, ...]]:
    return {tensor.key: tensor.shape for tensor in found or ()}


class Calls(nn.Module):
    """A module whose forward is a function of its parts and its input."""

    def __init__(self, forward: Any, **parts: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


def test_calls_are_in_the_order_they_began_and_know_what_they_are_inside() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))
    calls = recorded(model, torch.ones(5, 2)).calls
    assert [type(call.module).__name__ for call in calls] == [
        "Sequential",
        "Linear",
        "Sequential",
        "ReLU",
    ]
    assert [call.inside for call in calls] == [-1, 0, 0, 2]
    assert keys(calls[1].inputs) == {"": (5, 2)}
    assert keys(calls[1].outputs) == {"": (5, 3)}


def test_arguments_have_the_names_that_forward_gives_them() -> None:
    class Net(nn.Module):
        def forward(self, image: Tensor, *rest: Tensor, mask: Tensor, flag: bool = True) -> Tensor:
            return image

    shape = torch.ones
    calls = recorded(Net(), shape(1), shape(2), shape(3), mask=shape(4)).calls
    assert keys(calls[0].inputs) == {"image": (1,), "1": (2,), "2": (3,), "mask": (4,)}


def test_keyword_inputs_are_seen() -> None:
    calls = recorded(nn.Bilinear(2, 3, 4), input2=torch.ones(1, 3), input1=torch.ones(1, 2)).calls
    assert keys(calls[0].inputs) == {"input2": (1, 3), "input1": (1, 2)}


@dataclass
class Output:
    logits: Tensor
    extra: dict[str, Any]


Pair = namedtuple("Pair", "first second")

_ONE, _TWO = torch.ones(1), torch.ones(2)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (_ONE, {"": (1,)}),
        ((_ONE, _TWO), {"0": (1,), "1": (2,)}),
        ([_ONE, (None, _TWO)], {"0": (1,), "1.1": (2,)}),
        ({"a": _ONE, "b": {"c": _TWO}}, {"a": (1,), "b.c": (2,)}),
        (UserDict(a=_ONE, b=_TWO), {"a": (1,), "b": (2,)}),
        (Pair(_ONE, _TWO), {"first": (1,), "second": (2,)}),
        (Output(_ONE, {"x": [_TWO]}), {"logits": (1,), "extra.x.0": (2,)}),
        ({3: _ONE, "b": "text"}, {"": (1,)}),
        ({}, {}),
        (None, {}),
        ("text", {}),
        (3, {}),
        (Output, {}),
    ],
    ids=repr,
)
def test_tensors_are_found_wherever_they_are(value: Any, found: dict[str, Any]) -> None:
    assert keys(described(tensors_in(value))) == found


def test_a_value_that_contains_itself_ends() -> None:
    endless: list[Any] = [_ONE]
    endless.extend([endless] * 50)
    assert keys(described(tensors_in(endless)))["0"] == (1,)


def test_a_long_list_of_numbers_is_not_read_to_its_end() -> None:
    class Numbers(list[int]):
        reached = 0

        def __iter__(self) -> Any:
            for number in range(10**9):
                self.reached = number
                yield number

    numbers = Numbers()
    assert described(tensors_in([numbers])) == ()
    assert numbers.reached < 10_000


def test_a_nested_tensor_has_a_rank_but_no_sizes() -> None:
    parts = [torch.ones(2, 4), torch.ones(3, 4)]
    assert len(described(tensors_in(torch.nested.nested_tensor(parts)))[0].shape) == 3
    jagged = torch.nested.nested_tensor(parts, layout=torch.jagged)
    assert len(described(tensors_in(jagged))[0].shape) == 3


def test_a_module_called_several_times_has_several_calls() -> None:
    model = Calls(lambda self, x: self.fc(self.fc(x)), fc=nn.Linear(2, 2))
    calls = recorded(model, torch.ones(1, 2)).calls
    assert [call.module is model.fc for call in calls] == [False, True, True]


def test_a_module_that_calls_itself_is_recorded_at_each_level() -> None:
    model = Calls(lambda self, x, depth: x if depth == 0 else self(x, depth - 1))
    calls = recorded(model, torch.ones(1), 3).calls
    assert [call.inside for call in calls] == [-1, 0, 1, 2]
    assert all(call.outputs for call in calls)


def test_a_call_holds_no_tensor() -> None:
    recorder = recorded(nn.Linear(2, 2), torch.ones(1, 2))
    assert not [value for value in recorder.calls[0].inputs if isinstance(value, Tensor)]
    assert Call.__slots__ == ("module", "inputs", "outputs", "inside", "output_bytes")


def test_the_innermost_call_that_raised_is_the_failed_one() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(4, 4)))
    recorder = failing(model, torch.ones(1, 2))
    assert recorder.failed is not None
    assert recorder.failed.module is model[1][1]
    assert recorder.failed.outputs is None
    chain = [call.module for call in recorder.enclosing(recorder.failed)]
    assert chain == [model[1][1], model[1], model]


def test_a_forward_that_raises_in_its_own_lines_failed_itself() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        return self.fc(x) + torch.ones(7)

    model = Calls(forward, fc=nn.Linear(2, 2))
    failed = failing(model, torch.ones(1, 2)).failed
    assert failed is not None
    assert failed.module is model


def test_an_exception_that_forward_catches_does_not_count() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        try:
            return self.wrong(x)
        except RuntimeError:
            return self.right(x)

    model = Calls(forward, wrong=nn.Linear(9, 9), right=nn.Linear(2, 2))
    assert recorded(model, torch.ones(1, 2)).failed is None


def test_after_a_caught_exception_the_next_one_counts() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        try:
            return self.wrong(x)
        except RuntimeError:
            return self.also_wrong(x)

    model = Calls(forward, wrong=nn.Linear(9, 9), also_wrong=nn.Linear(8, 8))
    failed = failing(model, torch.ones(1, 2)).failed
    assert failed is not None
    assert failed.module is model.also_wrong


@pytest.mark.parametrize("times", [1, 2])
def test_an_exception_raised_from_another_leads_to_the_call_of_the_first(times: int) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        try:
            return self.part(x)
        except Exception as error:
            raise ValueError("in a block") from error

    wrong = nn.Linear(9, 9)
    model: nn.Module = wrong
    for _ in range(times):
        model = Calls(forward, part=model)
    failed = failing(model, torch.ones(1, 2)).failed
    assert failed is not None
    assert failed.module is wrong


def test_an_exception_kept_and_raised_later_is_still_the_first_calls() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        kept = None
        try:
            self.wrong(x)
        except RuntimeError as error:
            kept = error
        self.right(x)
        assert kept is not None
        raise kept

    model = Calls(forward, wrong=nn.Linear(9, 9), right=nn.Linear(2, 2))
    failed = failing(model, torch.ones(1, 2)).failed
    assert failed is not None
    assert failed.module is model.wrong


def test_an_interrupt_passes_and_nothing_stays_wrapped() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        raise Interrupted

    with pytest.raises(Interrupted), CallRecorder():
        Calls(forward)(torch.ones(1))


def test_calls_of_other_threads_run_and_are_not_recorded() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        done: list[Tensor] = []
        thread = threading.Thread(target=lambda: done.append(self.fc(x)))
        thread.start()
        thread.join()
        return done[0]

    model = Calls(forward, fc=nn.Linear(2, 2))
    assert [call.module for call in recorded(model, torch.ones(1, 2)).calls] == [model]


def test_a_module_with_a_call_of_its_own_still_runs() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def __call__(self, x: Tensor) -> Tensor:
            return self.fc(x)

    class Super(nn.Linear):
        def __call__(self, x: Tensor) -> Tensor:
            return super().__call__(x)

    own = Own()
    assert [call.module for call in recorded(own, torch.ones(1, 2)).calls] == [own.fc]
    assert len(recorded(Super(2, 2), torch.ones(1, 2)).calls) == 1


def test_hooks_of_the_users_still_run() -> None:
    model = nn.Linear(2, 2)
    model.register_forward_hook(lambda module, args, output: (output, output))
    assert keys(recorded(model, torch.ones(1, 2)).calls[0].outputs) == {"0": (1, 2), "1": (1, 2)}


def test_what_a_device_that_is_behind_fails_on_is_told_in_its_own_step() -> None:
    """A GPU raises at the next call that waits for it; a recorder that waits leaves none to be."""
    behind: list[str] = []

    def wait() -> None:
        if behind:
            raise RuntimeError(behind.pop())

    def forward(self: Calls, x: Tensor) -> Tensor:
        x = self.first(x)
        y = x.mul(2)
        behind.append("late")
        y = y.add(1)
        return self.second(y)

    model = Calls(forward, first=nn.Linear(2, 2), second=nn.Linear(2, 2))
    recorder = CallRecorder(wait=wait)
    with pytest.raises(RuntimeError, match="late"), recorder:
        model(torch.ones(1, 2))
    assert recorder.failed_op is not None
    assert recorder.failed_op.name == "add"
    assert recorder.failed is not None
    assert recorder.failed.module is model
    assert [type(call.module).__name__ for call in recorder.calls] == ["Calls", "Linear"]
