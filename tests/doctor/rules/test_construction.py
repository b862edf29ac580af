"""NN1xx: each rule on sources that it flags, with exactly its code, and on near misses."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent

import pytest

from nninspect.protocol.findings import CheckResult, Severity

HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn

"""


def net(init: str, forward: str, base: str = "nn.Module") -> str:
    """A class Net with these bodies."""
    return (
        f"{HEAD}class Net({base}):\n    def __init__(self):\n{indent(dedent(init), ' ' * 8)}\n"
        f"    def forward(self, x):\n{indent(dedent(forward), ' ' * 8)}\n"
    )


GOOD = net("super().__init__()\nself.fc = nn.Linear(8, 4)", "return self.fc(x)")
PAIR = "super().__init__()\nself.fc1 = nn.Linear(8, 16)\nself.fc2 = nn.Linear(16, 4)"
RUN = "return self.fc2(F.relu(self.fc1(x)))"

FLAGGED = {
    "NN101 never called": net("self.fc = nn.Linear(8, 4)", "return self.fc(x)"),
    "NN101 called too late": net(
        "self.fc = nn.Linear(8, 4)\nsuper().__init__()", "return self.fc(x)"
    ),
    "NN101 only named": net(
        "super().__init__\nself.fc = nn.Linear(8, 4)", "return self.fc(x)"
    ),
    "NN101 in a block": HEAD
    + "class Block(nn.Module):\n    def __init__(self):\n        self.n = 3\n\n"
    + "    def forward(self, x):\n        return x\n\n\n"
    + net("super().__init__()\nself.block = Block()", "return self.block(x)").removeprefix(HEAD),
    "NN102 Conv2D": net(
        "super().__init__()\nself.c = nn.Conv2D(1, 4, 3)", "return self.c(x)"
    ),
    "NN102 in forward": net(PAIR, "return self.fc2(F.Relu(self.fc1(x)))"),
    "NN102 not imported": net(PAIR, RUN).replace("import torch.nn.functional as F\n", ""),
    "NN102 cannot import": "from torch.nn import Liner\n" + GOOD,
    "NN102 keyword": net(
        "super().__init__()\nself.fc = nn.Linear(in_feature=8, out_features=4)", "return self.fc(x)"
    ),
    "NN102 keras": net("super().__init__()\nself.fc = nn.Dense(8, 4)", "return self.fc(x)"),
    "NN102 line that does not run": GOOD
    + "    def predict(self, x):\n        return nn.functional.softmaxx(self(x), dim=-1)\n",
    "NN105 in a loop": net(
        "super().__init__()\nfor i in range(3):\n    self.fc = nn.Linear(8, 8)",
        "return self.fc(x)",
    ),
    "NN111 train": GOOD + "    def train(self, loader, epochs):\n        self(loader)\n",
    "NN111 train returns nothing": GOOD
    + "    def train(self, mode=True):\n        super().train(mode)\n",
    "NN111 type": net("super().__init__()\nself.type = 1\nself.fc = nn.Linear(8, 4)",
                      "return self.fc(x)"),
    "NN112 misspelt": net("super().__init__()\nself.fc = nn.Linear(8, 4)\n"
                          "for p in self.fc.parameters():\n    p.require_grad = False",
                          "return self.fc(x)"),
    "NN112 of a module": net("super().__init__()\nself.fc = nn.Linear(8, 4)\n"
                             "self.fc.requires_grad = False", "return self.fc(x)"),
    "NN112 in place of the method": GOOD + "model = Net()\nmodel.fc.weight.requires_grad_ = 0\n",
    "NN103 __int__": GOOD.replace("__init__(self)", "__int__(self)"),
    "NN103 _init_": GOOD.replace("def __init__", "def _init_"),
    "NN103 init": GOOD.replace("def __init__", "def init"),
    "NN104 foward": GOOD.replace("def forward", "def foward"),
    "NN104 keras call": GOOD.replace("def forward", "def call"),
    "NN104 indented": net(
        PAIR + "\ndef forward(self, x):\n    return self.fc2(F.relu(self.fc1(x)))", ""
    ).rpartition("    def forward")[0],
    "NN104 module list": net(
        "super().__init__()\nself.layers = nn.ModuleList([nn.Linear(8, 4)])",
        "return self.layers(x)",
    ),
    "NN105 used in forward": net(
        "super().__init__()\nfc = nn.Linear(8, 4)\nself.out = nn.Linear(4, 2)",
        "return self.out(F.relu(self.fc(x)))",
    ),
    "NN105 dropped": net("super().__init__()\nself.fc = nn.Linear(8, 4)\nnorm = nn.LayerNorm(4)",
        "return self.fc(x)"),
    "NN106 misspelt": net(PAIR, "return self.fc3(F.relu(self.fc1(x)))"),
    "NN106 nothing near": net(PAIR, "return self.head(F.relu(self.fc1(x)))"),
    "NN106 in init": net(
        "super().__init__()\nself.fc = nn.Linear(self.width, 4)", "return self.fc(x)"
    ),
    "NN106 of a layer": net(PAIR, "return self.fc2(x.view(-1, self.fc1.in_feature))"),
    "NN107 ReLU(x)": net(PAIR, "return self.fc2(nn.ReLU(self.fc1(x)))"),
    "NN107 returned": net(PAIR, "x = self.fc2(F.relu(self.fc1(x)))\nreturn nn.Softmax(x)"),
    "NN107 class in a Sequential": net(
        "super().__init__()\nself.n = nn.Sequential(nn.Linear(8, 4), nn.ReLU)", "return self.n(x)"
    ),
    "NN107 function in a Sequential": net(
        "super().__init__()\nself.n = nn.Sequential(nn.Linear(8, 4), F.relu)", "return self.n(x)"
    ),
    "NN107 attribute is a class": net(
        PAIR + "\nself.act = nn.ReLU", "x = self.fc1(x)\nx = self.act(x)\nreturn self.fc2(x)"
    ),
    "NN107 module and tensor": net(PAIR, "return self.fc2(F.relu(self.fc1(x))) + self.fc1"),
    "NN108": net(PAIR, "return self.fc2.forward(F.relu(self.fc1(x)))"),
    "NN109 lstm": net(
        "super().__init__()\nself.n = nn.Sequential(nn.LSTM(8, 8, batch_first=True), "
        "nn.Linear(8, 4))", "return self.n(x[:, None])",
    ),
    "NN109 two inputs": net(
        "super().__init__()\nself.n = nn.Sequential(nn.Linear(8, 4))", "return self.n(x, x)"
    ),
}  # fmt: skip
SILENT = {
    "train as torch has it": GOOD
    + "    def train(self, mode=True):\n        super().train(mode)\n        return self\n",
    "to with more": GOOD + "    def to(self, *args, **kwargs):\n"
    "        return super().to(*args, **kwargs)\n",
    "frozen": net(
        "super().__init__()\nself.a = nn.Linear(8, 8)\nself.fc = nn.Linear(8, 4)\n"
        "for p in self.a.parameters():\n    p.requires_grad = False",
        "return self.fc(F.relu(self.a(x)))",
    ),
    "a flag of its own": net(
        "super().__init__()\nself.fc = nn.Linear(8, 4)\nself._requires_grad = False",
        "return self.fc(x)",
    ),
    "a loop that keeps each": net(
        "super().__init__()\nself.fcs = nn.ModuleList()\nfor i in range(3):\n"
        "    self.fc = nn.Linear(8, 8)\n    self.fcs.append(self.fc)",
        "for fc in self.fcs:\n    x = F.relu(fc(x))\nreturn x",
    ),
    "good": GOOD,
    "init by name": net("nn.Module.__init__(self)\nself.fc = nn.Linear(8, 4)", "return self.fc(x)"),
    "plain attributes before": net(
        "self.width = 4\nsuper().__init__()\nself.fc = nn.Linear(8, self.width)",
        "return self.fc(x)",
    ),
    "guarded name": net(
        PAIR,
        "if hasattr(nn, 'Nope'):\n    return nn.Nope()(x)\nreturn self.fc2(F.relu(self.fc1(x)))",
    ),
    "init helper": net(PAIR + "\nself.init_()", RUN)
    + "    def init_(self):\n        nn.init.zeros_(self.fc2.bias)\n",
    "inherited init": HEAD
    + "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    + "        self.fc = nn.Linear(8, 4)\n\n\n"
    + "class Net(Base):\n    def initialise(self):\n        self.n = 1\n\n"
    + "    def forward(self, x):\n        return self.fc(x)\n",
    "own __call__": GOOD.replace("def forward", "def __call__"),
    "local that is kept": net(
        "super().__init__()\nfc = nn.Linear(8, 4)\nself.n = nn.Sequential(fc)", "return self.n(x)"
    ),
    "local in a list": net(
        "super().__init__()\nlayers = []\nfor _ in range(2):\n    layer = nn.Linear(8, 8)\n"
        "    layers.append(layer)\n    layers.append(nn.ReLU())\n"
        "self.n = nn.Sequential(*layers)",
        "return self.n(x)",
    ),
    "class attribute called in init": net(
        PAIR + "\nself.act_layer = nn.ReLU\nself.act = self.act_layer()",
        "return self.fc2(self.act(self.fc1(x)))",
    ),
    "layer made and called": net(PAIR, "return self.fc2(nn.ReLU()(self.fc1(x)))"),
    "base's forward": HEAD
    + "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(8, 4)\n\n"
    + "    def forward(self, x):\n        return super().forward(x)\n",
    "lstm outside of a Sequential": net(
        "super().__init__()\nself.rnn = nn.LSTM(8, 8, batch_first=True)\nself.fc = nn.Linear(8, 4)",
        "x, _ = self.rnn(x[:, None])\nreturn self.fc(x[:, -1])",
    ),
}


