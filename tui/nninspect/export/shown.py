"""One view of a model, and the formats that it can be written in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nninspect import saving
from nninspect.errors import UsageError
from nninspect.export import as_json
from nninspect.export.as_svg import CHART, as_svg
from nninspect.export.bench_charts import charts
from nninspect.export.charts import Chart, draw
from nninspect.export.layers import Sight, everything, layer_table
from nninspect.export.table import Table, as_csv, as_markdown
from nninspect.export.tables import bench_table, finding_table, weight_table
from nninspect.history import files
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.findings import CheckResult
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import Inspection, Setup
from nninspect.protocol.weights import TensorStats

SUFFIXES = {"json": ".json", "csv": ".csv", "markdown": ".md", "svg": ".svg"}
"""Every format, and how its files end."""


@dataclass(frozen=True)
class Shown:
    """What a view shows; its table and its JSON are made when they are asked for."""

    view: str
    """ "layers", "bench", "doctor", "weights", "log"."""
    target: str
    table: Callable[[], Table]
    json: Callable[[], str]
    charts: Callable[[], Sequence[Chart]] = tuple
    """What of it is worth a chart; for the formats that people look at."""

    def text(self, form: str) -> str:
        """All of it in a format of `SUFFIXES`. Raises UsageError where a picture has no room."""
        match form:
            case "json":
                return self.json()
            case "csv":
                return as_csv(self.table())
            case "markdown":
                return as_markdown(self.table()) + "".join(map(_fenced, self.charts()))
            case _:
                return as_svg(self.table(), f"{self.target}, {self.view}", self.charts())

    def file_name(self, form: str) -> str:
        """What a file of it may be called: "resnet-small-layers.csv"."""
        name = re.sub(r"[^\w.-]+", "-", re.sub(r".*/|\.py\b", "", self.target)).strip("-.")
        return f"{name or 'model'}-{self.view}{SUFFIXES[form]}"


def _fenced(chart: Chart) -> str:
    """A chart as Markdown keeps it: characters of one width, each series told by its marker."""
    lines = draw(chart, *CHART, colour=False).plain.splitlines()
    return "\n".join(["", "```text", *map(str.rstrip, lines), "```", ""])


def form_of(path: str) -> str:
    """The format that a file's name ends like; "" where it is none of them."""
    suffix = Path(path).suffix.lower()
    return next((form for form, known in SUFFIXES.items() if suffix == known), "")


def save(shown: Shown, path: Path, form: str) -> None:
    """Write a view to a file, whole or not at all. Raises UsageError where it can't be written."""
    try:
        saving.save(path, shown.text(form).encode())
    except OSError as error:
        raise UsageError(
            f"can't write {path}: {error.strerror or error}",
            "Name a file in a folder that can be written",
        ) from error


def dumped(value: Any) -> str:
    """JSON as every command prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def layers(found: Inspection, sight: Sight | None = None) -> Shown:
    """The layers: all of them, or those in view."""
    return Shown(
        "layers",
        found.setup.target,
        lambda: layer_table(sight or everything(LayerTable(found.layers))),
        lambda: dumped(as_json.inspection(found, sight)),
    )


def bench(result: BenchResult) -> Shown:
    """A benchmark; its JSON is a saved run."""
    return Shown(
        "bench",
        result.setup.target,
        lambda: bench_table(result),
        lambda: files.encode(result).decode(),
        lambda: charts(result),
    )


def doctor(result: CheckResult) -> Shown:
    """What the doctor found."""
    return Shown(
        "doctor",
        result.setup.target,
        lambda: finding_table(result.findings),
        lambda: dumped(as_json.check(result)),
    )


def weights(setup: Setup, tensors: Sequence[TensorStats]) -> Shown:
    """Every tensor, in the order that they come."""
    return Shown(
        "weights",
        setup.target,
        lambda: weight_table(tensors),
        lambda: dumped(as_json.weights(setup, tensors)),
    )
