"""NN6xx: each rule on networks that it flags, with exactly its code, and on near misses."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.doctor.runner import Outcome
from nninspect.protocol.findings import CheckResult, Severity


class Function(nn.Module):
    """A linear layer, and whatever is done with what it gives."""

    def __init__(self, of: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.of = of

    def forward(self, x: Tensor) -> Tensor:
        return self.of(self.fc(x))


class OnlyInTraining(nn.Module):
    """Raises in train mode, with this message."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.message = message

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise ValueError(self.message)
        return self.fc(x)


class OnMap(nn.Module):
    """A linear layer after a convolution, and what is done between them."""

    def __init__(self, between: Callable[[Tensor], Tensor], features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.between = between
        self.fc = nn.Linear(features, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.between(F.relu(self.conv(x))))


class Turned(nn.Module):
    """What a view makes of a sequence of four features, or of a map."""

    def __init__(self, of: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.of = of

    def forward(self, x: Tensor) -> Tensor:
        return self.of(self.fc(x))


class ByPlace(Function):
    """Positions for (time, batch), added to (batch, time)."""

    def __init__(self) -> None:
        super().__init__(lambda x: (x + torch.arange(len(x))[:, None, None]).cumsum(1))


FLAGGED = {
    "NN601 features": (lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(12, 4)), "2,8"),
    "NN601 channels": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(3, 4, 3)), "2,1,8,8"),
    "NN601 view": (lambda: Function(lambda x: x.view(-1, 3)), "2,8"),
    "NN601 sum": (lambda: Function(lambda x: x + torch.zeros(5)), "2,8"),
    "NN601 norm": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(8)), "2,1,8,8"),
    "NN601 the input was said": (lambda: nn.Sequential(nn.Linear(9, 4)), "2,8"),
    "NN602": (lambda: OnMap(lambda x: x, 8), "2,1,8,8"),
    "NN602 pooled": (lambda: OnMap(lambda x: F.max_pool2d(x, 2), 4), "2,1,8,8"),
    "NN603": (lambda: Function(lambda x: x.softmax(0)), "2,8"),
    "NN604 same shape": (lambda: Function(lambda x: x.mean(0)), "2,8"),
    "NN604 squeeze": (lambda: Function(lambda x: x[:, None].squeeze()), "2,8"),
    "NN605 number in a view": (lambda: Function(lambda x: x.view(2, 2, 2)), "2,8"),
    "NN605 batch of one": (lambda: Function(lambda x: x.squeeze().softmax(1)), "2,8"),
    "NN603 by the place": (ByPlace, "2,5,8"),
    "NN609 to heads": (lambda: Turned(lambda x: x.view(len(x), 2, 6, 2)), "2,6,4"),
    "NN609 from heads": (
        lambda: Turned(lambda x: x.view(len(x), 6, 2, 2).transpose(1, 2).reshape(len(x), 2, 6, 2)
                       .contiguous().view(len(x), 6, 4)), "2,6,4"),
    "NN609 channels first": (lambda: Turned(lambda x: x.reshape(len(x), 4, 6, 5)), "2,6,5,4"),
    "NN609 parts of samples": (
        lambda: Turned(lambda x: F.linear(x.view(-1, 40), torch.ones(3, 40))), "2,6,5,4"),
    "NN606": (lambda: OnlyInTraining("no such thing"), "2,8"),
}  # fmt: skip
SILENT = {
    "good": (lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), "2,8"),
    "flattened": (lambda: OnMap(lambda x: x.flatten(1), 256), "2,1,8,8"),
    "channels last": (lambda: OnMap(lambda x: x.permute(0, 2, 3, 1), 4), "2,1,8,8"),
    "merged batch": (lambda: Function(lambda x: x.reshape(-1, 2)), "2,8"),
    "heads": (lambda: Turned(lambda x: x.view(len(x), 6, 2, 2).transpose(1, 2)), "2,6,4"),
    "windows": (lambda: Turned(lambda x: x.view(len(x), 3, 2, 3, 2, 4)), "2,6,6,4"),
    "tokens side by side": (lambda: Turned(lambda x: x.reshape(-1, 4)), "2,6,4"),
    "groups as rows": (lambda: Turned(lambda x: x.view(-1, 2)), "2,6,4"),
    "patches as rows": (lambda: Turned(lambda x: x.view(-1, 2, 5, 4)), "2,6,5,4"),
    "heads as rows": (lambda: Turned(lambda x: x.transpose(1, 2).reshape(-1, 2, 3, 2)), "2,6,4"),
    "relative positions shifted": (
        lambda: Turned(lambda x: F.pad(x, (1, 0)).view(len(x), 5, 9)[:, 1:].view(len(x), 9, 4)),
        "2,9,4",
    ),
    "relative positions without a padding": (
        lambda: Turned(lambda x: x.view(len(x), 4, 9)[:, 1:].reshape(len(x), 9, 3)),
        "2,9,4",
    ),
    "relative positions": (
        lambda: Turned(lambda x: F.pad(x, (1, 0)).view(len(x), 5, 6)[:, 1:]),
        "2,6,4",
    ),
    "positions of time": (
        lambda: Function(lambda x: x + torch.arange(5, device=x.device)[:, None]),
        "2,5,8",
    ),
    "a loss": (lambda: Function(lambda x: x.mean()), "2,8"),
    "training wants labels": (lambda: OnlyInTraining("targets should not be None"), "2,8"),
    "batch norm": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)), "2,1,8,8"),
    "batch against batch": (lambda: Function(lambda x: x @ x.T), "2,8"),
}


