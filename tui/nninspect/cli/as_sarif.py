"""A check as SARIF 2.1.0, for the tools that collect findings of many checkers.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from nninspect.doctor.manual import Page
from nninspect.protocol.findings import CheckResult, Finding, Severity
from nninspect.text.findings import short_file

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(result: CheckResult, pages: tuple[Page, ...]) -> dict[str, Any]:
    """One run: the rules that there are, what they found, and those that did not look."""
    order = {page.code: number for number, page in enumerate(pages)}
    driver = {
        "name": "nninspect",
        "version": version("nninspect"),
        "rules": [_rule(page) for page in pages],
    }
    run = {
        "tool": {"driver": driver},
        "results": [_result(finding, order, result) for finding in result.findings],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolConfigurationNotifications": [
                    {
                        "level": "note",
                        "message": {"text": f"{skipped.code} did not look: {skipped.reason}"},
                        "associatedRule": {"id": skipped.code},
                    }
                    for skipped in result.skipped
                ],
            }
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(page: Page) -> dict[str, Any]:
    return {
        "id": page.code,
        "name": page.name,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": page.flags},
        "help": {"text": f"{page.why}\n\nInstead: {page.instead}\n\n{page.example}"},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
        "properties": {"tags": [page.family]},
    }


def _result(finding: Finding, order: dict[str, int], result: CheckResult) -> dict[str, Any]:
    said = "\n".join(filter(None, (finding.seen, finding.why, finding.change)))
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": said},
        "locations": [_location(finding, result)],
    }
    return found | ({"ruleIndex": order[finding.code]} if finding.code in order else {})


def _location(finding: Finding, result: CheckResult) -> dict[str, Any]:
    """The line, else the target's file: what collects findings wants a file for each."""
    path = finding.path or result.title or "model"
    found: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": path, "kind": "module"}],
    }
    file = finding.file or _file_of(result.setup.target)
    if file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
        if finding.file and finding.line:
            physical["region"] = {"startLine": finding.line}
        found["physicalLocation"] = physical
    return found


def _file_of(target: str) -> str:
    file = target.partition(":")[0]
    return file if Path(file).is_file() else ""


def _uri(file: str) -> str:
    """Relative to the working directory where it is below, as the repository's root."""
    path = Path(short_file(file))
    return path.as_uri() if path.is_absolute() else path.as_posix()
