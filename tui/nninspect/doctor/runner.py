"""Asks every rule, whatever becomes of one of them, and keeps what the user wants to hear."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nninspect.doctor.deadline import Unavailable
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.engine.blame import described
from nninspect.protocol.findings import CHECKING, Finding, Severity, SkippedRule, replace

_IGNORE = re.compile(r"#\s*nninspect:\s*ignore(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
NUMERICS = "NN7"
"""A NaN is a NaN whoever wrote the layer: this family keeps its severity inside libraries."""


@dataclass
class Outcome:
    """What came of asking."""

    findings: list[Finding] = field(default_factory=list)
    suppressed: int = 0
    ran: int = 0
    skipped: list[SkippedRule] = field(default_factory=list)


def run_rules(
    rules: Sequence[type[Rule]], evidence: Evidence, report: Callable[[str, float | None], None]
) -> Outcome:
    """The findings of the rules that could look, and why the others could not."""
    outcome = Outcome()
    for place, kind in enumerate(rules):
        report(f"{CHECKING}{kind.name}", place / len(rules))
        reason = _reason_to_skip(kind, evidence)
        if not reason:
            try:
                found = list(dict.fromkeys(kind().check(evidence)))
            except Unavailable as why:
                reason = str(why)
            except Exception as error:  # a rule met a model it was not made for
                reason = f"the rule itself failed: {described(error)}"
        if reason:
            outcome.skipped.append(SkippedRule(code=kind.code, reason=reason))
        else:
            outcome.ran += 1
            _keep(found, evidence, outcome)
    return outcome


def _reason_to_skip(rule: type[Rule], evidence: Evidence) -> str:
    reasons = (evidence.missing(need) for need in Need if need in rule.needs)
    return next(filter(None, reasons), "")


def _keep(found: Sequence[Finding], evidence: Evidence, outcome: Outcome) -> None:
    for finding in found:
        if _is_suppressed(finding, evidence):
            outcome.suppressed += 1
        else:
            outcome.findings.append(_as_owned(finding, evidence))


def _is_suppressed(finding: Finding, evidence: Evidence) -> bool:
    file = evidence.source.file(finding.file) if finding.file else None
    said = _IGNORE.search(file.line(finding.line)) if file is not None else None
    if said is None:
        return False
    codes = [code.strip() for code in (said["codes"] or "").split(",") if code.strip()]
    return not codes or finding.code.startswith(tuple(codes))


def _as_owned(finding: Finding, evidence: Evidence) -> Finding:
    """What an installed library does is worth knowing, but nothing its user can mend."""
    if finding.code.startswith(NUMERICS) or finding.severity is Severity.INFO:
        return finding
    place = Place(finding.path, finding.file, finding.line)
    return finding if evidence.is_own(place) else replace(finding, Severity.INFO)
