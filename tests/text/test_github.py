"""GitHub's commands: one line a finding, on its line, with nothing in it read as a command."""

from __future__ import annotations

from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.protocol.records import Setup
from nninspect.text.github import annotate


def _lines(*findings: Finding) -> list[str]:
    return list(annotate(CheckResult(setup=Setup(target="net"), title="Net", findings=findings)))


def test_a_finding_stands_on_its_line_with_what_to_change() -> None:
    finding = Finding(
        code="NN203",
        name="sigmoid-hidden",
        severity=Severity.WARNING,
        seen="3 sigmoids.",
        why="They vanish.",
        change="x = F.relu(x)",
        path="act",
        file="src/net.py",
        line=12,
    )
    assert _lines(finding)[0] == (
        "::warning file=src/net.py,line=12,title=NN203 sigmoid-hidden"
        "::3 sigmoids.%0AThey vanish.%0Ax = F.relu(x)"
    )


def test_without_a_line_the_module_is_named() -> None:
    finding = Finding(
        code="NN701", name="bad-weights", severity=Severity.ERROR, seen="NaN.", path="fc"
    )
    assert _lines(finding)[0] == "::error title=NN701 bad-weights::fc: NaN."


def test_text_never_ends_a_command_or_begins_another() -> None:
    finding = Finding(
        code="NN1",
        name="a,b:c",
        severity=Severity.INFO,
        seen="100 %\n::error::planted\r\x1b[2J",
        file="x:y,z.py",
        line=1,
    )
    (line, summary) = _lines(finding)
    assert line.startswith("::notice file=x%3Ay%2Cz.py,line=1,title=NN1 a%2Cb%3Ac::100 %25%0A")
    assert "\x1b" not in line
    assert summary == "Net: 1 info"
