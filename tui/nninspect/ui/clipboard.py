"""Text to the clipboard of the terminal, wherever the app runs; to a file where that can't be.

OSC 52 has the terminal take a text. tmux by default ignores it, but takes a buffer from its own
command, and offers that to the terminal; GNU screen passes on what is wrapped for it, in pieces.
Source: invisible-island.net/xterm/ctlseqs, `man tmux`, `man screen`.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from nninspect import saving
from nninspect.errors import UsageError

MOST_BYTES = 74_994
"""Of text: 100,000 bytes of the sequence, what every terminal with OSC 52 takes."""
PIECE = 240
"""Bytes that screen takes in one wrapped string."""
TMUX_S = 2.0
"""A tmux that does not answer sooner never does."""
WITHOUT = ("linux", "vt", "dumb", "cons", "ansi")
"""How TERM begins where the terminal has no clipboard."""
WITHOUT_PROGRAM = "Apple_Terminal"

TMUX = "tmux buffer"
CLIPBOARD = "clipboard"


@runtime_checkable
class Terminal(Protocol):
    """Whoever can send the terminal what draws nothing."""

    def write_through(self, sequence: str) -> None: ...


async def copy(
    text: str, environment: Mapping[str, str], write: Callable[[str], object], file: Path
) -> str:
    """Put a text where it can be pasted from; says where. Raises UsageError where nowhere is.

    `write` sends to the terminal, on the thread of the caller.
    """
    is_short = len(text.encode()) <= MOST_BYTES
    if "TMUX" in environment:
        if await asyncio.to_thread(_tmux, text, "-w"):
            return f"{TMUX} and {CLIPBOARD}" if is_short else TMUX
        if await asyncio.to_thread(_tmux, text):
            return TMUX
    if is_short and has_clipboard(environment):
        for sequence in sequences(text, environment):
            write(sequence)
        return CLIPBOARD
    await asyncio.to_thread(_keep, text, file)
    why = "too long for the clipboard" if not is_short else "this terminal has no clipboard"
    return f"{file} ({why})"


def has_clipboard(environment: Mapping[str, str]) -> bool:
    """False where the terminal is known to have none."""
    term = environment.get("TERM", "")
    return not term.startswith(WITHOUT) and environment.get("TERM_PROGRAM", "") != WITHOUT_PROGRAM


def sequences(text: str, environment: Mapping[str, str]) -> Iterator[str]:
    """What to send: OSC 52, and wrapped for what may stand between here and the terminal."""
    term = environment.get("TERM", "")
    osc = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if "STY" not in environment:
        yield osc
    if "TMUX" in environment or term.startswith("tmux"):
        yield f"\x1bPtmux;\x1b{osc}\x1b\\"
    elif "STY" in environment or term.startswith("screen"):
        pieces = (osc[start : start + PIECE] for start in range(0, len(osc), PIECE))
        yield "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


def _tmux(text: str, *options: str) -> bool:
    """Whether tmux took the text as its newest buffer; with -w it offers it to the terminal."""
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", *options, "-"],
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TMUX_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _keep(text: str, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        saving.save(file, text.encode(), is_private=True)
    except OSError as error:
        raise UsageError(
            f"can't copy: no clipboard takes it, nor {file}: {error.strerror or error}",
            "Export it to a file: e",
        ) from error
