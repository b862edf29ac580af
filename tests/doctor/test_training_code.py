"""The loss is read where the user points, and never guessed from several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nninspect.doctor.training_code import FoundLoss, loss_of
from nninspect.errors import BadInput


def written(folder: Path, text: str) -> Path:
    file = folder / "train.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        (
            "from torch import nn\nloss = nn.CrossEntropyLoss(label_smoothing=0.1)",
            "cross_entropy",
            2,
        ),
        ("import torch\nkind = torch.nn.BCEWithLogitsLoss", "binary_cross_entropy_with_logits", 2),
        ("import torch.nn.functional as F\nF.mse_loss(a, b) + F.mse_loss(c, d)", "mse_loss", 2),
        ("from torch.nn import L1Loss as Distance\nDistance()", "l1_loss", 2),
        ("from torch.nn.functional import nll_loss\nnll_loss(a, b)", "nll_loss", 2),
    ],
)
def test_a_file_with_one_loss_says_it(text: str, name: str, line: int, tmp_path: Path) -> None:
    assert loss_of(written(tmp_path, text)) == FoundLoss(name, f"train.py:{line}")


def test_a_notebook_says_it_by_its_cell(tmp_path: Path) -> None:
    sources = ["import torch.nn.functional as F", "x = 1\nloss = F.huber_loss(a, b)"]
    cells = [{"cell_type": "code", "source": [source]} for source in sources]
    (tmp_path / "net.ipynb").write_text(json.dumps({"cells": cells}))
    assert loss_of(tmp_path / "net.ipynb") == FoundLoss("huber_loss", "net.ipynb:cell 2:2")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import torch\nprint('nn.MSELoss()')", "train.py names no loss of torch's"),
        ("from own import MSELoss\nMSELoss()", "train.py names no loss of torch's"),
        (
            "from torch import nn\nnn.MSELoss()\nnn.L1Loss()",
            r"train.py names 2 losses: mse_loss \(train.py:2\), l1_loss \(train.py:3\)",
        ),
        ("from torch import nn\nnn.CTCLoss()", r"no rule knows the loss CTCLoss \(train.py:2\)"),
        ("def (", "train.py is no Python that can be read"),
    ],
)
def test_where_it_can_not_be_told_it_is_asked_for(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=problem):
        loss_of(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        loss_of(tmp_path / "train.py")
