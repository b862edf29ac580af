"""From what was measured to the rows of the result; nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from msgspec.structs import replace

from nninspect.bench import agreement, estimate
from nninspect.bench.candidate import Candidate
from nninspect.bench.compare import baseline, compare
from nninspect.bench.contender import Contender, Parts
from nninspect.bench.machine import allows_tf32
from nninspect.bench.verdict import judge
from nninspect.protocol.bench import (
    Accelerator,
    Agreement,
    BenchRow,
    Config,
    Latency,
    Throughput,
    Train,
)

LAUNCH_BOUND = 0.8
"""Enqueueing takes this share of the device's time: the device waits for the host."""


def rows(
    candidates: Sequence[Candidate], target: str, params: int, threads: int, fastest_s: float
) -> tuple[BenchRow, ...]:
    """One row a candidate, each compared with the one that it stands against."""
    plain = [_row(each, _config(each, target, params, threads), fastest_s) for each in candidates]
    agreeing = [
        replace(row, agreement=_agreement(each, candidates))
        for row, each in zip(plain, candidates, strict=True)
    ]
    work = {each.mode.name: each.mode.work for each in candidates}
    return tuple(_compared(row, agreeing, work) for row in agreeing)


def _config(candidate: Candidate, target: str, params: int, threads: int) -> Config:
    given: dict[str, Any] = {
        "target": target,
        "params": params,
        "inputs": candidate.inputs,
        "batch": candidate.key.batch,
        "dtype": candidate.dtype,
        "device": candidate.key.device,
        "mode": candidate.key.mode,
        "threads": threads,
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
    return BenchRow(
        config=config,
        cold=candidate.cold,
        latency=found,
        accelerator=_accelerator(contender),
        train=_train(candidate, contender),
        throughput=_throughput(found, contender, config.batch),
        memory=candidate.memory,
        layers=candidate.layers,
        quality=judge(found, samples),
        labels=(*candidate.labels, *_neighbours(contender)),
    )


def _compared(row: BenchRow, others: Sequence[BenchRow], work: dict[str, str]) -> BenchRow:
    against = baseline(row, others, work)
    return row if against is None else replace(row, compare=compare(row, against))


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
    return agreement.limit(dtypes, tf32=on_cuda and allows_tf32())


def _accelerator(contender: Contender) -> Accelerator | None:
    parts = [slot.parts for slot in contender.slots if slot.parts is not None]
    if not parts:
        return None
    device_s, pinned_s = _median_of(parts, "device_s"), _median_of(parts, "h2d_pinned_s")
    enqueue_s, h2d_s = _median(parts, "enqueue_s"), _median(parts, "h2d_s")
    last = contender.slots[-1].health
    return Accelerator(
        enqueue_s=enqueue_s,
        device_s=device_s,
        h2d_s=h2d_s,
        h2d_pinned_s=pinned_s,
        d2h_s=_median(parts, "d2h_s"),
        end_to_end_s=_median(parts, "end_to_end_s"),
        bounds=bounds(enqueue_s, device_s, h2d_s),
        clock_hz=last.clock_hz,
        temp_c=last.temp_c,
        power_w=last.power_w,
        reasons=_throttle_reasons(contender),
    )


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


def _median(parts: Sequence[Parts], name: str) -> float:
    return float(median(getattr(each, name) for each in parts))


def _median_of(parts: Sequence[Parts], name: str) -> float | None:
    found = [value for each in parts if (value := getattr(each, name)) is not None]
    return median(found) if found else None


def _train(candidate: Candidate, contender: Contender) -> Train | None:
    """The parts of a training step."""
    if candidate.step_names != ("forward", "backward", "optimizer"):
        return None
    forward, backward, optimizer = (
        median(column) for column in zip(*(slot.steps for slot in contender.slots), strict=True)
    )
    return Train(
        forward_s=forward,
        backward_s=backward,
        optimizer_s=optimizer,
        optimizer=str(candidate.config.get("optimizer", "SGD")),
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
