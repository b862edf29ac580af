"""Findings as GitHub's workflow commands, which show them on the lines of a pull request.

Source: docs.github.com, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.text.findings import short_file, summary
from nninspect.text.plain import plain

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def annotate(result: CheckResult) -> Iterator[str]:
    """A command a finding, the gravest first, and the counts as the last line of the log."""
    for finding in result.findings:
        yield _command(finding)
    yield f"{plain(result.title) or plain(result.setup.target)}: {summary(result)}"


def _command(finding: Finding) -> str:
    place = {"file": short_file(finding.file), "line": str(finding.line)} if finding.line else {}
    properties = {**place, "title": f"{finding.code} {finding.name}"}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    where = "" if finding.line else plain(finding.path)
    said = f"{where}: {finding.seen}" if where else finding.seen
    lines = [line for part in (said, finding.why, finding.change) for line in part.splitlines()]
    return f"::{_COMMANDS[finding.severity]} {written}::{'%0A'.join(map(_escaped, lines))}"


def _escaped(line: str) -> str:
    """What a command would otherwise read as its own escape."""
    return plain(line).replace("%", "%25")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
