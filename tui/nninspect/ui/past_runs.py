"""The past benchmarks of a model: another one kept, and the one before it to compare with."""

from __future__ import annotations

from nninspect.history.against import Against, against, common
from nninspect.history.past import History, is_finished
from nninspect.protocol.bench import BenchResult


def keep(result: BenchResult) -> Against | None:
    """Keep a finished run, and compare it with the one before it. Raises UsageError."""
    if not is_finished(result):
        return None
    past = History.of_user()
    before = past.latest(result.setup.target)
    past.add(result)
    compared = common(against(before, result)) if before else None
    return compared if compared and compared.rows else None