def codes(result: CheckResult) -> list[str]:
    return [finding.code for finding in result.findings]


@pytest.mark.parametrize("name", FLAGGED)
def test_a_mistake_is_found_with_exactly_its_code(
    name: str, check_source: Callable[..., CheckResult]
) -> None:
    result = check_source(FLAGGED[name], "2,1,8,8" if "Conv" in name else "2,8")
    assert codes(result) == [name.partition(" ")[0]]
    (finding,) = result.findings
    assert finding.file.endswith("net.py")
    assert finding.line
    assert finding.change


@pytest.mark.parametrize("name", SILENT)
def test_a_near_miss_is_silent(name: str, check_source: Callable[..., CheckResult]) -> None:
    assert codes(check_source(SILENT[name], "2,8")) == []


def test_a_missing_name_is_replaced_in_the_users_line(
    check_source: Callable[..., CheckResult],
) -> None:
    (finding,) = check_source(FLAGGED["NN102 Conv2D"], "2,1,8,8").findings
    assert finding.change == "self.c = nn.Conv2d(1, 4, 3)"
    (finding,) = check_source(FLAGGED["NN106 misspelt"], "2,8").findings
    assert finding.change == "return self.fc2(F.relu(self.fc1(x)))"


def test_a_dropped_layer_is_an_error_where_the_forward_wants_it(
    check_source: Callable[..., CheckResult],
) -> None:
    (wanted,) = check_source(FLAGGED["NN105 used in forward"], "2,8").findings
    (dropped,) = check_source(FLAGGED["NN105 dropped"], "2,8").findings
    assert (wanted.severity, dropped.severity) == (Severity.ERROR, Severity.WARNING)


