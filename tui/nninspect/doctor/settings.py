"""`[tool.nninspect]` of the project that a target belongs to."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from nninspect.errors import BadSetting
from nninspect.protocol.findings import CheckPlan, is_training_file, loss_named, task_named

FILE = "pyproject.toml"


class ProjectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project may set: codes or their beginnings, the loss and the task. The loss may be the
    file in which the model is trained, from the project's folder."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    loss: str = ""
    task: str = ""


def project_settings(folder: Path) -> ProjectSettings:
    """Those of the nearest pyproject.toml at or above a folder that has the table.

    Raises BadSetting where the table says something that is not a setting.
    """
    for place in (folder, *folder.parents):
        file = place / FILE
        table = _table(file) if file.is_file() else None
        if table is not None:
            return _settings(table, file)
    return ProjectSettings()


def with_project(plan: CheckPlan, project: ProjectSettings) -> CheckPlan:
    """A plan, with the project's word wherever the plan has none; ignored codes add up."""
    return msgspec.structs.replace(
        plan,
        select=plan.select or project.select,
        ignore=(*plan.ignore, *project.ignore),
        loss=plan.loss or loss_named(project.loss) or project.loss,
        task=plan.task or task_named(project.task) or "",
    )


def _table(file: Path) -> Any:
    try:
        return tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("nninspect")
    except (OSError, ValueError, AttributeError) as error:
        raise BadSetting(f"{file} can't be read: {error}", "Mend it, or move the model.") from None


def _settings(table: Any, file: Path) -> ProjectSettings:
    try:
        settings = msgspec.convert(table, ProjectSettings)
    except msgspec.ValidationError as error:
        raise BadSetting(
            f"[tool.nninspect] of {file} can't be used: {error}",
            "It takes select, ignore, loss and task.",
        ) from None
    if is_training_file(settings.loss):
        settings = msgspec.structs.replace(settings, loss=str(file.parent / settings.loss))
    elif settings.loss and loss_named(settings.loss) is None:
        raise BadSetting(f"{file}: {settings.loss!r} is not a loss", "See nninspect check --help.")
    if settings.task and task_named(settings.task) is None:
        raise BadSetting(f"{file}: {settings.task!r} is not a task", "See nninspect check --help.")
    return settings
