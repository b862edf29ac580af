"""NN603: what comes out for one sample depends on its neighbours in the batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn.modules.conv import _ConvNd

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.mixing import mixing_place
from nninspect.doctor.place import Place
from nninspect.doctor.rewrite import with_argument
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.batch_statistics import BatchStatistics
from nninspect.doctor.rules.other_batch import has_one_batch
from nninspect.doctor.runs import BATCH
from nninspect.doctor.step import Step
from nninspect.doctor.time_first import batch_of_output, knows_time, written_order
from nninspect.protocol.findings import Finding, Severity

RELATIVE = 1e-3
"""Of what the changed sample's own output moved by: less is rounding."""
SEEDS = ((0, 1), (2, 3))


class SamplesMixed(Rule):
    """One sample's output depends on the other samples of the batch.

    What it flags: in eval mode, the first sample of a batch is replaced and the outputs of the
        others change. Where dimension 1 would do as the batch, which may be meant, an info, and a
        warning if the source writes shapes as (batch, time); silent where shapes written as (time,
        batch), positions, a mask or a first state say that dimension 0 is time. It leaves alone
        outputs without a batch dimension, losses, square outputs that compare every sample with
        every other, models that draw random numbers, and dynamic quantisation, which rounds by the
        range of the batch. An info where a guessed input may be a single sample.
    Why: an answer must not depend on who else is asked. A `view` or `reshape` that moves the
        batch, a norm or softmax over dimension 0, or a missing `batch_first=True` does this,
        with the right shapes and without an error.
    Instead: keep dimension 0 for the batch everywhere: `x.flatten(1)`, `permute` before
        `reshape`, `softmax(dim=-1)`, `nn.RNN(..., batch_first=True)`.
    Example:
        x = x.transpose(0, 1).reshape(len(x), -1)
        x = x.flatten(1)
    """

    code = "NN603"
    name = "samples-mixed"
    severity = Severity.ERROR
    needs = frozenset({Need.FORWARD, Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.probes.is_steady() or evidence.structure.is_quantized:
            return
        if next(BatchStatistics().check(evidence), None):  # they are what mixes
            return
        shares = []
        for seeds in SEEDS:
            shares.append(_others_share(evidence, *seeds))
            if shares[-1] <= RELATIVE:
                yield from self._by_place(evidence)
                return
        if batch_of_output(evidence) is not None:
            yield from self._time_first(evidence)
            return
        at, change = _cause(evidence)
        yield self.finding(
            f"With another first sample in a batch of {BATCH}, the outputs of the other"
            f" {BATCH - 1} changed, by {min(shares):.0%} of what the first one's did.",
            why="What the model says of one sample must not depend on its neighbours in the batch.",
            change=change,
            at=at,
            severity=Severity.INFO if _may_be_one_sample(evidence) else None,
        )

    def _by_place(self, evidence: Evidence) -> Iterator[Finding]:
        """The neighbours do not matter, and where in the batch a sample stands does."""
        share = _share_of_place(evidence)
        if share <= RELATIVE or batch_of_output(evidence) is not None:
            return
        added = _added_by_place(evidence)
        yield self.finding(
            f"The same sample one place further on in the batch gives an output that differs, by"
            f" {share:.0%} of the largest.",
            why="What the model says of a sample must not depend on its place in the batch; for"
            " positions that were made for (time, batch, ...), every time step is the same one.",
            change="x = x + positions[: x.size(1)]  # of shape (time, features): dimension 1 is"
            " time",
            at=added.at if added is not None else evidence.at_forward(),
            severity=Severity.INFO if evidence.inputs_were_guessed else None,
        )

    def _time_first(self, evidence: Evidence) -> Iterator[Finding]:
        order = written_order(evidence)
        if order == "time" or knows_time(evidence):
            return
        at, change = _cause(evidence)
        yield self.finding(
            "Places of dimension 0 change each other's outputs, those of dimension 1 do not: the"
            " model takes the batch at dimension 1, as (time, batch, ...).",
            why="Given (batch, time, ...), it runs all the same, and each sample continues the one"
            " before it.",
            change=change,
            at=at,
            severity=Severity.WARNING if order == "batch" else Severity.INFO,
        )


def _may_be_one_sample(evidence: Evidence) -> bool:
    """A guessed input without a batch: torch's layers take a single sample as well; and of several
    one may say how the rows of another belong together, as the edges of a graph."""
    if not evidence.inputs_were_guessed:
        return False
    if len(evidence.probes.inputs) > 1:
        return True
    layers = ((step.module, len(step.given_shape)) for step in evidence.trace.steps)
    return any(rank == _of_one_sample(module) for module, rank in layers)


def _of_one_sample(module: torch.nn.Module | None) -> int:
    """The dimensions of one sample's input to a layer; 0 where that can't be told."""
    if isinstance(module, torch.nn.RNNBase | torch.nn.MultiheadAttention):
        return 2
    if isinstance(module, _ConvNd):
        return len(module.kernel_size) + 1
    return 0


def _others_share(evidence: Evidence, seed: int, other_seed: int) -> float:
    """How much the other samples moved, relative to the one that was changed; 0 where that
    can't be told."""
    run = evidence.probes.run
    before = run(BATCH, seed).output
    again = run(BATCH, seed, noise=1).output
    after = run(BATCH, seed, first_from=other_seed).output
    if before is None or after is None or again is None:
        return 0.0
    if not _is_per_sample(evidence, before) or before.shape != after.shape:
        return 0.0
    if again.shape != before.shape or not torch.equal(again, before):
        return 0.0
    moved = (after.double() - before.double()).abs().reshape(BATCH, -1).amax(1)
    own, others = float(moved[0]), float(moved[1:].max())
    return others / own if own > 0 and others == others else 0.0


def _share_of_place(evidence: Evidence) -> float:
    """How much the outputs move when one more sample stands in front, relative to the largest; 0
    where that can't be told."""
    run = evidence.probes.run
    before, again, after = run().output, run(noise=1).output, run(BATCH + 1).output
    if before is None or again is None or after is None or not has_one_batch(evidence):
        return 0.0
    if not _is_per_sample(evidence, before) or not torch.equal(again, before):
        return 0.0
    moved = (after[1:].double() - before.double()).abs().max()
    share = float(moved / before.double().abs().max().clamp_min(1e-12))
    return share if share == share else 0.0


def _added_by_place(evidence: Evidence) -> Step | None:
    """The sum in which one of the terms has a row for each sample and was not made of them."""
    shapes = [evidence.probes.step_shapes(batch) for batch in (BATCH, BATCH + 1)]
    if any(len(found) != len(evidence.trace.steps) for found in shapes):
        return None
    for step in evidence.trace.of(Role.SUM):
        given = [made.shape for made in step.inputs]
        is_table = len(given) == 2 and given[0] != given[1] and len(step.shape) > 2
        if is_table and step.shape[0] == given[1][0] and given[1][1] == 1 < given[0][1]:
            return step
    return None


def _is_per_sample(evidence: Evidence, output: torch.Tensor) -> bool:
    """It has one row a sample, and is no table of samples against samples: told by how it
    grows with the batch, as four classes may stand beside four samples."""
    more = evidence.probes.run(BATCH + 1).output
    if (
        more is None
        or not output.is_floating_point()
        or output.dim() != more.dim()
        or not more.dim()
    ):
        return False
    grown = [size + 1 == other for size, other in zip(output.shape, more.shape, strict=True)]
    return output.shape[0] == BATCH and grown[0] and not any(grown[1:])


def _cause(evidence: Evidence) -> tuple[Place, str]:
    """The layer that takes dimension 0 for time, and the line that makes it with batch_first."""
    for path, module in evidence.structure.modules():
        if getattr(module, "batch_first", True) is False:
            place = evidence.at_path(path)
            line = with_argument(evidence, place, "batch_first=True")
            return place, line or f"nn.{type(module).__name__}(..., batch_first=True)"
    known = mixing_place(evidence.trace)
    return known or (evidence.at_forward(), "x = x.flatten(1)  # dimension 0 is the batch's")
