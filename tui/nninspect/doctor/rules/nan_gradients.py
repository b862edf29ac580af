"""NN703: gradients that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.backward import Blame, Gradients
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.origins import is_broken
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class NanGradients(Rule):
    """The outputs are numbers, and the gradients are not.

    What it flags: a backward from random batches that gives a parameter a gradient of NaN or
        infinity although weights and outputs are finite, in train mode; in eval mode where
        that fails.
    Why: the first optimizer step writes the NaN into the weights, and the next forward is all
        NaN. The slope of `sqrt` and of a norm is infinite at 0, that of `log` too; and
        `torch.where` does not help, since 0 x inf, the gradient of the branch not taken, is NaN.
    Instead: keep the argument off 0 before the op: `torch.sqrt(x + eps)`, `x.clamp(min=eps)`.
    Example:
        distance = (a - b).pow(2).sum(-1).sqrt()
        distance = ((a - b).pow(2).sum(-1) + 1e-12).sqrt()
    """

    code = "NN703"
    name = "nan-gradients"
    severity = Severity.ERROR
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.broken_tensors:
            return
        training, gradients = evidence.probes.backward()
        broken = _broken(gradients)
        if not broken or any(is_broken(tensor) for _, tensor in gradients.outputs or ()):
            return
        blamed = evidence.probes.blame(training=training)
        yield self._finding(evidence, broken, blamed, training)

    def _finding(
        self, evidence: Evidence, broken: list[str], blamed: Blame | None, training: bool
    ) -> Finding:
        more = f" and {len(broken) - 1} more parameters" if len(broken) > 1 else ""
        function = blamed.function if blamed is not None else ""
        cause = f"; the first NaN is out of the backward of {function}" if function else ""
        at = evidence.at_path(broken[0].rpartition(".")[0])
        return self.finding(
            f"The gradient of {broken[0]}{more} is NaN or infinite in"
            f" {'train' if training else 'eval'} mode, the outputs are finite{cause}.",
            why="One optimizer step makes the weights NaN, and everything after it.",
            change="Keep what sqrt, norm, log and a division get there off 0: add 1e-12, or"
            " clamp(min=1e-12).",
            at=blamed_line(evidence, blamed, at),
        )


def _broken(gradients: Gradients) -> list[str]:
    return [
        name
        for name, gradient in gradients.of.items()
        if gradient is not None and not bool(gradient.isfinite().all())
    ]


def blamed_line(evidence: Evidence, blamed: Blame | None, otherwise: Place) -> Place:
    """The user's own line among those that autograd blames, the innermost."""
    for file, line in reversed(blamed.frames if blamed is not None else ()):
        if evidence.source.is_own(file):
            return Place(otherwise.path, file, line)
    return otherwise
