"""A display for terminals and fonts with nothing but ASCII: each cell keeps its place."""

from __future__ import annotations

from rich.cells import get_character_cell_size

ALIKE = {
    "│┃║▏▎▍▌▐▕┆┊╎": "|",
    "─━═╌┄▁▂▔": "-",
    "┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╒╓╕╖╘╙╛╜": "+",
    "█▉▊▋▓▇▆▅▄▃▀▙▛▜▟▖▗▘▝▚▞": "#",
    "▒░": ":",
    "▾▼": "v",
    "▸▶→»›": ">",
    "◂◀←«‹": "<",
    "▴▲↑": "^",
    "↓": "v",
    "●•⬤■▪◆∙": "*",
    "·…": ".",
    "○◯□◇": "o",
    "✗×✕✖": "x",
    "✓✔": "+",
    "ƒ": "f",
    "–—−": "-",
    "≈∼": "~",
    "≠": "!",
    "µμ": "u",
    "“”": '"',
    "‘’": "'",
    "\u00a0": " ",
}
"""What stands for what is not ASCII; anything else is a question mark a cell."""


class _Table(dict[int, str]):
    """For `str.translate`; what it has not met yet is worked out once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = found = character if code < 128 else "?" * get_character_cell_size(character)
        return found


_TABLE = _Table({ord(each): like for group, like in ALIKE.items() for each in group})


def to_ascii(text: str) -> str:
    """The text in ASCII, in as many cells; what controls a terminal is ASCII already."""
    return text if text.isascii() else text.translate(_TABLE)
