"""How what user code writes to stderr is told from what it writes to stdout, in one pipe.

One pipe keeps both in the order they were written. What goes to stderr stands between two marks;
they are strings that no terminal shows, should one ever get there.
"""

from __future__ import annotations

import re

TO_STDERR = "\x1b_nn2\x1b\\"
TO_STDOUT = "\x1b_nn1\x1b\\"
MARK = re.compile(r"\x1b_nn([12])\x1b\\")
BEGUN = re.compile(r"\x1b(?:_(?:n(?:n(?:[12]\x1b?)?)?)?)?\Z")
"""What a piece of text may end with where it was cut within a mark."""


def without_marks(text: str) -> str:
    """The text of both streams."""
    return MARK.sub("", text)
