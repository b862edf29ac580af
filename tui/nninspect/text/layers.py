"""A layer's figures and marks as they are written, in a table's cells and as a list of facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from nninspect.protocol.layers import CallShapes, Kind, LayerRow, Mark, Tensors
from nninspect.text import shapes, units
from nninspect.text.plain import plain

NOT_CALLED = "not called"
FAILED = "✗ failed"
OP = "ƒ"
"""What stands before the name of an op."""

MARK_WORDS = {
    Mark.SHARED: "shared",
    Mark.TIED: "tied",
    Mark.FROZEN: "frozen",
    Mark.DIFFERS: "≠ torchinfo",
    Mark.CYCLE: "cycle",
    Mark.CHANGED: "Δ changed",
}
"""The marks that stand beside a layer's type; `FAILED` and `UNCALLED` stand as its output."""

MARK_SENTENCES = {
    Mark.FAILED: "the forward raised in it",
    Mark.UNCALLED: "the forward never called it",
    Mark.SHARED: "the same module stands at an earlier path; its parameters count there",
    Mark.TIED: "shares a parameter with another module; it counts once",
    Mark.FROZEN: "none of its parameters is trained",
    Mark.DIFFERS: "torchinfo says otherwise",
    Mark.CYCLE: "contains itself; the tree stops here",
    Mark.CHANGED: "changed since the last load: its shapes, parameters or arguments",
}


def mark_words(marks: int) -> str:
    """ "shared, tied"; "" where nothing is special."""
    return ", ".join(word for mark, word in MARK_WORDS.items() if marks & mark)


def marks_below(marks: int) -> str:
    """What a folded row says of marks that stand only below it."""
    words = {Mark.UNCALLED: NOT_CALLED, Mark.DIFFERS: MARK_WORDS[Mark.DIFFERS]}
    words |= {Mark.CHANGED: MARK_WORDS[Mark.CHANGED]}
    found = ", ".join(word for mark, word in words.items() if marks & mark)
    return found and f"{found} below"


def mark_sentences(marks: int) -> tuple[str, ...]:
    """Every mark, each a sentence."""
    return tuple(sentence for mark, sentence in MARK_SENTENCES.items() if marks & mark)


def figure(value: int | None) -> str:
    """A count with every digit; "–" for none, "?" for one that is not known."""
    return units.NONE if value == 0 else units.count(value)


def mult_adds(value: int | None) -> str:
    """Mult-adds with a unit; "–" for none, "?" for a figure that is not known."""
    return units.NONE if value == 0 else units.short_count(value)


def share(part: float, whole: float) -> str:
    """A share of the whole model; "–" for none."""
    return units.percent(part, whole) if part else units.NONE


def trainable(part: int, total: int) -> str:
    """Whether the parameters are trained: "yes", "no", "partly", "–" where there are none."""
    if not total:
        return units.NONE
    if not part:
        return "no"
    return "yes" if part == total else "partly"


def outcome(outputs: Tensors | None, marks: int) -> str:
    """What a call gave: its output shapes, or that it failed or never was."""
    if marks & Mark.FAILED:
        return FAILED
    return NOT_CALLED if marks & Mark.UNCALLED else briefly(outputs)


def given(inputs: Tensors | None, marks: int) -> str:
    """What a call got: its input shapes; "–" where it never was called."""
    return units.NONE if marks & Mark.UNCALLED else briefly(inputs)


def briefly(found: Tensors | None) -> str:
    """Shapes for a cell: "(1, 8) ×2" where all are alike, each with its key where they differ."""
    if found and len(found) > 1 and len({tensor.shape for tensor in found}) == 1:
        return f"{shapes.shape(found[0].shape)} ×{len(found)}"
    return shapes.tensors(found)


def run_name(names: Sequence[str]) -> str:
    """What stands for a run of siblings: "0…11 ×12"; "0,2…10 ×6" where others stand between."""
    first, second, last = names[0], names[1], names[-1]
    gap = f",{plain(second)}" if _has_gaps(names) else ""
    return f"{plain(first)}{gap}…{plain(last)} ×{len(names)}"


def _has_gaps(names: Sequence[str]) -> bool:
    """Whether names that are numbers do not follow each other, one way or the other."""
    if not all(name.isdecimal() for name in names):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(names)}
    return steps not in ({1}, {-1})


def summed(rows: Sequence[LayerRow]) -> LayerRow:
    """Rows that are alike as one: the first, with what all of them have together."""
    mult_adds = [row.mult_adds for row in rows if row.mult_adds is not None]
    return msgspec.structs.replace(
        rows[0],
        own_parameters=sum(row.own_parameters for row in rows),
        total_parameters=sum(row.total_parameters for row in rows),
        trainable_parameters=sum(row.trainable_parameters for row in rows),
        mult_adds=sum(mult_adds) if len(mult_adds) == len(rows) else None,
        output_bytes=sum(row.output_bytes for row in rows),
    )


def facts(row: LayerRow, whole: int) -> tuple[tuple[str, str], ...]:
    """What is known of a row, as (label, value); `whole` is the model's parameters.

    A value has a line for each of several tensors.
    """
    found = [
        ("line", row.source),
        ("calls", NOT_CALLED if row.marks & Mark.UNCALLED else figure(row.calls)),
        *_shapes(row),
        ("each call", "\n".join(_calls(row))),
        *(() if row.kind == Kind.OP else _parameters(row, whole)),
        ("mult-adds", units.count(row.mult_adds)),
        ("allocates", units.size(row.output_bytes) if row.output_bytes else ""),
        ("dtype", row.dtype),
        ("device", row.device),
    ]
    return tuple((label, _plain_lines(value)) for label, value in found if value)


def _calls(row: LayerRow) -> Iterator[str]:
    """Each different call; how many are not told of, where there were more than are kept."""
    yield from map(_call, row.different_calls)
    told = sum(call.times for call in row.different_calls)
    if row.different_calls and told < row.calls:
        yield f"and {figure(row.calls - told)} others"


def _call(call: CallShapes) -> str:
    """ "(1, 4) → (1, 2) ×3"."""
    outcome = FAILED if call.outputs is None else shapes.tensors(call.outputs)
    times = f" ×{call.times}" if call.times > 1 else ""
    return f"{shapes.tensors(call.inputs)} → {outcome}{times}"


def _plain_lines(text: str) -> str:
    return "\n".join(map(plain, text.split("\n")))


def _parameters(row: LayerRow, whole: int) -> tuple[tuple[str, str], ...]:
    return (
        ("params", _with_share(row, whole)),
        ("own", figure(row.own_parameters)),
        ("trainable", _trainable(row)),
    )


def _shapes(row: LayerRow) -> tuple[tuple[str, str], ...]:
    if row.marks & Mark.UNCALLED:
        return ()
    output = FAILED if row.marks & Mark.FAILED else _tensors(row.outputs)
    return ("input", _tensors(row.inputs)), ("output", output)


def _tensors(found: Tensors | None) -> str:
    if not found:
        return shapes.tensors(found)
    return "\n".join(f"{shapes.tensors((tensor,))} {tensor.dtype}" for tensor in found)


def _with_share(row: LayerRow, whole: int) -> str:
    total = row.total_parameters
    return f"{units.count(total)}  {share(total, whole)}" if total else units.NONE


def _trainable(row: LayerRow) -> str:
    word = trainable(row.trainable_parameters, row.total_parameters)
    return f"{word}: {units.count(row.trainable_parameters)}" if word == "partly" else word
