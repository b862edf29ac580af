"""The doctor on architectures of transformers, each tiny: what it says of models that work."""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.doctor.catalog import all_rules
from nninspect.doctor.check import of_model
from nninspect.doctor.deadline import Deadline
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.runner import Outcome, run_rules
from nninspect.doctor.source import Source
from nninspect.engine.load import Loaded
from nninspect.protocol.findings import CheckPlan, Severity
from nninspect.protocol.records import Setup

transformers: Any = pytest.importorskip("transformers")
pytestmark = pytest.mark.corpus

ONLY = os.environ.get("ARCHITECTURES", "").split()
"""Model types to look at alone, as `ARCHITECTURES="gpt2 t5"`."""
EVERY = int(os.environ.get("EVERY", "1"))
"""Only each so many-th architecture: for a first look."""
SECONDS = 30.0
WARNED = 1 / 20
TRUE = frozenset({"NN508", "NN104"})
"""Unused parameters are there in many of them, and are truly unused; some autoencoders have no
forward but `encode` and `decode`: told apart, not counted."""


def _sibling(name: str) -> Any:
    """A test module beside this one: the folder is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(model: nn.Module) -> Outcome:
    """All that the rules say of it, as if the user had written it: nothing drops to an info."""
    bare = Evidence(
        setup=Setup(target="net.py:Net"),
        plan=CheckPlan(seconds=SECONDS),
        deadline=Deadline(SECONDS),
        source=Source(None, [Path(transformers.__file__).parent]),
    )
    evidence = of_model(bare, Loaded(model, None, None, 0.0), torch.device("cpu"), quiet)
    return run_rules(all_rules(), evidence, quiet)


def quiet(stage: str, fraction: float | None) -> None:
    """Hears of progress and tells nobody."""


@pytest.mark.filterwarnings("ignore")
def test_architectures_that_work_are_let_alone() -> None:
    corpus = _sibling("test_transformers")
    transformers.logging.set_verbosity(logging.CRITICAL)
    started, looked_at = time.monotonic(), 0
    by_rule: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {}
    errors: list[str] = []
    for place, (name, config, kind) in enumerate(corpus.architectures()):
        if (ONLY and name not in ONLY) or place % EVERY:
            continue
        model = corpus.tiny_model(config, kind)
        if model is None:
            continue
        looked_at += 1
        outcome = checked(model)
        by_rule.update(f"{f.code} {f.severity.word}" for f in outcome.findings)
        broken = [rule for rule in outcome.skipped if "itself failed" in rule.reason]
        errors += [f"{name}: {rule.code} {rule.reason}" for rule in broken]
        graver = [f for f in outcome.findings if f.severity is not Severity.INFO]
        for finding in graver:
            print(
                f"  {name}: {finding.code} {finding.severity.word} {finding.path}: {finding.seen}"
            )
            if finding.code not in TRUE:
                wrong.setdefault(name, []).append(finding.code)
            if finding.severity is Severity.ERROR and finding.code not in TRUE:
                errors.append(f"{name}: {finding.code} {finding.seen}")
    print(dict(sorted(by_rule.items())))
    print(f"{len(wrong)} of {looked_at} with more than {sorted(TRUE)}: {wrong}")
    print(f"in {time.monotonic() - started:.0f} s")
    assert not errors, "\n".join(errors)
    assert looked_at
    assert len(wrong) <= WARNED * looked_at
