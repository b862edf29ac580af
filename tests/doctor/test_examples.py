"""The example of each rule's page, run as it stands: found with the mistake, silent when mended."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import indent
from typing import NamedTuple

import pytest

from nninspect.doctor.manual import page, pages
from nninspect.protocol.findings import CheckResult, Severity, loss_named

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
LINEAR = "self.fc = nn.Linear(64, 10)"
THREE = "self.fc1, self.fc2, self.fc3 = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)"
TWO = "self.fc1, self.fc2 = nn.Linear(64, 64), nn.Linear(64, 10)"
RUN_TWO = "return self.fc2(F.relu(self.fc1(x)))"
QKV = "self.q, self.k, self.v = (nn.Linear(64, 64) for _ in range(3))"
IMAGE = "4,3,8,8"
NETWORK = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {}\n"


class Case(NamedTuple):
    """Where an example stands in a network: `{}` is the place."""

    init: str
    forward: str
    inputs: str = "4,64"
    loss: str = ""
    rest: str = ""
    """What stands behind the class."""


CASES = {
    "NN102": Case("{}", "return self.conv(x)", "4,1,8,8"),
    "NN105": Case("{}\nself.fc2 = nn.Linear(784, 10)", "return self.fc2(x)", "4,784"),
    "NN106": Case(TWO, "x = self.fc1(x)\n{}\nreturn x"),
    "NN107": Case(LINEAR, "{}\nreturn self.fc(x)"),
    "NN108": Case("self.encoder = nn.Linear(64, 10)", "{}\nreturn x"),
    "NN112": Case(
        "self.backbone, self.head = nn.Linear(64, 64), nn.Linear(64, 10)\n{}",
        "return self.head(F.relu(self.backbone(x)))",
    ),
    "NN201": Case(THREE, "{}\nreturn self.fc3(F.relu(x))"),
    "NN202": Case("{}", "return self.layers(x)", "4,784"),
    "NN203": Case(TWO, "{}\nreturn self.fc2(x)"),
    "NN204": Case(THREE, "{}\nreturn self.fc3(x)"),
    "NN205": Case(LINEAR, "{}\nreturn x"),
    "NN206": Case(f"{TWO}\n{{}}", RUN_TWO),
    "NN208": Case(LINEAR, "{}\nreturn x"),
    "NN209": Case(LINEAR, "{}\nreturn x"),
    "NN210": Case(
        QKV, "q, k, v = self.q(x), self.k(x), self.v(x)\n{}\nreturn y", "4,6,64"
    ),
    "NN301": Case(LINEAR, "{}", loss="cross_entropy"),
    "NN302": Case(TWO, "x = F.relu(self.fc1(x))\n{}", loss="mse_loss"),
    "NN306": Case(LINEAR, "{}", loss="cross_entropy"),
    "NN307": Case(f"{TWO}\nself.dropout = nn.Dropout(0.5)", "x = F.relu(self.fc1(x))\n{}",
                  loss="cross_entropy"),
    "NN309": Case(LINEAR, "return self.fc(x)", rest="def step(model, x, y):\n    {}\n"),
    "NN401": Case("self.net = {}", "return self.net(x)", IMAGE),
    "NN402": Case("self.net = {}", "return self.net(x)", IMAGE),
    "NN403": Case("self.net = {}", "return self.net(x)"),
    "NN404": Case("self.norm1, self.norm2 = nn.LayerNorm(64), nn.LayerNorm(64)", "{}\nreturn x"),
    "NN405": Case(LINEAR, "{}\nreturn self.fc(x)"),
    "NN406": Case("self.conv, self.norm = nn.Conv2d(3, 16, 3, bias=False), {}",
                  "return self.norm(self.conv(x))", IMAGE),
    "NN407": Case("self.net = nn.Sequential({}, nn.Linear(64, 10))", "return self.net(x)"),
    "NN408": Case("self.rnn = {}", "return self.rnn(x)[0]", "4,6,64"),
    "NN409": Case("self.conv, self.norm = nn.Conv2d(3, 16, 3, bias=False), {}",
                  "return self.norm(self.conv(x))", IMAGE),
    "NN411": Case(
        "self.conv1, self.conv2 = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1)\n"
        "self.norm = self.norm1 = nn.BatchNorm2d(8)\nself.norm2 = nn.BatchNorm2d(8)",
        "{}\nreturn x", IMAGE,
    ),
    "NN412": Case(LINEAR, "mean, std = self.fc(x), 1 + self.fc(x) ** 2\n{}\nreturn z"),
    "NN501": Case("{}", "for layer in self.hidden:\n    x = F.relu(layer(x))\nreturn x"),
    "NN502": Case("self.fc = nn.Linear(64, 8)\n{}", "return self.fc(x) * self.scale"),
    "NN503": Case("self.fc = nn.Linear(64, 16)\n{}", "return self.fc(x) @ self.mask"),
    "NN504": Case("{}", "for layer in self.layers:\n    x = F.relu(layer(x))\nreturn x"),
    "NN507": Case(LINEAR, "x = F.relu(x)\n{}"),
    "NN508": Case(f"self.norm = nn.LayerNorm(64)\n{LINEAR}", "{}\nreturn self.fc(x)"),
    "NN509": Case("self.dropout = nn.Dropout(0.5)\nself.fc = nn.Linear(64, 10)",
                  "{}\nreturn self.fc(x)"),
    "NN600": Case(LINEAR, "{}\nreturn self.fc(x.reshape(4, 64))"),
    "NN601": Case("self.conv1 = nn.Conv2d(1, 8, 3, 2, 1)\n"
                  "self.conv2 = nn.Conv2d(8, 32, 3, 2, 1)\n{}",
                  "x = F.relu(self.conv2(F.relu(self.conv1(x))))\nreturn self.fc(x.flatten(1))",
                  "4,1,28,28"),
    "NN602": Case("self.conv, self.fc = nn.Conv2d(3, 4, 1), nn.LazyLinear(10)", "{}\nreturn x",
                  IMAGE),
    "NN603": Case("self.fc = nn.LazyLinear(10)", "{}\nreturn self.fc(x)", "4,5,6"),
    "NN604": Case("self.fc = nn.Linear(64, 1)", "{}"),
    "NN605": Case("self.fc = nn.LazyLinear(10)", "{}\nreturn self.fc(x)", "32,4,6"),
    "NN606": Case(f"{LINEAR}\nself.dropout = nn.Dropout(0.1)", "{}\nreturn self.fc(x)"),
    "NN607": Case("self.net = nn.Sequential({})", "return self.net(x)", ""),
    "NN609": Case(
        f"{QKV}\nself.heads = 4",
        "B, T, _ = x.shape\n{}\nk, v = (part(x).view(B, T, self.heads, -1).transpose(1, 2)"
        " for part in (self.k, self.v))\n"
        "return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)", "4,6,64",
    ),
    "NN702": Case(f"{TWO}\nself.fc = self.fc1\n{{}}", RUN_TWO),
    "NN703": Case(LINEAR, "a = b = self.fc(x)\n{}\nreturn distance + a.sum(-1)"),
    "NN706": Case(LINEAR, "{}"),
    "NN707": Case("self.fc, self.out = nn.Linear(64, 64), nn.Linear(64, 2)",
                  "x = self.fc(x)\n{}\nreturn self.out(x)"),
    "NN708": Case("self.net = {}", "return self.net(x)"),
    "NN804": Case("import numpy as np\nself.fc = nn.Linear(64, 2)\n{}",
                  "return self.fc(x) - self.mean"),
    "NN802": Case(f"{LINEAR}\nself.hidden = 64", "{}\nreturn self.fc(x + h)"),
    "NN803": Case(LINEAR, "{}\nreturn self.fc(x) * mask[:, None]", ),
    "NN805": Case(LINEAR, "{}\nreturn self.fc(x)"),
    "NN806": Case(QKV, "d, q, k, v = 64, self.q(x), self.k(x), self.v(x)\n{}\nreturn y", "4,6,64"),
    "NN901": Case("self.encoder, self.fc = nn.Linear(64, 64), nn.Linear(64, 10)",
                  "{}\nreturn self.fc(F.relu(x))"),
    "NN902": Case(LINEAR, "x = self.fc(x)\n{}\nreturn y"),
    "NN903": Case(LINEAR, "{}"),
    "NN904": Case("self.state = None\nself.rnn = nn.GRU(64, 64, batch_first=True)",
                  "{}\nreturn out", "4,6,64"),
    "NN905": Case(LINEAR, "return self.fc(x)",
                  rest="def fit(model, optimizer, loader):\n    for x, y in loader:\n"
                  "        loss = F.cross_entropy(model(x), y)\n        {}\n"),
    "NN906": Case(LINEAR, "return self.fc(x)",
                  rest="def fit(model, optimizer, loader, running=0):\n    for x, y in loader:\n"
                  "        optimizer.zero_grad()\n        loss = F.cross_entropy(model(x), y)\n"
                  "        loss.backward(); optimizer.step()\n        {}\n"),
}  # fmt: skip
"""Examples that are lines of a network."""

WHOLE = {
    "NN101": "class Net(nn.Module):\n{}\n    def forward(self, x):\n        return self.fc(x)\n",
    "NN103": "class Net(nn.Module):\n    {}\n        super().__init__()\n"
    "        self.fc = nn.Linear(784, 10)\n    def forward(self, x):\n        return self.fc(x)\n",
    "NN104": NETWORK.format("self.fc = nn.Linear(784, 10)") + "    {}\n        return self.fc(x)\n",
    "NN111": NETWORK.format("self.fc = nn.Linear(784, 10)")
    + "    {}\n        pass\n    def forward(self, x):\n        return self.fc(x)\n",
    "NN505": "class Net(nn.Module):\n{}\n    def forward(self, x):\n"
    "        return x + sum(p.mean() for p in self.parameters())\n",
}
"""Examples that are methods of a network."""

BY_LOSS = ("NN303", "NN304", "NN305", "NN308")
"""Examples that are the use of a loss."""

ELSEWHERE = {
    "NN109": "a block in two forms: rules/test_construction.py",
    "NN110": "a notebook: rules/test_construction.py",
    "NN410": "what is done to a model that is there: rules/test_norms_and_dropout.py",
    "NN413": "a command line: rules/test_norms_and_dropout.py",
    "NN506": "what is done to a model that is there: rules/test_registration.py",
    "NN608": "a command line: rules/test_shapes.py",
    "NN701": "memory that may hold anything: rules/test_numerics.py",
    "NN704": "what is done to a model that is there: rules/test_numerics.py",
    "NN705": "what is done to a norm that is there: rules/test_numerics.py",
    "NN709": "one layer of many: rules/test_gradients.py",
    "NN801": "two devices: rules/test_devices.py",
    "NN808": "a data loader: rules/test_batch_size.py",
}
"""Examples that are no lines of a network, and where their rules are tested."""


def test_every_example_is_run_or_told_why_not() -> None:
    assert sorted([*CASES, *WHOLE, *BY_LOSS, *ELSEWHERE]) == [each.code for each in pages()]


def halves(code: str) -> tuple[str, str]:
    """The mistake, and what to write instead."""
    found = page(code)
    assert found is not None
    lines = found.example.splitlines()
    middle = (len(lines) + 1) // 2 if code != "NN101" else 2
    return "\n".join(lines[:middle]), "\n".join(lines[middle:])


def without_comment(text: str) -> str:
    return re.sub(r"  #.*", "", text)


def network(case: Case, text: str) -> str:
    body = HEAD + NETWORK.format(indent(case.init.replace("{}", text), " " * 8).lstrip())
    body += "    def forward(self, x):\n" + indent(case.forward.replace("{}", text), " " * 8) + "\n"
    return body + case.rest.replace("{}", text)


def severe(result: CheckResult) -> list[str]:
    return [finding.code for finding in result.findings]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("code", CASES)
def test_an_example_is_found_with_its_mistake_and_let_alone_when_mended(
    code: str, check_source: Callable[..., CheckResult]
) -> None:
    case, (wrong, right) = CASES[code], map(without_comment, halves(code))
    if code in ("NN508", "NN509"):  # the mistake is what forward leaves out
        wrong = "pass"
    found = check_source(network(case, wrong), case.inputs, loss=case.loss, select=(code,))
    assert severe(found)[:1] == [code]
    assert (
        severe(check_source(network(case, right), case.inputs, loss=case.loss, select=(code,)))
        == []
    )


@pytest.mark.parametrize("code", WHOLE)
def test_an_example_of_a_method_is_found_and_let_alone_when_mended(
    code: str, check_source: Callable[..., CheckResult]
) -> None:
    wrong, right = (
        WHOLE[code].replace(
            "{}", indent(text, " " * 4) if "\n" in text else text.replace(" ...", "")
        )
        for text in map(without_comment, halves(code))
    )
    assert severe(check_source(HEAD + wrong, "2,784", select=(code,))) == [code]
    assert severe(check_source(HEAD + right, "2,784", select=(code,))) == []


@pytest.mark.parametrize("code", BY_LOSS)
def test_an_example_of_a_loss_is_found_and_let_alone_when_mended(
    code: str, check_source: Callable[..., CheckResult]
) -> None:
    task = "multi-class classification" if code == "NN305" else ""
    out = 1 if code == "NN304" else 10
    for text, expected in zip(halves(code), ([code], []), strict=True):
        name = re.search(r"F\.(\w+)\(", text)
        assert name is not None
        sigmoid = ".sigmoid()" if "sigmoid(logit)" in text else ""
        source = HEAD + NETWORK.format(f"self.fc = nn.Linear(64, {out})")
        source += f"    def forward(self, x):\n        return self.fc(x){sigmoid}\n"
        loss = loss_named(name[1]) or ""
        result = check_source(source, "4,64", loss=loss, task=task, select=(code,))
        assert severe(result) == expected
        assert all(finding.severity >= Severity.INFO for finding in result.findings)
