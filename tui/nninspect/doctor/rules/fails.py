"""NN600: a build or a forward that fails for a reason no other rule knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.causes import explained, failures, line_text, place_of
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.doctor.rules.batch_of_one import is_of_one_value
from nninspect.doctor.rules.shapes_do_not_meet import input_may_be_at_fault
from nninspect.doctor.written import gives_back
from nninspect.engine.blame import described
from nninspect.protocol.findings import Finding, Severity

_NEVER_THE_INPUTS_FAULT = (NameError, SyntaxError, ImportError, NotImplementedError)


class Fails(Rule):
    """The model can't be built, or its forward fails.

    What it flags: any failure that no other rule explains, and a forward that returns nothing; a
        warning where the recorded forward
        works and another run ends the process, or never ends. An info where nobody said what the
        input is and the guess may be at fault.
    Why: nothing can be said of a forward that does not run, and nothing can be trained.
    Instead: mend the line that is named; where the input is at fault, say what the model takes
        with `--input`.
    Example:
        x = x.reshpae(4, -1)
        x = x.reshape(4, -1)
    """

    code = "NN600"
    name = "fails"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for failure in failures(evidence):
            if not explained(evidence, failure) and not is_of_one_value(failure):
                yield self._finding(evidence, failure)

        yield from self._nothing(evidence)
        if evidence.plan.died and not failures(evidence):
            yield self.finding(
                f"{_capital(evidence.plan.died[0])} in a probe, after a forward that works: at"
                " another batch size, in train mode, or in the backward.",
                why="Training it is likely to end in the same way.",
                change="python -X faulthandler train.py  # says where",
                at=evidence.at_forward(),
                severity=Severity.WARNING,
            )

    def _nothing(self, evidence: Evidence) -> Iterator[Finding]:
        """A forward that comes to its end and gives None."""
        calls = evidence.recorded.calls if evidence.recorded is not None else []
        if evidence.forward_failure is not None or not calls or calls[0].outputs != ():
            return
        for method in evidence.forward_code():
            if (method.path, method.name) == ("", "forward") and not gives_back(method.node):
                yield self.finding(
                    f"forward of {method.owner} returns nothing.",
                    why="The loss gets None, and raises.",
                    change=f"return {_last_name(method.node)}  # at its end",
                    at=Place("", method.file.path, method.node.lineno),
                )

    def _finding(self, evidence: Evidence, failure: Failure) -> Finding:
        is_build = failure is evidence.build_failure
        is_guess = not is_build and _is_guess(evidence, failure)
        place = place_of(evidence, failure)
        line = line_text(evidence, place)
        error = failure.error
        what = described(error) if error is not None else failure.problem.message
        guess = f" The input was {evidence.inputs_from}." if is_guess else ""
        return self.finding(
            f"{'The build' if is_build else 'The forward'} fails"
            f"{f' at `{line}`' if line else ''}: {what}.{guess}",
            why="Nothing that comes after this line runs.",
            change=failure.problem.hint,
            at=place,
            severity=Severity.INFO if is_guess else None,
        )


def _is_guess(evidence: Evidence, failure: Failure) -> bool:
    if isinstance(failure.error, _NEVER_THE_INPUTS_FAULT):
        return False
    return input_may_be_at_fault(evidence)


def _last_name(method: ast.FunctionDef) -> str:
    """What the last statement sets."""
    last = method.body[-1]
    target = last.targets[0] if isinstance(last, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else "x"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
