"""One saved run against another, as far as that is honest.

A ratio is given only for the same work on the same hardware: the same inputs, dtype, mode and
threads. What else differs, such as the version of torch or the model itself, may be just what
is to be compared, so it is named and the ratio stands. Runs at different times are not paired,
so the interval of a ratio is the widest that both intervals allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nninspect.protocol.bench import BenchResult, BenchRow, Compare
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.machine import Gpu, Machine
from nninspect.protocol.records import Record


class Difference(Record, frozen=True, kw_only=False):
    """One fact of the two runs that is not the same."""

    what: str
    then: str
    now: str


class RowAgainst(Record, frozen=True):
    """One configuration then and now. `compare.ratio` above 1: it is faster now."""

    key: Key
    then: BenchRow | None
    now: BenchRow | None
    compare: Compare


class Against(Record, frozen=True):
    """Every configuration of either run, in the order of the later one."""

    differences: tuple[Difference, ...]
    rows: tuple[RowAgainst, ...]


def against(then: BenchResult, now: BenchResult) -> Against:
    """The later run beside the earlier."""
    keys = [row.key for row in now.rows]
    keys += [row.key for row in then.rows if row.key not in keys]
    rows = tuple(_row(then, now, key) for key in keys)
    return Against(differences=tuple(_differences(then, now)), rows=rows)


def common(compared: Against) -> Against:
    """The configurations that were planned in both runs."""
    both = tuple(row for row in compared.rows if row.then is not None and row.now is not None)
    return Against(differences=compared.differences, rows=both)


def _row(then: BenchResult, now: BenchResult, key: Key) -> RowAgainst:
    before, after = then.row(key), now.row(key)
    withheld = (
        _not_measured(before, "then")
        or _not_measured(after, "now")
        or _other_work(before, after)
        or _other_hardware(then.machine, now.machine, key.device)
        or _not_believed(before, "then")
        or _not_believed(after, "now")
    )
    if withheld or before is None or after is None:
        return RowAgainst(
            key=key, then=before, now=after, compare=Compare(against=key, withheld=withheld)
        )
    return RowAgainst(key=key, then=before, now=after, compare=_ratio(before, after))


def _ratio(before: BenchRow, after: BenchRow) -> Compare:
    """The medians' ratio, in the widest interval that the two intervals allow."""
    assert before.latency is not None
    assert after.latency is not None
    return Compare(
        against=before.key,
        ratio=before.latency.median_s / after.latency.median_s,
        ci_low=before.latency.ci_low_s / after.latency.ci_high_s,
        ci_high=before.latency.ci_high_s / after.latency.ci_low_s,
    )


def _not_measured(row: BenchRow | None, when: str) -> str:
    if row is None:
        return f"not measured {when}"
    if row.latency is None:
        return f"failed {when}: {row.error.message}" if row.error else f"not finished {when}"
    return ""


def _not_believed(row: BenchRow | None, when: str) -> str:
    if row is None or row.quality is None or row.quality.verdict != "untrusted":
        return ""
    return f"untrusted {when}: {', '.join(row.quality.reasons)}"


_WORK: tuple[tuple[str, Callable[[BenchRow], Any]], ...] = (
    ("inputs", lambda row: [(each.name, each.dtype, each.shape) for each in row.config.inputs]),
    ("dtype", lambda row: row.config.dtype),
    ("autocast", lambda row: row.config.autocast),
    ("memory layout", lambda row: row.config.layout),
    ("engine", lambda row: row.config.engine),
    ("CPU threads", lambda row: row.config.threads),
)
"""What must be the same for two rows to have done the same work in the same way."""


def _other_work(before: BenchRow | None, after: BenchRow | None) -> str:
    if before is None or after is None:
        return ""
    for what, of in _WORK:
        if of(before) != of(after):
            return f"other {what}: {_said(of(before))} then, {_said(of(after))} now"
    return ""


_HARDWARE: tuple[tuple[str, Callable[[Machine], Any]], ...] = (
    ("CPU", lambda machine: machine.cpu),
    ("instruction set", lambda machine: machine.isa),
    ("visible cores", lambda machine: machine.cores_visible),
    ("core quota", lambda machine: machine.quota_cores),
)
"""What makes a machine of another kind. Its name does not: CI gives each run another."""


def _other_hardware(then: Machine, now: Machine, device: str) -> str:
    """Why the figures of a device can only stand side by side; "" where they compare."""
    for what, of in _HARDWARE:
        if of(then) != of(now):
            return f"another machine: {what} {_said(of(then))} then, {_said(of(now))} now"
    before, after = _kind(then, device), _kind(now, device)
    if before != after:
        return f"another {device}: {_said(before)} then, {_said(after)} now"
    return ""


def _kind(machine: Machine, device: str) -> str | None:
    gpu = _gpu(machine, device)
    return None if gpu is None else f"{gpu.name}{' (MIG)' if gpu.mig else ''}"


def _gpu(machine: Machine, device: str) -> Gpu | None:
    return next((gpu for gpu in machine.gpus if gpu.device == device), None)


def _differences(then: BenchResult, now: BenchResult) -> Iterator[Difference]:
    facts: list[tuple[str, Any, Any]] = [
        ("target", then.setup.target, now.setup.target),
        ("parameters", _params(then), _params(now)),
        ("torch", then.run.torch, now.run.torch),
        ("python", then.run.python, now.run.python),
        ("host", then.machine.host, now.machine.host),
        *((what, of(then.machine), of(now.machine)) for what, of in _HARDWARE),
        ("CPU threads", then.machine.threads, now.machine.threads),
        ("accelerators", _gpus(then), _gpus(now)),
        ("driver", then.machine.driver, now.machine.driver),
        ("TF32", then.machine.tf32, now.machine.tf32),
        ("cudnn.benchmark", then.machine.cudnn_benchmark, now.machine.cudnn_benchmark),
    ]
    for what, before, after in facts:
        if before != after:
            yield Difference(what, _said(before), _said(after))


def _params(result: BenchResult) -> int | None:
    return next((row.config.params for row in result.rows), None)


def _gpus(result: BenchResult) -> str | None:
    """Each by its UUID where it has one: two cards of a kind are still two cards."""
    names = [f"{gpu.name} {gpu.uuid or ''}".strip() for gpu in result.machine.gpus]
    return ", ".join(names) or None


def _said(value: Any) -> str:
    """A fact for people."""
    if value is None:
        return "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(f"{dtype} {shape}" for _, dtype, shape in value) or "none"
    return str(value)
