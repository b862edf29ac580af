"""NN309, NN905, NN906: what training code does to a model, and near misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from nninspect.protocol.findings import CheckResult

NET = """
import torch
import torch.nn.functional as F
from torch import nn, optim

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)
    def forward(self, x):
        return self.fc(x)
"""
HEAD = """
def train(loader, model, optimizer):
    criterion = nn.CrossEntropyLoss()
    running, losses = 0.0, []
    for x, y in loader:
"""
CLEAR, OUTPUT, BACKWARD, STEP = (
    "optimizer.zero_grad()", "output = model(x)", "loss.backward()", "optimizer.step()"
)  # fmt: skip
LOSS = "loss = criterion(output, y)"
MAIN = (
    "\ndef main():\n    model = Net()\n    train([], model, optim.SGD(model.parameters(), 0.1))\n"
)


def trained(*steps: str) -> str:
    """A network, and a loop of these steps."""
    return f"{NET}{HEAD}{indent(chr(10).join(steps), ' ' * 8)}\n{MAIN}"


FLAGGED = {
    "NN905 nothing is cleared": (OUTPUT, LOSS, BACKWARD, STEP),
    "NN905 cleared too late": (OUTPUT, LOSS, BACKWARD, CLEAR, STEP),
    "NN905 no step": (CLEAR, OUTPUT, LOSS, BACKWARD),
    "NN905 not called": (CLEAR, OUTPUT, LOSS, BACKWARD, "optimizer.step"),
    "NN906 summed": (CLEAR, OUTPUT, LOSS, BACKWARD, STEP, "running += loss"),
    "NN906 appended": (CLEAR, OUTPUT, LOSS, BACKWARD, STEP, "losses.append(loss)"),
    "NN309 softmax": (CLEAR, "output = F.softmax(model(x), dim=1)", LOSS, BACKWARD, STEP),
    "NN309 sigmoid": (
        CLEAR,
        "loss = F.binary_cross_entropy_with_logits(torch.sigmoid(model(x)), y)",
        BACKWARD,
        STEP,
    ),
    "NN309 a choice": (CLEAR, OUTPUT, "loss = criterion(output.argmax(1), y)", BACKWARD, STEP),
    "NN309 swapped": (CLEAR, OUTPUT, "loss = criterion(y, output)", BACKWARD, STEP),
    "NN309 made": (CLEAR, OUTPUT, "loss = nn.MSELoss(output, y)", BACKWARD, STEP),
}
SILENT = {
    "as it is done": (CLEAR, OUTPUT, LOSS, BACKWARD, STEP, "running += loss.item()"),
    "cleared for the next": (OUTPUT, LOSS, BACKWARD, STEP, CLEAR),
    "clipped": (CLEAR, OUTPUT, LOSS, BACKWARD, "nn.utils.clip_grad_norm_([], 1)", STEP),
    "accumulated": (
        OUTPUT,
        LOSS,
        BACKWARD,
        "if len(losses) % 4 == 0:",
        f"    {STEP}",
        f"    {CLEAR}",
    ),
    "two in turn": (
        "opt_d.zero_grad()",
        "loss_d = model(x).mean()",
        "loss_d.backward()",
        "opt_d.step()",
        "opt_g.zero_grad()",
        "loss_g = -model(x).mean()",
        "loss_g.backward()",
        "opt_g.step()",
    ),
    "scaled": (
        CLEAR,
        OUTPUT,
        LOSS,
        "scaler.scale(loss).backward()",
        "scaler.step(optimizer)",
        "scaler.update()",
    ),
    "a sum that goes backward": (CLEAR, OUTPUT, LOSS, "loss += model.fc.weight.norm()",
                                 BACKWARD, STEP),
    "steps by another name": (OUTPUT, LOSS, BACKWARD, "optimizer.first_step(zero_grad=True)"),
    "weights moved by hand": (
        OUTPUT,
        LOSS,
        BACKWARD,
        "with torch.no_grad():",
        "    for p in model.parameters():",
        "        p -= 0.1 * p.grad",
        "        p.grad = None",
    ),
    "a loss that is only told": (
        CLEAR,
        OUTPUT,
        LOSS,
        BACKWARD,
        STEP,
        "print(criterion(output.detach(), y).item())",
    ),
    "values, the other way round": (
        CLEAR,
        "loss = F.mse_loss(y.detach(), model(x))",
        BACKWARD,
        STEP,
    ),
    "a closure": (
        "def closure():",
        f"    {CLEAR}",
        "    loss = criterion(model(x), y)",
        f"    {BACKWARD}",
        "    return loss",
        "optimizer.step(closure)",
    ),
}  # fmt: skip


def codes(result: CheckResult) -> list[str]:
    return [finding.code for finding in result.findings]


@pytest.mark.parametrize("name", FLAGGED)
def test_a_mistake_is_found_with_exactly_its_code(
    name: str, check_source: Callable[..., CheckResult]
) -> None:
    result = check_source(trained(*FLAGGED[name]), "2,8")
    assert codes(result) == [name.partition(" ")[0]]
    (finding,) = result.findings
    assert finding.file.endswith("net.py")
    assert finding.line > len(NET.splitlines())
    assert finding.change


@pytest.mark.parametrize("name", SILENT)
def test_a_near_miss_is_silent(name: str, check_source: Callable[..., CheckResult]) -> None:
    assert codes(check_source(trained(*SILENT[name]), "2,8")) == []


def test_the_loss_that_the_model_is_given_to_in_its_own_file_is_known(
    check_source: Callable[..., CheckResult],
) -> None:
    source = trained(*SILENT["as it is done"])
    result = check_source(
        source.replace("return self.fc(x)", "return self.fc(x).softmax(1)"), "2,8"
    )
    assert codes(result) == ["NN301"]
    assert (result.loss, result.loss_from) == ("cross_entropy", "net.py:19")


@pytest.mark.parametrize(
    "more",
    ["other = F.mse_loss(model(x), y)", "F.mse_loss(y, y)"],
    ids=["two for the model", "another's"],
)
def test_of_several_losses_the_models_own_counts_and_two_leave_it_open(
    more: str, check_source: Callable[..., CheckResult]
) -> None:
    result = check_source(trained(CLEAR, OUTPUT, LOSS, more, BACKWARD, STEP), "2,8")
    assert result.loss == ("" if "other" in more else "cross_entropy")


def test_the_file_that_is_pointed_to_for_the_loss_is_looked_at_as_well(
    check_source: Callable[..., CheckResult], tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    loop = indent("\n".join(FLAGGED["NN905 nothing is cleared"]), " " * 8)
    script.write_text(f"from torch import nn\n{dedent(HEAD)}{loop}\n")
    (finding,) = check_source(NET, "2,8", loss=str(script)).findings
    assert (finding.code, Path(finding.file).name) == ("NN905", "train.py")
