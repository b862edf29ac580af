"""One check of a target: gather the evidence, ask the rules."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import torch

from nninspect.doctor.catalog import chosen
from nninspect.doctor.cost import cost_of
from nninspect.doctor.deadline import Deadline
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.notebook import NOTEBOOK, Notebook, read_notebook
from nninspect.doctor.observer import NotesTaker
from nninspect.doctor.probes import Probes
from nninspect.doctor.rule import PROBING, Need
from nninspect.doctor.runner import run_rules
from nninspect.doctor.settings import project_settings, with_project
from nninspect.doctor.source import Source, SourceFile
from nninspect.doctor.structure import Structure
from nninspect.doctor.trace import Trace
from nninspect.doctor.training_calls import loss_of_model
from nninspect.doctor.training_code import code_in, loss_of
from nninspect.engine.blame import let_go
from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.devices import device_named
from nninspect.engine.flight import Flight
from nninspect.engine.forward import nodes_as_called, record_forward
from nninspect.engine.load import Loaded
from nninspect.engine.session import Session
from nninspect.engine.target import FileTarget, ModuleTarget, parse_target
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.errors import BadInput, ModelError
from nninspect.plugin import ModelCard
from nninspect.protocol.findings import CheckPlan, CheckResult, is_training_file, worst_first
from nninspect.protocol.records import Problem, Setup, batch_of

Report: TypeAlias = Callable[[str, float | None], None]


def check(session: Session, setup: Setup, plan: CheckPlan, report: Report) -> CheckResult:
    """Everything the rules have to say of what the setup names. The session's model stays as
    it is; one that can't be built, or whose forward fails, gives findings as well.

    Raises a UsageError where the target can't be opened at all; and the ModelError of a build
    that fails for a reason that no rule knows.
    """
    started = time.perf_counter()
    evidence = gather(session, setup, plan, report)
    outcome = run_rules(chosen(evidence.plan.select, evidence.plan.ignore), evidence, report)
    if evidence.build_failure is not None and not outcome.findings and not outcome.suppressed:
        raise evidence.build_failure.problem.error()
    if evidence.forward_failure is not None:
        let_go(evidence.forward_failure.error)
    return CheckResult(
        setup=setup,
        title="" if evidence.built is None else type(evidence.built.model).__name__,
        findings=worst_first(outcome.findings),
        suppressed=outcome.suppressed,
        ran=outcome.ran,
        skipped=tuple(outcome.skipped),
        loss=evidence.loss,
        loss_from=evidence.loss_from,
        task=evidence.task,
        inputs_from=evidence.inputs_from,
        seconds=time.perf_counter() - started,
    )


def gather(session: Session, setup: Setup, plan: CheckPlan, report: Report) -> Evidence:
    """The evidence on a target, as far as it can be had."""
    if setup.target.endswith(NOTEBOOK):
        return _of_notebook(setup, plan)
    parsed = parse_target(setup.target)
    card = parsed if isinstance(parsed, ModelCard) else None
    file = _file_of(parsed)
    folders = [file.parent] if card is not None and file is not None else []
    plan = with_project(plan, project_settings(file.parent if file else Path.cwd()))
    source = Source(file, folders)
    name = "" if card or parsed is None else getattr(parsed, "attribute", "")
    loss, loss_from = _loss(plan, card, source, name)
    bare = Evidence(
        setup=setup,
        plan=plan,
        deadline=Deadline(plan.seconds),
        source=source,
        loss=loss,
        loss_from=loss_from,
        training_code=_training_code(plan, source),
        task=plan.task or (card.task if card else ""),
        notebook=_beside(file),
    )
    device = device_named(setup.device)
    try:
        loaded = session.loaded(setup, reload=plan.reload, progress=report)
    except ModelError as error:
        return replace(bare, build_failure=Failure(Problem.of(error), error.__cause__))
    if loaded.kept_on_meta:
        device = torch.device("meta")
    session.move(device, report)
    return of_model(bare, loaded, device, report)


def _loss(plan: CheckPlan, card: ModelCard | None, source: Source, name: str) -> tuple[str, str]:
    """What it is trained with, and where that was read, if it was: in the file that was pointed
    to, or in the target's own, where the model of that name is given to one loss."""
    if is_training_file(plan.loss):
        return loss_of(Path(plan.loss))
    if plan.loss or card or source.target is None:
        return plan.loss or (card.loss if card else ""), ""
    return loss_of_model(source.target, name)


def _training_code(plan: CheckPlan, source: Source) -> tuple[SourceFile, ...]:
    """The target's own file, and the one that was pointed to for the loss."""
    pointed = code_in(Path(plan.loss)) if is_training_file(plan.loss) else ()
    own = () if source.target is None else (source.target,)
    return tuple({file.path: file for file in (*own, *pointed)}.values())


def of_model(bare: Evidence, loaded: Loaded, device: torch.device, report: Report) -> Evidence:
    model, died = loaded.model, bare.plan.died
    if len(died) > 1:
        why_not = dict.fromkeys((Need.TRACE, *PROBING), f"no forward was run: {died[-1]} in one")
        end = Failure(Problem.of(ModelError(f"{died[-1]} in the forward")))
        return replace(bare, built=Structure(model), why_not=why_not, forward_failure=end)
    taker = NotesTaker(bare.source)
    with unchanged(model) as before:
        set_mode(model, bare.setup.training)
        try:
            inputs, inputs_from = choose_inputs(loaded, bare.setup, device, report, before=before)
        except BadInput as error:
            if bare.setup.inputs:
                raise
            reason = f"no forward was run: {error.message}"
            return replace(bare, built=Structure(model), why_not={Need.TRACE: reason})
        report("running one forward", None)
        forward = record_forward(model, inputs, device, Flight(), taker)
    structure = Structure(model, nodes_as_called(model, forward.recorder))
    cost = cost_of(forward, batch_of(inputs))
    failure = Failure(forward.failure, forward.error) if forward.failure else None
    return replace(
        bare,
        built=structure,
        recorded=Trace(forward, taker, structure),
        forward_failure=failure,
        probing=Probes(model, inputs, device, bare.deadline, cost),
        why_not=dict.fromkeys(PROBING, f"{died[0]} while it was probed") if died else {},
        inputs_from=inputs_from,
    )


def _of_notebook(setup: Setup, plan: CheckPlan) -> Evidence:
    """By its source only: a notebook is nothing to import."""
    path = Path(setup.target)
    return Evidence(
        setup=setup,
        plan=with_project(plan, project_settings(path.resolve().parent)),
        deadline=Deadline(plan.seconds),
        source=Source(),
        notebook=read_notebook(path),
        why_not=dict.fromkeys(Need, "a notebook is read, not run"),
    )


def _beside(file: Path | None) -> Notebook | None:
    """The notebook of the same name in the same folder, as those kept in pairs have."""
    path = file.with_suffix(NOTEBOOK) if file is not None else None
    return read_notebook(path) if path is not None and path.is_file() else None


def _file_of(parsed: object) -> Path | None:
    """The file that a target's class or factory is in; None for a library's model."""
    if isinstance(parsed, FileTarget):
        return parsed.path.resolve()
    if isinstance(parsed, ModelCard):
        module = parsed.factory.partition(":")[0]
    elif isinstance(parsed, ModuleTarget):
        module = parsed.module
    else:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None
