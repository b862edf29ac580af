"""What a rule is: a code, a reason, one question asked of the evidence."""

from __future__ import annotations

import enum
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from nninspect.doctor.place import NOWHERE, Place
from nninspect.protocol.findings import Finding, Severity

if TYPE_CHECKING:
    from nninspect.doctor.evidence import Evidence


class Need(enum.Enum):
    """What a rule can't do without. The runner skips it, and says so, where it is missing."""

    STRUCTURE = "structure"
    """A model was built."""
    TRACE = "trace"
    """One forward was recorded, and finished."""
    FORWARD = "forward"
    """Forwards of random batches, on a copy."""
    BACKWARD = "backward"
    """The same with gradients."""
    SOURCE = "source"
    """A model was built, and the user's own source of it was found."""
    LOSS = "loss"
    """The loss is known."""
    SWEEP = "sweep"
    """A benchmark over batch sizes was given."""


PROBING = (Need.FORWARD, Need.BACKWARD)
"""What takes more runs of the model than the one that is recorded."""


class Rule(ABC):
    """One mistake to look for.

    Its docstring is its documentation, in fixed sections: see `manual`. A rule is made once a
    check, and holds nothing between two.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    """The usual one; a finding may have another."""
    needs: ClassVar[frozenset[Need]] = frozenset()

    @abstractmethod
    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Everything it finds. Whatever it raises is reported as a rule that did not run."""

    def finding(
        self,
        seen: str,
        *,
        why: str = "",
        change: str = "",
        at: Place = NOWHERE,
        severity: Severity | None = None,
        related: tuple[str, ...] = (),
    ) -> Finding:
        """A finding of this rule; the arguments as in `Finding`."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity if severity is None else severity,
            seen=seen,
            why=why,
            change=indexed(change),
            path=at.path,
            file=at.file,
            line=at.line,
            related=related,
        )


_ATTRIBUTES = re.compile(r"\bself((?:\.\w+)+)")


def indexed(code: str) -> str:
    """Code with module paths as Python has them: `self.layers.3` is `self.layers[3]`."""

    def written(found: re.Match[str]) -> str:
        parts = found[1].split(".")[1:]
        return "self" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)

    return _ATTRIBUTES.sub(written, code)
