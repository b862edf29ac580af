"""From what was measured to the rows of the result; nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from msgspec.structs import replace

from nninspect.bench import agreement, estimate, roofline
from nninspect.bench.candidate import Candidate
from nninspect.bench.compare import baseline, compare
from nninspect.bench.contender import Contender, Parts
from nninspect.bench.machine import allows_tf32
from nninspect.bench.subjects import Subjects
from nninspect.bench.verdict import judge
from nninspect.protocol.bench import Agreement, BenchRow, Config
from nninspect.protocol.bench_figures import (
    Accelerator,
    Latency,
    LayerTimes,
    PartInterval,
    Throughput,
    Train,
    Work,
)
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.roofline import Bound

LAUNCH_BOUND = 0.8
"""Enqueueing takes this share of the device's time: the device waits for the host."""


def rows(
    candidates: Sequence[Candidate], subjects: Subjects, fastest_s: float
) -> tuple[BenchRow, ...]:
    """One row a candidate, each compared with the one that it stands against."""
    plain = [_row(each, _config(each, subjects), fastest_s) for each in candidates]
    work = {each.mode.name: each.mode.work for each in candidates}
    whole = {
        row.key: each.contender.end_to_end
        for row, each in zip(plain, candidates, strict=True)
        if each.contender is not None
    }
    return tuple(_compared(row, plain, work, whole) for row in plain)


def agree(candidates: Sequence[Candidate]) -> None:
    """Compare the outputs, once, and let go of them."""
    for each in candidates:
        each.agreement = _agreement(each, candidates)
    for each in candidates:
        each.output = None


def _config(candidate: Candidate, subjects: Subjects) -> Config:
    given: dict[str, Any] = {
        "target": subjects.target,
        "params": subjects.params,
        "inputs": candidate.inputs,
        "batch": candidate.key.batch,
        "dtype": candidate.dtype,
        "device": candidate.key.device,
        "mode": candidate.key.mode,
        "threads": subjects.threads,
    }
    return Config(**{**given, **candidate.config})


def _row(candidate: Candidate, config: Config, fastest_s: float) -> BenchRow:
    contender = candidate.contender
    error = candidate.error or (contender.error if contender else None)
    if error is not None or contender is None or not contender.slots:
        return BenchRow(config=config, cold=candidate.cold, error=error, labels=candidate.labels)
    samples = contender.samples
    found = estimate.latency(
        contender.settled(fastest_s), samples, contender.per_sample, contender.warmth.calls
    )
    accelerator = _accelerator(contender)
    return BenchRow(
        config=config,
        cold=candidate.cold,
        latency=found,
        accelerator=accelerator,
        train=_train(candidate, contender),
        throughput=_throughput(found, contender, config.batch),
        memory=candidate.memory,
        work=_work(candidate, found, accelerator),
        layers=_layers(candidate),
        agreement=candidate.agreement,
        quality=judge(found, samples),
        labels=(*candidate.labels, *_neighbours(contender)),
    )


def _compared(
    row: BenchRow,
    others: Sequence[BenchRow],
    work: dict[str, str],
    whole: Mapping[Key, Mapping[int, float]],
) -> BenchRow:
    """`whole`: the seconds of each round with the transfers in, where there are any."""
    against = baseline(row, others, work)
    if against is None:
        return row
    found = compare(row, against)
    ours, theirs = whole.get(row.key), whole.get(against.key)
    if found.ratio is None or not (ours or theirs):
        return replace(row, compare=found)
    return replace(
        row,
        compare=found,
        compare_with_transfers=compare(row, against, ours or None, theirs or None),
    )


def _work(candidate: Candidate, latency: Latency, accelerator: Accelerator | None) -> Work | None:
    """None where nothing was counted."""
    found = candidate.work
    if found is None or found.mult_adds is None:
        return None
    is_launch = accelerator is not None and "launch-bound" in accelerator.bounds
    known: Bound = "launch-bound" if is_launch else ""
    return roofline.work(found, candidate.limits, latency.median_s, known)


def _layers(candidate: Candidate) -> LayerTimes | None:
    if candidate.layers is None or candidate.work is None:
        return candidate.layers
    return roofline.tagged(candidate.layers, candidate.work.by_path, candidate.limits)


