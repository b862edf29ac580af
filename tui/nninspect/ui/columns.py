"""The tree table's columns: what each holds, how wide it is, and which ones fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nninspect.text import bars, layers
from nninspect.text.layer_cells import TITLES
from nninspect.ui.measures import Measure
from nninspect.ui.view import View

GAP = 2
INDENT = 2
MARKER = 2
"""Cells of "▾ " before a name."""

LEAST_MODULE = 22
"""The module column gives way to the essential ones down to this."""
LEAST_SHAPE = 14
"""A shape column that does not fit is cropped down to this before it is left out."""
WIDEST_SHAPE = 32
"""A shape column is cropped beyond this, unless every column is asked for in full."""


class Column(NamedTuple):
    """One column as it is drawn."""

    key: str
    width: int


ESSENTIAL = ("outputs", "params", "share", "inputs")
OPTIONAL = ("mult_adds", "bar", "trainable", "own", "calls", "dtype", "device")
"""Both in the order that they get room."""

RIGHT = frozenset({"params", "share", "own", "mult_adds", "calls"})
BAR = 9
SHARED = frozenset({"share", "bar"})
"""They show what the view measures."""
ARROWS = ("▾", "▴")
"""Before the title of the column that siblings are sorted by."""


def share_cell(key: str, measure: Measure, rows: Sequence[int]) -> str:
    """What rows have of a measure, as a figure or as a bar."""
    if key == "bar":
        return bars.bar(measure.share(rows), BAR)
    return layers.share(measure.of(rows), measure.whole)


def title_of(key: str, measure: Measure, view: View) -> str:
    """The title of a column, with the arrow of the order."""
    title = measure.title if key == "bar" else TITLES[key]
    return ARROWS[view.backwards] + title if key == view.sort else title


AS_IT_FITS = View()


def choose(wanted: Mapping[str, int], width: int, view: View = AS_IT_FITS) -> tuple[Column, ...]:
    """The columns for a width: all that fit, the module column last to be cropped.

    Those that were picked are all shown, and with `everything` all there are: what is wider than
    the room is panned through.
    """
    full = {key: max(wanted[key], len(title)) for key, title in TITLES.items()}
    if view.sort in full:
        full[view.sort] = max(full[view.sort], len(TITLES[view.sort]) + len(ARROWS[0]))
    if view.picked is not None:
        return _picked(view.picked, full, wanted["label"], width)
    if view.everything or sum(full.values()) + GAP * (len(full) - 1) <= width:
        return tuple(Column(key, full[key]) for key in TITLES)
    for key in ("inputs", "outputs"):
        full[key] = min(full[key], WIDEST_SHAPE)
    label = max(wanted["label"], len("module"))
    room = width - min(label, LEAST_MODULE)
    shown = _fitting(ESSENTIAL, full, room)
    room -= sum(full[key] + GAP for key in shown) + GAP
    if shown and "inputs" not in shown and room >= LEAST_SHAPE:
        full["inputs"] = min(full["inputs"], room)
        shown.append("inputs")
    room = width - sum(full[key] + GAP for key in shown)
    shown += _fitting(OPTIONAL, full, room - label)
    room = width - sum(full[key] + GAP for key in shown)
    full["module"] = max(min(label, room), min(label, width, LEAST_MODULE))
    return tuple(Column(key, full[key]) for key in TITLES if key in {"module", *shown})


def _picked(
    picked: frozenset[str], full: dict[str, int], label: int, width: int
) -> tuple[Column, ...]:
    """The shapes are cropped first, then the module column, neither beyond what can be read."""
    full["module"] = full["module"] if "type" in picked else max(label, len("module"))
    shown = [key for key in TITLES if key == "module" or key in picked]
    excess = sum(full[key] + GAP for key in shown) - GAP - width
    for key, least in (("inputs", LEAST_SHAPE), ("outputs", LEAST_SHAPE), ("module", LEAST_MODULE)):
        if key in shown and excess > 0:
            given = min(excess, max(0, full[key] - least))
            full[key] -= given
            excess -= given
    return tuple(Column(key, full[key]) for key in shown)


def _fitting(keys: Iterable[str], widths: Mapping[str, int], room: int) -> list[str]:
    """The keys, in order, for as long as there is room."""
    found = []
    for key in keys:
        room -= widths[key] + GAP
        if room < 0:
            break
        found.append(key)
    return found
