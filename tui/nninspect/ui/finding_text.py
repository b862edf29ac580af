"""What the doctor found as lines and paragraphs: one line in a list, all of it beside."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.text import findings as text
from nninspect.text.plain import plain
from nninspect.ui.spans import Paragraph, Span, code_line, paragraph

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
STYLES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.INFO: "dim"}


def title(finding: Finding) -> tuple[Span, ...]:
    """One line: how grave, which rule, and where."""
    style = STYLES[finding.severity]
    return (
        Span(f"{MARKS[finding.severity]} ", style),
        Span(f"{finding.code} ", "strong"),
        Span(f"{finding.name}  ", style),
        Span(plain(finding.path) or "model"),
        Span(f"  {_short(finding)}", "dim"),
    )


def _short(finding: Finding) -> str:
    """ "net.py:12"; "" where the line is not known."""
    name = finding.file.rpartition("/")[2]
    return f"{plain(name)}:{finding.line}" if finding.line else ""


def about(finding: Finding, leads: bool = False) -> Iterator[Paragraph]:
    """All of a finding: what was seen, why it matters, and the change as code; a link to its rule,
    and to the layers that it is on and about where that `leads` somewhere."""
    mark, _, name = title(finding)[:3]
    yield Paragraph((mark, _rule(finding), Span(" "), name))
    to_layer = "link", _go(finding.path)
    place = Span(_place(finding), *(to_layer if leads else ()))
    yield Paragraph((Span("at ", "dim"), place), hang=3)
    yield Paragraph()
    yield paragraph(plain(finding.seen))
    if finding.why:
        yield Paragraph()
        yield paragraph(plain(finding.why), "dim")
    if finding.change:
        yield Paragraph()
        yield paragraph("instead", "dim")
        for line in finding.change.splitlines():
            yield code_line("  ", (Span(plain(line), "good"),))
    if finding.related:
        yield Paragraph()
        yield Paragraph((Span("about ", "dim"), *_related(finding, leads)), hang=6)


def _rule(finding: Finding) -> Span:
    """The code, which leads to what the rule finds and why."""
    return Span(finding.code, "link", f"app.rule({finding.code!r})")


def _go(path: str) -> str:
    return f"screen.go({path!r})"


def _related(finding: Finding, leads: bool) -> Iterator[Span]:
    for number, path in enumerate(finding.related):
        if number:
            yield Span(", ")
        yield Span(plain(path) or "model", *(("link", _go(path)) if leads else ()))


def _place(finding: Finding) -> str:
    """Its place, a file elsewhere by its folder and name alone."""
    said = text.place(finding)
    if not said.startswith("/"):
        return said
    return f"…/{'/'.join(said.split('/')[-2:])}"


def in_brief(finding: Finding) -> Iterator[Paragraph]:
    """A finding where its place is known: what was seen, and the change as code."""
    mark, _, name = title(finding)[:3]
    yield Paragraph((mark, _rule(finding), Span(" "), name))
    yield Paragraph((Span("  "), Span(plain(finding.seen))), hang=2)
    for line in finding.change.splitlines():
        yield code_line("  ", (Span(plain(line), "good"),))
    if finding.related:
        yield Paragraph((Span("  about ", "dim"), *_related(finding, leads=True)), hang=8)


def headline(result: CheckResult) -> tuple[Span, ...]:
    """The counts, and with what the check was made."""
    worst = result.worst
    style = "good" if worst is None else STYLES[worst]
    return (
        Span(f"{text.summary(result)}  ", style),
        Span(text.conditions(result), "dim"),
    )


def not_checked(result: CheckResult) -> Iterator[Paragraph]:
    """The rules that did not look, and why."""
    for line in text.skipped(result):
        yield paragraph(line, "dim")


def gravest_by_path(findings: tuple[Finding, ...]) -> dict[str, str]:
    """How grave the findings on each row of the tree are, at most, in a word."""
    return {finding.path: finding.severity.word for finding in sorted(findings, key=_gravity)}


def _gravity(finding: Finding) -> Severity:
    return finding.severity
