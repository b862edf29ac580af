"""NN805: the host waits for the device in the middle of a forward."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.causes import line_text
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

_WRITTEN = {
    "bool": "a tensor in a condition",
    "int": "int(tensor)",
    "float": "float(tensor)",
    "item": ".item()",
    "tolist": ".tolist()",
    "numpy": ".numpy()",
    "cpu": ".cpu()",
    "repr": "a tensor that is printed",
    "format": "a tensor that is printed",
    "equal": "torch.equal",
    "nonzero": "nonzero()",
    "index": "a tensor as an index of Python's",
}
"""What reads values on the host, and how it is written."""

_COPIES = frozenset({"cpu", "nonzero"})
"""Those that give a tensor."""


class ForcedSync(Rule):
    """The forward reads a tensor's values into Python.

    What it flags: `.item()`, `.tolist()`, `.cpu()`, `.numpy()`, `nonzero()`, `if tensor:`,
        `int(tensor)` and printing, in your own code, of tensors that the forward computes.
        The lengths that `pack_padded_sequence` takes have to be on the host, and are left alone.
    Why: on a GPU, Python hands out work and runs ahead; to read a value it waits until the
        device is done with everything, which then has nothing queued and idles. `torch.compile`
        and CUDA graphs break at the same place.
    Instead: stay on the device: `torch.where` for a condition, `x.mean()` as a tensor, and read
        values after the forward.
    Example:
        if x.abs().max() > 1: x = x / x.abs().max()
        x = x / x.abs().max().clamp(min=1)
    """

    code = "NN805"
    name = "forced-sync"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        told: set[tuple[str, int]] = set()
        for name, place in _reads(evidence):
            if (line := (place.file, place.line)) in told:
                continue
            told.add(line)
            yield self.finding(
                f"{_WRITTEN[name]} in the forward of {place.path or 'the model'} reads values of"
                " a tensor on the host.",
                why="A GPU has to finish all that is queued before Python gets the value, and"
                " idles meanwhile.",
                change="Keep it a tensor: torch.where(condition, a, b), clamp, masks.",
                at=place,
            )


def _reads(evidence: Evidence) -> Iterator[tuple[str, Place]]:
    """What reads values, and where: what gives no tensor, and what gives one of the host's."""
    trace = evidence.trace
    yield from ((name, place) for name, place in trace.reads if name in _WRITTEN)
    for step in trace.steps:
        if step.name in _COPIES and step.producers and _is_written(evidence, step):
            yield step.name, Place(step.inside, step.notes.file, step.notes.line)


def _is_written(evidence: Evidence, step: Step) -> bool:
    """The user's own line does it, and not for `pack_padded_sequence`, which takes its lengths on
    the host; nor does torch within it."""
    line = line_text(evidence, step.at) if step.module is None else ""
    return step.name in line and "pack" not in line and not _is_for_packing(step)


def _is_for_packing(step: Step) -> bool:
    waiting, seen = [step], {step}
    while waiting:
        fresh = [each for each in waiting.pop().consumers if each not in seen]
        if any(each.name == "pack_padded_sequence" for each in fresh):
            return True
        seen.update(fresh)
        waiting.extend(each for each in fresh if each.role is Role.MOVE or each.name == "sort")
    return False
