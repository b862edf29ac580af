"""The command line: which command is meant, and how every error ends it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from nninspect.cli.exit_codes import INTERRUPTED, OK
from nninspect.errors import NninspectError

COMMANDS = (
    *("list", "summary", "diff", "bench", "history", "check", "rule", "export", "env", "keys"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; its exit code. An interrupt ends it without a word,
    while it still imports, too."""
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return INTERRUPTED


def _main(arguments: list[str]) -> int:
    name = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "open"
    command = importlib.import_module(f"nninspect.cli.{name}")
    options = command.parser().parse_args(arguments)
    try:
        code = int(command.run(options))
        sys.stdout.flush()
    except NninspectError as error:
        from nninspect.cli.console import Console

        return Console(traceback=getattr(options, "traceback", False)).error(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


if __name__ == "__main__":
    sys.exit(main())
