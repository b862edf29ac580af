"""What the tests of the doctor share: check a network that stands in a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import pytest
import torch
from torch import nn

from nninspect.doctor.catalog import chosen
from nninspect.doctor.check import check, of_model
from nninspect.doctor.deadline import Deadline
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.runner import Outcome, run_rules
from nninspect.doctor.source import Source
from nninspect.engine.load import Loaded
from nninspect.engine.session import Session
from nninspect.protocol.findings import DEADLINE_S, CheckPlan, CheckResult
from nninspect.protocol.records import InputSpec, Setup
from nninspect.text.inputs import parse_input

Gather: TypeAlias = Callable[..., Evidence]
Codes: TypeAlias = Callable[..., list[str]]


def quiet(stage: str, fraction: float | None) -> None:
    """Hears of progress and tells nobody."""


@pytest.fixture
def gather() -> Gather:
    """The evidence on a network: `inputs` as typed on the command line, one or several."""

    def make(
        model: nn.Module,
        inputs: str | Sequence[str],
        *,
        loss: str = "",
        task: str = "",
        training: bool = False,
        device: str = "cpu",
        seconds: float = DEADLINE_S,
        **plan: Any,
    ) -> Evidence:
        typed = (inputs,) if isinstance(inputs, str) else inputs
        specs: tuple[InputSpec, ...] = tuple(map(parse_input, typed))
        bare = Evidence(
            setup=Setup(target="net.py:Net", inputs=specs, training=training, device=device),
            plan=CheckPlan(seconds=seconds, **plan),
            deadline=Deadline(seconds),
            source=Source(),
            loss=loss,
            task=task,
        )
        return of_model(bare, Loaded(model, None, None, 0.0), torch.device(device), quiet)

    return make


@pytest.fixture
def outcome(gather: Gather) -> Callable[..., Outcome]:
    """All that the rules say of a network, or those whose codes begin with `select`."""

    def run(model: nn.Module, inputs: str | Sequence[str], select: str = "", **how: Any) -> Outcome:
        return run_rules(chosen((select,)), gather(model, inputs, **how), quiet)

    return run


@pytest.fixture
def codes(outcome: Callable[..., Outcome]) -> Codes:
    """The codes that the rules find on a network, each once, in order."""

    def run(
        model: nn.Module, inputs: str | Sequence[str], select: str = "", **how: Any
    ) -> list[str]:
        found = outcome(model, inputs, select, **how)
        assert not [rule for rule in found.skipped if "itself failed" in rule.reason]
        return sorted({finding.code for finding in found.findings})

    return run


@pytest.fixture
def check_source(tmp_path: Path) -> Callable[..., CheckResult]:
    """A check of `Net` in a file with this source, or of the notebook of these cells."""

    def run(source: str | list[str], inputs: str = "", **plan: Any) -> CheckResult:
        if isinstance(source, list):
            target = str(tmp_path / "net.ipynb")
            cells = [{"cell_type": "code", "source": [cell]} for cell in source]
            Path(target).write_text(json.dumps({"cells": cells}))
        else:
            (tmp_path / "net.py").write_text(dedent(source))
            target = f"{tmp_path / 'net.py'}:Net"
        specs = (parse_input(inputs),) if inputs else ()
        session = Session()
        try:
            result = check(session, Setup(target=target, inputs=specs), CheckPlan(**plan), quiet)
        finally:
            session.drop()
        assert not [rule for rule in result.skipped if "itself failed" in rule.reason]
        return result

    return run
