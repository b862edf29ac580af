"""A terminal in small: what it shows after what the diffing display writes."""

from __future__ import annotations

import re

from nninspect.ui.display.cells import EMPTY, Row, Rows, Surprise, styled
from nninspect.ui.display.pen import PLAIN, read_sgr
from nninspect.ui.display.shift import Shift

_TOKEN = re.compile(r"\x1b\[([0-9;]*)([HCMLmr])|([^\x00-\x1f\x7f-\x9f]+)")


def read_changes(shown: Rows, data: str) -> dict[int, Row]:
    """The rows after the data. Raises Surprise where it has a sequence that is not written here."""
    rows, pen = dict(shown), PLAIN
    y = x = top = bottom = 0
    place = 0
    while place < len(data):
        token = _TOKEN.match(data, place)
        if token is None:
            raise Surprise(f"an unknown sequence: {data[place : place + 12]!r}")
        place = token.end()
        parameters, kind, text = token.groups()
        numbers = [int(number or 1) for number in (parameters or "").split(";")]
        match kind:
            case None:
                rows[y] = rows.get(y, EMPTY).overwritten(x, styled(text, pen))
                x += len(text)
            case "H":
                y, x = numbers[0] - 1, numbers[1] - 1 if len(numbers) > 1 else 0
            case "C":
                x += numbers[0]
            case "r":
                top, bottom = (numbers[0] - 1, numbers[1] - 1) if len(numbers) > 1 else (0, 0)
            case "m":
                pen = read_sgr(pen, parameters) or PLAIN
            case _:
                sign = 1 if kind == "M" else -1
                rows = Shift(top, bottom, sign * numbers[0]).apply(rows)
    return rows