@pytest.mark.parametrize("name", FLAGGED)
def test_a_mistake_is_found_with_exactly_its_code(
    name: str, codes: Callable[..., list[str]]
) -> None:
    make, inputs = FLAGGED[name]
    assert codes(make(), inputs, "NN6") == [name.partition(" ")[0]]


@pytest.mark.parametrize("name", SILENT)
def test_a_near_miss_is_silent(name: str, codes: Callable[..., list[str]]) -> None:
    make, inputs = SILENT[name]
    assert codes(make(), inputs, "NN6") == []


def net(layers: str) -> str:
    """A class Net that is a Sequential of these."""
    return (
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        f"        super().__init__()\n        self.layers = nn.Sequential(\n"
        f"{indent(layers, ' ' * 12)}\n        )\n\n"
        "    def forward(self, x):\n        return self.layers(x)\n"
    )


COUNTED_WITHOUT_BORDERS = net("nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear({}, 10)")
POOLED = net("nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear({}, 10)")


@pytest.mark.parametrize(
    ("source", "features", "expected"),
    [
        (COUNTED_WITHOUT_BORDERS, "8 * 28 * 28", ["NN607"]),
        (COUNTED_WITHOUT_BORDERS, "8 * 26 * 26", []),
        (POOLED, "8 * 16 * 16", ["NN607"]),
        (POOLED, "8 * 12 * 12", []),
    ],
)
def test_an_odd_size_that_hides_a_wrong_number_is_found(
    source: str, features: str, expected: list[str], check_source: Callable[..., CheckResult]
) -> None:
    result = check_source(source.format(features))
    assert [finding.code for finding in result.findings] == expected


def test_an_odd_size_that_was_said_is_no_finding(check_source: Callable[..., CheckResult]) -> None:
    result = check_source(COUNTED_WITHOUT_BORDERS.format("8 * 28 * 28"), "1,1,30,30")
    assert result.findings == ()


def test_the_number_to_write_stands_in_the_users_line(
    check_source: Callable[..., CheckResult],
) -> None:
    source = """
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1 = nn.Linear(8, 16)
                self.fc2 = nn.Linear(in_features=12, out_features=4)
            def forward(self, x):
                return self.fc2(self.fc1(x).relu())
        """
    (finding,) = check_source(source, "2,8").findings
    assert finding.change.startswith("self.fc2 = nn.Linear(in_features=16, out_features=4)\n")
    assert (finding.path, finding.line) == ("fc2", 7)


FAILS = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)
        {init}
    def forward(self, x):
        {forward}
        return self.fc(x)
