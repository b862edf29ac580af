"""A check for other tools: SARIF, GitHub's annotations, a pre-commit hook and a workflow."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from nninspect.cli.as_sarif import sarif
from nninspect.doctor.manual import pages
from nninspect.protocol.findings import CheckResult, Finding, Severity, SkippedRule
from nninspect.protocol.records import Setup

ROOT = Path(__file__).parents[2]


def _run(result: CheckResult) -> dict[str, Any]:
    log = sarif(result, pages())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def _result(*findings: Finding, target: str = "resnet-small") -> CheckResult:
    return CheckResult(
        setup=Setup(target=target),
        title="Net",
        findings=findings,
        skipped=(SkippedRule(code="NN708", reason="it takes too long"),),
    )


FOUND = Finding(
    code="NN201", name="affine-pair", severity=Severity.WARNING, seen="Two in a row.", path="fc.1"
)


def test_every_result_refers_to_a_rule_of_the_run_by_its_index() -> None:
    run = _run(_result(FOUND))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "NN201"
    assert result["level"] == "warning"


def test_a_finding_has_the_line_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finding = Finding(
        code="NN501",
        name="python-list",
        severity=Severity.ERROR,
        seen="A list.",
        file=str(tmp_path / "src" / "net.py"),
        line=7,
    )
    (location,) = _run(_result(finding))["results"][0]["locations"]
    physical = location["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "src/net.py"}, "region": {"startLine": 7}}


def test_a_finding_without_a_line_stands_on_the_targets_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").touch()
    (location,) = _run(_result(FOUND, target="net.py:Net"))["results"][0]["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "net.py"}}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "fc.1"


def test_what_did_not_look_is_in_the_log() -> None:
    (note,) = _run(_result())["invocations"][0]["toolConfigurationNotifications"]
    assert "NN708" in note["message"]["text"]


def test_the_commands_formats_agree_on_what_was_found(nninspect: Any) -> None:
    check = ("check", "broken-linear-stack", "--select", "NN202")
    as_json = nninspect(*check, "--json")
    as_sarif = nninspect(*check, "--format", "sarif")
    on_github = nninspect(*check, "--format", "github")
    assert as_json.code == as_sarif.code == on_github.code == 1
    codes = [found["code"] for found in as_json.json["findings"]]
    assert codes == [each["ruleId"] for each in as_sarif.json["runs"][0]["results"]]
    assert [line.split("title=")[1][:5] for line in on_github.out.splitlines()[:-1]] == codes


def test_the_hook_runs_the_command_that_there_is(nninspect: Any) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = shlex.split(hook["entry"])
    assert program == "nninspect"
    done = nninspect(*arguments, "mlp-module", "--select", "NN202")
    assert (done.code, done.err) == (0, "")
    assert hook["pass_filenames"] is False


def test_the_workflow_checks_as_it_stands_in_the_docs(nninspect: Any) -> None:
    workflow = yaml.safe_load((ROOT / "docs" / "ci" / "github.yml").read_text())
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    program, *arguments = shlex.split(commands[-1])
    assert program == "nninspect"
    done = nninspect(*arguments)
    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1].startswith("Classifier: ")
