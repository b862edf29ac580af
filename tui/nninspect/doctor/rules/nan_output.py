"""NN706: outputs that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.origins import is_broken
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.runs import Run
from nninspect.protocol.findings import Finding, Severity

_SEEDS = (0, 1)
_RISKY = frozenset({"log", "log2", "log10", "log1p", "sqrt", "rsqrt", "acos", "asin", "pow"})

_DIVIDING = frozenset({"div", "truediv", "rdiv", "divide", "true_divide", "reciprocal"})


class NanOutput(Rule):
    """The model gives NaN or infinity although its weights and inputs are numbers.

    What it flags: NaN or +infinity in an output for random batches, in eval or in train mode. A
        warning where the inputs were guessed: they may be what the model can't take. -inf is
        left alone, as masked logits have it; and NaN that stands in the weights is NN701's.
    Why: a loss of NaN trains nothing. `log` and `sqrt` of what may be below 0, a division by
        what may be 0, `exp` of large values, a softmax over a row that is masked throughout.
    Instead: bound what goes in: `x.clamp(min=1e-6).log()`, `F.softplus`, `log_softmax` in place
        of `softmax` and `log`.
    Example:
        return torch.log(self.fc(x))
        return F.logsigmoid(self.fc(x))
    """

    code = "NN706"
    name = "nan-output"
    severity = Severity.ERROR
    needs = frozenset({Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.broken_tensors:
            return
        probes = evidence.probes
        for training in (False, True):
            keys = _broken(probes.run(training=training))
            if not all(_broken(probes.run(seed=seed, training=training)) for seed in _SEEDS):
                continue
            path = probes.origin(training=training)
            where = "" if path is None else f"; they begin in {path or 'the forward itself'}"
            which = f" {keys[0]}" if keys[0] else ""
            yield self.finding(
                f"In {'train' if training else 'eval'} mode the output{which} has NaN or"
                f" infinite values for a batch of random inputs{where}.",
                why="A loss of NaN trains nothing, and one step on it makes every weight NaN.",
                change="Bound what goes into log, sqrt, exp and divisions: x.clamp(min=1e-6).",
                at=_at(evidence, path or ""),
                severity=Severity.WARNING if evidence.inputs_were_guessed else None,
            )
            return


def _broken(run: Run) -> list[str]:
    """The keys of the outputs that have NaN or infinite values."""
    return [key for key, tensor in run.outputs if is_broken(tensor)]


def _at(evidence: Evidence, path: str) -> Place:
    """The only op in that forward which can make a NaN; else where the module is made."""
    steps = evidence.recorded.steps if evidence.recorded is not None else []
    here = [step for step in steps if step.module is None and step.inside == path]
    risky = [step for step in here if step.name in _RISKY]
    divided = [step for step in here if step.name in _DIVIDING]
    lines = {step.at[1:]: step.at for step in risky or divided if step.notes.file}
    only = next(iter(lines.values())) if len(lines) == 1 else None
    return evidence.at_path(path) if only is None else only._replace(path=path)
