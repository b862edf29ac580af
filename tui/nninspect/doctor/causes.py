"""What a build or a forward failed of: the first rule, by code, that recognises it."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator

from nninspect.doctor.catalog import all_rules
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.protocol.findings import Finding

_MISSING = re.compile(r"'(\w+)' object has no attribute '(\w+)'")


class FailureRule(Rule):
    """A rule that can say why a build or a forward failed."""

    @abstractmethod
    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        """The finding, where it is this mistake that the failure came of."""

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for failure in failures(evidence):
            if not any(rule.explain(evidence, failure) for rule in _before(type(self))):
                found = self.explain(evidence, failure)
                if found is not None:
                    yield found


def failures(evidence: Evidence) -> list[Failure]:
    """What failed of the build and the forward."""
    both = (evidence.build_failure, evidence.forward_failure)
    return [failure for failure in both if failure is not None]


def explained(evidence: Evidence, failure: Failure) -> bool:
    """Whether some rule knows what a failure came of."""
    return any(rule.explain(evidence, failure) for rule in _rules())


def said(failure: Failure) -> str:
    """The text of the exception; "" where there is none."""
    try:
        return "" if failure.error is None else str(failure.error)
    except Exception:  # the user's own exception, with a broken __str__
        return ""


def missing_attribute(failure: Failure) -> tuple[str, str]:
    """The class and the attribute that an AttributeError tells of; "" for both where none."""
    is_it = isinstance(failure.error, AttributeError)
    match = _MISSING.search(said(failure)) if is_it else None
    return (match[1], match[2]) if match else ("", "")


def place_of(evidence: Evidence, failure: Failure) -> Place:
    """The module whose forward failed, and the user's innermost line."""
    is_forward = failure is evidence.forward_failure
    path = failure.problem.where if is_forward else ""
    for file, line, _ in evidence.source.frames(failure.error):
        return Place(path, file.path, line)
    return Place(path)


def line_text(evidence: Evidence, place: Place) -> str:
    """The user's line at a place, without its indentation and comment."""
    file = evidence.source.file(place.file)
    return file.line(place.line).partition("  #")[0].strip() if file is not None else ""


def _rules() -> list[FailureRule]:
    return [kind() for kind in all_rules() if issubclass(kind, FailureRule)]


def _before(kind: type[FailureRule]) -> list[FailureRule]:
    return [rule for rule in _rules() if rule.code < kind.code]
