"""The rules' documentation, read from their sources: no torch, so a command has it at once.

A rule's docstring has a first line that says what is found, then the sections of `SECTIONS`, in
that order, each opened by its title and a colon.
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nninspect.plugin import collections
from nninspect.protocol.findings import Severity

SECTIONS = ("What it flags", "Why", "Instead", "Example")
FAMILIES = {
    "NN1": "construction",
    "NN2": "activations",
    "NN3": "output and loss",
    "NN4": "normalisation, dropout, modes",
    "NN5": "registration",
    "NN6": "shapes and batch",
    "NN7": "numerics",
    "NN8": "devices and efficiency",
    "NN9": "gradient flow",
}
_RULES = Path(__file__).with_name("rules")
_HEADING = re.compile(rf"^(?P<title>{'|'.join(SECTIONS)}): *\n?", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """What there is to read of one rule."""

    code: str
    name: str
    severity: Severity
    summary: str
    """What it finds, a sentence."""
    flags: str
    """What it flags, and what it leaves alone."""
    why: str
    instead: str
    example: str
    """Code, its mistake first."""

    @property
    def family(self) -> str:
        """ "activations", of NN2xx."""
        return FAMILIES.get(self.code[:3], "")


@cache
def pages() -> tuple[Page, ...]:
    """Every rule's, by code."""
    found = [page for file in _RULES.glob("*.py") for page in _pages_of(file)]
    return tuple(sorted(found, key=lambda page: page.code))


def page(code: str) -> Page | None:
    """The one of a code."""
    return next((page for page in pages() if page.code == code.upper()), None)


def shown_by(code: str) -> tuple[str, ...]:
    """The networks that are there to show a rule."""
    cards = [card for collection in collections() for card in collection.cards]
    return tuple(card.name for card in cards if code in card.findings)


def _pages_of(file: Path) -> list[Page]:
    tree = ast.parse(file.read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [_page(node) for node in classes if "code" in _attributes(node)]


def _page(node: ast.ClassDef) -> Page:
    attributes = _attributes(node)
    summary, sections = parse(ast.get_docstring(node) or "")
    return Page(
        code=ast.literal_eval(attributes["code"]),
        name=ast.literal_eval(attributes["name"]),
        severity=Severity[ast.unparse(attributes["severity"]).rpartition(".")[2]],
        summary=summary,
        flags=sections["What it flags"],
        why=sections["Why"],
        instead=sections["Instead"],
        example=sections["Example"],
    )


def _attributes(node: ast.ClassDef) -> dict[str, ast.expr]:
    return {
        target.id: part.value
        for part in node.body
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(target, ast.Name)
    }


def parse(docstring: str) -> tuple[str, dict[str, str]]:
    """The first line, and the text of each section.

    Raises ValueError where a section is missing, empty or out of order.
    """
    headings = list(_HEADING.finditer(docstring))
    if tuple(heading["title"] for heading in headings) != SECTIONS:
        raise ValueError(f"a rule's docstring has the sections {', '.join(SECTIONS)}, in order")
    ends = [heading.start() for heading in headings[1:]] + [len(docstring)]
    texts = [docstring[h.end() : end].rstrip() for h, end in zip(headings, ends, strict=True)]
    if not all(texts):
        raise ValueError("a section of a rule's docstring is empty")
    *prose, example = texts
    plain = (*map(_joined, prose), textwrap.dedent(example))
    return docstring[: headings[0].start()].strip(), dict(zip(SECTIONS, plain, strict=True))


def _joined(text: str) -> str:
    """Its lines as one: they were broken for the source."""
    return " ".join(text.split())
