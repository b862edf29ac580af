"""Python source in colours, by the standard library's own tokens: a lexer of Pygments would be a
tenth of the app's memory."""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from token import COMMENT, NAME, NUMBER, tok_name

from nninspect.text.plain import plain
from nninspect.ui.spans import Span

TAB = 4
NAMED_AFTER = frozenset({"def", "class"})
BUILTINS = frozenset({name for name in dir(builtins) if name.islower()} | {"self", "cls"})


def highlighted(text: str) -> Iterator[tuple[Span, ...]]:
    """The lines of Python source, each as spans; from where it is no Python, without colours."""
    lines = text.removesuffix("\n").split("\n")
    rows: list[list[Span]] = [[] for _ in lines]
    reached = [0] * len(lines)

    def write(row: int, end: int, style: str) -> None:
        piece = lines[row][reached[row] : end]
        reached[row] = max(end, reached[row])
        if piece:
            rows[row].append(Span(plain(piece.expandtabs(TAB)), style))

    for token, style in _styled(text):
        (first, start), (last, end) = token.start, token.end
        write(first - 1, start, "")
        for row in range(first, last):
            write(row - 1, len(lines[row - 1]), style)
        write(last - 1, end, style)
    for row, line in enumerate(lines):
        write(row, len(line), "")
        yield tuple(rows[row])


def _styled(text: str) -> Iterator[tuple[tokenize.TokenInfo, str]]:
    """The tokens that have a style of their own."""
    before, is_decorator = "", False
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.string == "@" and not before.strip():
                is_decorator = True
            elif token.type != NAME and token.string != ".":
                is_decorator = False
            style = "code-name" if is_decorator else _style(token, before)
            if style:
                yield token, style
            before = token.string


def _style(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == NAME:
        if keyword.iskeyword(token.string):
            return "code-word"
        is_name = before in NAMED_AFTER or (token.string in BUILTINS and before != ".")
        return "code-name" if is_name else ""
    if "STRING" in tok_name[token.type]:  # f-strings are several tokens from Python 3.12 on
        return "code-text"
    return {COMMENT: "code-remark", NUMBER: "code-number"}.get(token.type, "")
