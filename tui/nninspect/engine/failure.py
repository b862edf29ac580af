"""A forward that raised, as a problem: where, what it got, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.failures.devices import is_out_of_memory
from nninspect.engine.failures.facts import Facts, Step
from nninspect.engine.failures.lookups import embedding
from nninspect.engine.failures.suggest import is_of_the_code, suggestion
from nninspect.engine.flight import Ended
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.structure import Node
from nninspect.protocol.records import Problem
from nninspect.text.shapes import tensors

__all__ = ["forward_failure", "is_out_of_memory"]


class ForwardFailure(NamedTuple):
    """A forward that raised, or that ended the process."""

    problem: Problem
    failed: Call | None
    """The innermost failed call that stands in the tree, whose path is the problem's `where`."""
    is_of_the_code: bool = False
    """No other input would mend it."""


def forward_failure(
    error: BaseException,
    recorder: CallRecorder,
    nodes: Sequence[Node],
    earlier: Sequence[Step] | None = None,
    op: Step | None = None,
) -> ForwardFailure:
    """What went wrong, where, and what to change.

    `earlier` is what had ended, functional calls included; else the recorder's module calls.
    `op` is the functional call that raised, where it is known.
    """
    if isinstance(error, Ended):
        return _ended(error, recorder, nodes, earlier, op)
    paths, failed = _place(recorder, nodes)
    line = user_line(error)
    facts = _facts(error, recorder, nodes, earlier, op, line)
    problem = Problem(
        kind="ForwardFailed",
        message=f"{described(error)} ({line})" if line else described(error),
        hint=_hint(facts, failed),
        where=paths[id(failed.module)] if failed else "",
        details=user_traceback(error),
    )
    return ForwardFailure(problem, failed, is_of_the_code(facts))


def _ended(
    error: Ended,
    recorder: CallRecorder,
    nodes: Sequence[Node],
    earlier: Sequence[Step] | None,
    op: Step | None,
) -> ForwardFailure:
    """What the process died of, at the call that it died in."""
    death = error.death
    paths, failed = _place(recorder, nodes)
    place = f"after {line}" if (line := user_line(error)) and error.is_after else line
    said = embedding(_facts(error, recorder, nodes, earlier, op, line))  # a GPU says no more
    problem = Problem(
        kind=death.kind,
        message=f"{death.message} ({place})" if place else death.message,
        hint=said or death.hint,
        where=paths[id(failed.module)] if failed else "",
        details=death.details or user_traceback(error),
    )
    return ForwardFailure(problem, failed)


def _place(recorder: CallRecorder, nodes: Sequence[Node]) -> tuple[dict[int, str], Call | None]:
    """The paths of modules by their id, and the innermost failed call that stands in the tree."""
    paths = {id(node.module): node.path for node in reversed(nodes)}
    chain = recorder.enclosing(recorder.failed) if recorder.failed else []
    return paths, next((call for call in chain if id(call.module) in paths), None)


def _facts(
    error: BaseException,
    recorder: CallRecorder,
    nodes: Sequence[Node],
    earlier: Sequence[Step] | None,
    op: Step | None,
    line: str,
) -> Facts:
    names = {id(node.module): _name(node) for node in reversed(nodes)}
    call = recorder.failed or Call(nodes[0].module, ())
    ended = recorder.calls if earlier is None else earlier
    return Facts(
        error=error,
        module=call.module,
        name=names.get(id(call.module), f"A {type(call.module).__name__} outside of the tree"),
        inputs=call.inputs,
        earlier=[step for step in ended if step.outputs is not None],
        names=names,
        op=op,
        line=line.partition(": ")[2],
    )


def _name(node: Node) -> str:
    kind = type(node.module).__name__
    return f"{node.path} ({kind})" if node.path else kind


def _hint(facts: Facts, failed: Call | None) -> str:
    if said := suggestion(facts):
        return said
    if failed is None:
        return "Mend the line above and reload."
    name = facts.names[id(failed.module)]
    return (
        f"{name} got {tensors(failed.inputs)}. Mend the line above, or feed it something else "
        "with --input."
    )
