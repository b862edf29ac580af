"""What an install brings: the wheel's contents, its requirements and its entry points."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def sources(root: str, package: str) -> set[str]:
    """The files of a package that belong in a wheel, as paths within it."""
    folder = ROOT / root / package
    return {
        str(Path(package, file.relative_to(folder)))
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_has_every_file_of_both_packages_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packaged == sources("tui", "nninspect") | sources("models", "nninspect_models")
    assert any(name.endswith(".tcss") for name in packaged)


@pytest.mark.parametrize(
    ("root", "package"), [("tui", "nninspect"), ("models", "nninspect_models")]
)
def test_a_source_root_holds_one_package_and_no_stray_file(root: str, package: str) -> None:
    assert [p.name for p in (ROOT / root).iterdir() if p.name != "__pycache__"] == [package]


def test_an_installed_torch_is_taken_as_it_is(wheel: zipfile.ZipFile) -> None:
    """pip replaces what does not satisfy a requirement; only a lower bound may stand there."""
    metadata = Parser().parsestr(read(wheel, "METADATA"))
    requirements = metadata.get_all("Requires-Dist") or []
    assert [r for r in requirements if r.startswith("torch") and "info" not in r] == ["torch>=2.6"]
    assert not [r for r in requirements if "==" in r.split(";")[0]]


def test_the_command_and_the_collection_are_entry_points(wheel: zipfile.ZipFile) -> None:
    text = read(wheel, "entry_points.txt")
    assert "nninspect = nninspect.cli.main:main" in text
    assert "bundled = nninspect_models.catalog:CARDS" in text


def read(wheel: zipfile.ZipFile, name: str) -> str:
    path = next(path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_every_requirement_is_pinned_in_the_constraints() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {requirement.split(">")[0].split("=")[0].strip() for requirement in wanted}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if "==" in line}
    assert names <= pinned
