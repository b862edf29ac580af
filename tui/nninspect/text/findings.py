"""What the doctor found, as text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from textwrap import wrap

from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.text.plain import plain
from nninspect.text.units import seconds

WIDTH = 96
MAX_CODES = 9
"""Of one reason: more are only counted; the JSON has them all."""


def summary(result: CheckResult) -> str:
    """ "2 errors, 1 warning", "nothing to mend"."""
    counts = [
        f"{count} {severity.word}{'s' * (count != 1 and severity is not Severity.INFO)}"
        for severity in sorted(Severity, reverse=True)
        if (count := result.count(severity))
    ]
    return ", ".join(counts) or "nothing to mend"


def place(finding: Finding) -> str:
    """ "net.py:12 fc1"; what is not known is left out, the root is "model"."""
    file = f"{short_file(finding.file)}:{finding.line}" if finding.file and finding.line else ""
    return f"{file} {plain(finding.path) or 'model'}".strip()


def short_file(file: str) -> str:
    """From the working directory where it is below, else as it is."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


def block(finding: Finding, width: int = WIDTH) -> Iterator[str]:
    """One finding: what, where, why, and the change."""
    yield f"{finding.severity.word} {finding.code} {finding.name}  {place(finding)}"
    for text in (finding.seen, finding.why):
        yield from (f"  {line}" for line in wrap(plain(text), width - 2))
    for line in finding.change.splitlines():
        yield f"    {plain(line)}"


def report(result: CheckResult, width: int = WIDTH) -> Iterator[str]:
    """All findings, the gravest first, and what could not be looked at."""
    for finding in result.findings:
        yield from block(finding, width)
        yield ""
    yield f"{plain(result.title) or result.setup.target}: {summary(result)} ({conditions(result)})"
    yield from skipped(result)


def conditions(result: CheckResult) -> str:
    """ "31 rules, loss cross_entropy, 0.4 s"."""
    where = f" ({plain(result.loss_from)})" if result.loss_from else ""
    parts = [f"{result.ran} rules", f"loss {result.loss or 'not known'}{where}"]
    if result.task:
        parts.append(result.task)
    if result.suppressed:
        parts.append(f"{result.suppressed} suppressed")
    return ", ".join([*parts, seconds(result.seconds)])


def skipped(result: CheckResult) -> Iterator[str]:
    """The rules that did not look, those of one reason together."""
    reasons = dict.fromkeys(rule.reason for rule in result.skipped)
    for reason in reasons:
        codes = [rule.code for rule in result.skipped if rule.reason == reason]
        shown = f"{len(codes)} rules" if len(codes) > MAX_CODES else ", ".join(codes)
        yield f"not checked: {shown} ({plain(reason)})"