"""


@pytest.mark.parametrize(
    ("init", "forward"),
    [("pass", "raise ValueError('no')"), ("raise OSError('no weights')", "pass"),
     ("pass", "x = x.reshpae(2, 8)")],
)  # fmt: skip
def test_a_failure_that_no_rule_knows_is_found_all_the_same(
    init: str, forward: str, check_source: Callable[..., CheckResult]
) -> None:
    (finding,) = check_source(FAILS.format(init=init, forward=forward), "2,8").findings
    assert (finding.code, finding.severity) == ("NN600", Severity.ERROR)
    assert finding.line


def test_a_guessed_input_that_fails_is_not_held_against_the_model(
    check_source: Callable[..., CheckResult],
) -> None:
    source = FAILS.format(init="pass", forward="assert x.sum() > 1e9, 'a sum of 1e9'")
    (finding,) = check_source(source).findings
    assert (finding.code, finding.severity) == ("NN600", Severity.INFO)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"expect_params": 36}, []),
        ({"expect_params": 40}, ["NN608"]),
        ({"expect_output": (2, 4)}, []),
        ({"expect_output": (64, 4)}, []),
        ({"expect_output": (64, 10)}, ["NN608"]),
        ({"expect_output": (4,)}, ["NN608"]),
    ],
)
def test_what_was_declared_must_hold(
    plan: dict[str, object], expected: list[str], outcome: Callable[..., Outcome]
) -> None:
    found = outcome(nn.Sequential(nn.Linear(8, 4)), "2,8", "NN608", **plan)
    assert [finding.code for finding in found.findings] == expected


def test_an_expected_output_is_not_said_to_hold_where_no_forward_can_tell(
    outcome: Callable[..., Outcome],
) -> None:
    model = Function(lambda x: x.view(2, 2, 2))
    found = outcome(model, "2,8", "NN608", expect_output=(64, 4))
    assert [rule.code for rule in found.skipped] == ["NN608"]


def test_the_probe_of_another_size_honours_the_deadline(outcome: Callable[..., Outcome]) -> None:
    found = outcome(nn.Sequential(nn.Linear(8, 4)), "2,8", "NN60", seconds=1e-9)
    assert {"NN604", "NN605", "NN606"} <= {rule.code for rule in found.skipped}


def test_several_rows_for_a_sample_by_a_cat_over_the_batch_are_an_info(
    outcome: Callable[..., Outcome],
) -> None:
    (finding,) = outcome(Function(lambda x: torch.cat([x, x])), "2,8", "NN6").findings
    assert (finding.code, finding.severity) == ("NN604", Severity.INFO)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("q = x.view(B, 2, T, C // 2)", "q = x.view(B, T, 2, C // 2).transpose(1, 2)"),
        ("q = x.view(B, C, T)", "q = x.transpose(1, 2)"),
        (
            "q = x.view(B, T, 2, 2).transpose(1, 2).contiguous().reshape(B, T, C)",
            "q = x.view(B, T, 2, 2).transpose(1, 2).contiguous().transpose(1, 2).reshape(B, T, C)",
        ),
    ],
)
def test_the_users_line_is_given_with_its_sizes_in_order_and_the_transposition(
    wrong: str, right: str, check_source: Callable[..., CheckResult]
) -> None:
    source = """
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 4)
            def forward(self, x):
                x = self.fc(x)
                B, T, C = x.shape
                {}
                return q
        """
    (finding,) = check_source(source.format(wrong), "2,6,4", select=("NN609",)).findings
    assert (finding.change, finding.line) == (right, 10)
    assert not check_source(source.format(right), "2,6,4", select=("NN609",)).findings


@pytest.mark.parametrize(
    ("forward", "change"),
    [
        ("x = x.permute(1, 0, 2).reshape(len(x), -1)", "x = x.flatten(1)"),
        ("x = (x - x.mean(0)).flatten(1)", "mean over dim=-1"),
    ],
)
def test_the_line_that_mixes_samples_is_named_where_there_is_one(
    forward: str, change: str, check_source: Callable[..., CheckResult]
) -> None:
    source = FAILS.format(init="self.fc = nn.Linear(40, 4)", forward=forward)
    (finding,) = check_source(source, "3,5,8").findings
    assert (finding.code, finding.line) == ("NN603", 9)
    assert finding.change.startswith(change)


@pytest.mark.parametrize(
    ("layer", "inputs", "change"),
    [
        ("nn.Conv1d(8, 4, 3)", "2,6,8", "x = x.transpose(1, 2)"),
        ("nn.Conv2d(3, 4, 3)", "2,8,7,3", "x = x.permute(0, 3, 1, 2)"),
    ],
)
def test_channels_that_come_last_are_told_to_be_moved(
    layer: str, inputs: str, change: str, check_source: Callable[..., CheckResult]
) -> None:
    source = FAILS.format(init=f"self.fc = {layer}", forward="pass")
    (finding,) = check_source(source, inputs).findings
    assert (finding.code, finding.line) == ("NN601", 10)
    assert finding.change.startswith(change)


def test_a_forward_that_returns_nothing_is_an_error(
    check_source: Callable[..., CheckResult],
) -> None:
    source = FAILS.format(init="pass", forward="y = self.fc(x)").replace("return self.fc(x)", "")
    (finding,) = check_source(source, "2,8").findings
    assert (finding.code, finding.severity, finding.line) == ("NN600", Severity.ERROR, 8)
    assert finding.change.startswith("return y")


def test_one_number_for_a_graph_of_several_inputs_has_not_lost_the_batch(
    codes: Callable[..., list[str]],
) -> None:
    class Molecule(Function):
        def forward(self, x: Tensor, kinds: Tensor) -> Tensor:  # type: ignore[override]
            return (self.fc(x).sum(-1) * kinds).sum(0, keepdim=True)

    assert codes(Molecule(lambda x: x), ["6,8", "6"], "NN604") == []


def test_the_line_in_which_the_batch_is_lost_is_named(
    check_source: Callable[..., CheckResult],
) -> None:
    source = FAILS.format(init="pass", forward="x = x.mean(0)")
    (finding,) = check_source(source, "2,3,8").findings
    assert (finding.code, finding.line) == ("NN604", 9)