def _agreement(candidate: Candidate, candidates: Sequence[Candidate]) -> Agreement | None:
    """With the first candidate at the same batch whose output is comparable."""
    same_batch = [each for each in candidates if each.key.batch == candidate.key.batch]
    reference = next((each for each in same_batch if each.output is not None), None)
    if reference is None or reference is candidate or candidate.output is None:
        return None
    assert reference.output is not None
    return agreement.agreement(
        candidate.output, reference.output, reference.key, _limit(candidate, reference)
    )


def _limit(candidate: Candidate, reference: Candidate) -> float:
    dtypes = [
        str(each.config.get("autocast") or each.config.get("dtype") or each.dtype)
        for each in (candidate, reference)
    ]
    on_cuda = "cuda" in (candidate.device.type, reference.device.type)
    summed = max(candidate.summed, reference.summed)
    return agreement.limit(dtypes, tf32=on_cuda and allows_tf32(), summed=summed)


def _accelerator(contender: Contender) -> Accelerator | None:
    parts = [slot.parts for slot in contender.slots if slot.parts is not None]
    if not parts:
        return None
    rounds = {name: _of_rounds(parts, name) for name in PARTS}
    found = {name: median(values) if values else None for name, values in rounds.items()}
    enqueue_s, h2d_s = found["enqueue_s"] or 0.0, found["h2d_s"] or 0.0
    last = contender.slots[-1].health
    return Accelerator(
        enqueue_s=enqueue_s,
        device_s=found["device_s"],
        h2d_s=h2d_s,
        h2d_pinned_s=found["h2d_pinned_s"],
        d2h_s=found["d2h_s"] or 0.0,
        end_to_end_s=found["end_to_end_s"] or 0.0,
        bounds=bounds(enqueue_s, found["device_s"], h2d_s),
        clock_hz=last.clock_hz,
        temp_c=last.temp_c,
        power_w=last.power_w,
        reasons=_throttle_reasons(contender),
        intervals=_intervals(rounds),
    )


PARTS = ("enqueue_s", "device_s", "h2d_s", "h2d_pinned_s", "d2h_s", "end_to_end_s")
"""The figures of a `Parts`."""


def _of_rounds(parts: Sequence[Parts], name: str) -> list[float]:
    """One figure of every round that has it."""
    return [value for each in parts if (value := getattr(each, name)) is not None]


def _intervals(rounds: Mapping[str, Sequence[float]]) -> tuple[PartInterval, ...]:
    found = {name: estimate.interval(values) for name, values in rounds.items() if values}
    return tuple(PartInterval(name, each.low, each.high) for name, each in found.items())


def _throttle_reasons(contender: Contender) -> tuple[str, ...]:
    found = (why for slot in contender.slots for why in slot.health.reasons)
    return tuple(dict.fromkeys(found))


def bounds(enqueue_s: float, device_s: float | None, h2d_s: float) -> tuple[str, ...]:
    """What holds an accelerator up, apart from its own work."""
    if device_s is None:
        return ()
    found = {
        "launch-bound": enqueue_s > LAUNCH_BOUND * device_s,
        "transfer-bound": h2d_s >= device_s,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _train(candidate: Candidate, contender: Contender) -> Train | None:
    """The parts of a training step."""
    if candidate.step_names != ("forward", "backward", "optimizer"):
        return None
    columns = zip(*(slot.steps for slot in contender.slots), strict=True)
    rounds = dict(zip(("forward_s", "backward_s", "optimizer_s"), columns, strict=True))
    return Train(
        forward_s=median(rounds["forward_s"]),
        backward_s=median(rounds["backward_s"]),
        optimizer_s=median(rounds["optimizer_s"]),
        optimizer=str(candidate.config.get("optimizer", "SGD")),
        intervals=_intervals(rounds),
    )


def _throughput(latency: Latency, contender: Contender, batch: int) -> Throughput:
    """Calls back to back where the device queues them; else it is the latency's reciprocal."""
    rates = [s.back_to_back_s for s in contender.slots if s.back_to_back_s is not None]
    if not rates:
        return Throughput(
            items_per_s=batch / latency.median_s,
            ci_low=batch / latency.ci_high_s,
            ci_high=batch / latency.ci_low_s,
            mode="latency",
        )
    found = estimate.interval(rates)
    return Throughput(
        items_per_s=batch / median(rates),
        ci_low=batch / found.high,
        ci_high=batch / found.low,
        mode="back to back",
    )


def _neighbours(contender: Contender) -> tuple[str, ...]:
    others = max((slot.health.other_processes or 0 for slot in contender.slots), default=0)
    return ("another process computes on this device",) if others else ()
