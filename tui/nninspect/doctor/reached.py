"""Which parameters a gradient reaches."""

from __future__ import annotations

from nninspect.doctor.backward import Gradients
from nninspect.doctor.evidence import Evidence


def unreached(evidence: Evidence) -> list[str]:
    """Trainable parameters that have no gradient in any of the backwards that ran."""
    first = _gradients(evidence, 0, True)
    if first.error is None and all(gradient is not None for gradient in first.of.values()):
        return []
    probed = [first, _gradients(evidence, 1, True), _gradients(evidence, 0, False)]
    ran = [each for each in probed if each.error is None and each.of]
    if not ran or not all(each.has_path for each in probed):
        return []
    return [name for name in ran[0].of if all(each.of.get(name) is None for each in ran)]


def _gradients(evidence: Evidence, seed: int, training: bool) -> Gradients:
    return evidence.probes.gradients(seed=seed, training=training)