SKIP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), {shortcut}, nn.ReLU()
        )

    def forward(self, x):
        return self.block(x)
"""


@pytest.mark.parametrize(
    ("shortcut", "expected"),
    [
        ("nn.Conv2d(3, 8, 1, 2)", ["NN109"]),
        ("nn.Sequential(nn.Conv2d(3, 8, 1, 2), nn.BatchNorm2d(8))", ["NN109"]),
        ("nn.Conv2d(3, 8, 1)", ["NN601"]),
        ("nn.Conv2d(5, 8, 1, 2)", ["NN601"]),
    ],
)
def test_a_shortcut_in_a_sequential_is_told_from_a_wrong_number(
    shortcut: str, expected: list[str], check_source: Callable[..., CheckResult]
) -> None:
    result = check_source(HEAD + SKIP.format(shortcut=shortcut), "2,3,8,8")
    assert codes(result) == expected


def test_a_notebook_is_read_and_not_run(check_source: Callable[..., CheckResult]) -> None:
    block = "class A(nn.Module):\n    def __int__(self):\n        super().__init__()\n"
    result = check_source(["from torch import nn\n!pip list\nraise SystemExit", block])
    assert codes(result) == ["NN103"]
    assert result.findings[0].file.endswith("net.ipynb:cell 2")


def test_two_classes_in_a_cell_are_worth_a_word_and_one_is_not(
    check_source: Callable[..., CheckResult],
) -> None:
    one, two = "class A:\n    pass\n", "class B:\n    pass\n"
    assert codes(check_source([one, two])) == []
    (finding,) = check_source(["%matplotlib inline\n" + one + two]).findings
    assert (finding.code, finding.severity) == ("NN110", Severity.INFO)
    assert "A, B" in finding.seen
