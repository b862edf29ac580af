"""A broken network and the good one it should have been: which belong together, what differs."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nninspect.client.api import Client
from nninspect.errors import ModelError
from nninspect.plugin import collections, find_card
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.records import Setup
from nninspect.text.plain import plain
from nninspect.ui.changes import mark_changes
from nninspect.ui.finding_text import about
from nninspect.ui.look import Picture, look
from nninspect.ui.spans import Paragraph, Span, paragraph

CONTEXT = 2
"""Lines around a change."""


@dataclass(frozen=True)
class Twins:
    """What there is to see of two networks that belong together."""

    broken: str
    good: str
    checked: CheckResult
    """What the doctor finds on the broken one."""
    picture: Picture
    """The good one, the rows that the broken one has not like this marked as changed."""
    sources: tuple[str, ...]
    """Of the broken one and of the good one; "" where it is not known."""


def twins_of(target: str) -> tuple[tuple[str, str], ...]:
    """(broken, good) for a broken network, one pair for each broken one of a good network."""
    card = find_card(target)
    if card is None:
        return ()
    prefix = target.removesuffix(card.name)
    if card.twin_of:
        return ((target, f"{prefix}{card.twin_of}"),)
    home = next(each for each in collections() if card in each.cards)
    broken = (each.name for each in home.cards if each.twin_of == card.name)
    return tuple((f"{prefix}{name}", target) for name in broken)


async def compare(client: Client, broken: str, good: str) -> Twins:
    """Look at both, and ask the doctor of the broken one."""
    checked = await client.check(Setup(target=broken), CheckPlan())
    before = None
    with suppress(ModelError):  # it may be broken in a way that it can't be built
        before = await look(client, Setup(target=broken))
    file = next((each.file for each in checked.findings if each.file), "")
    picture = await look(client, Setup(target=good))
    good_file = (await client.source(Setup(target=good), "")).file
    if before is not None:
        mark_changes(before.table, picture.table)
    return Twins(broken, good, checked, picture, (_text_of(file), _text_of(good_file)))


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text("utf-8") if file else ""
    except (OSError, ValueError):
        return ""


def paragraphs(twins: Twins) -> Iterator[Paragraph]:
    """The mistake, what the doctor says of it, and what differs in the source."""
    card = find_card(twins.broken)
    if card is not None:
        yield Paragraph((Span("✗ ", "bad"), Span(plain(card.mistake), "strong")), hang=2)
    for finding in twins.checked.findings:
        yield Paragraph()
        yield from about(finding)
    yield Paragraph()
    yield paragraph(f"from {twins.broken} to {twins.good}", "dim")
    yield from difference(*twins.sources)


def difference(broken: str, good: str) -> Iterator[Paragraph]:
    """What to take away and what to add, to make the good one of the broken one."""
    if not broken or not good:
        yield paragraph("the source of one of them is not known", "dim")
        return
    lines = difflib.unified_diff(_code(broken), _code(good), n=CONTEXT, lineterm="")
    for line in list(lines)[2:]:
        yield Paragraph((Span(plain(line), _STYLES.get(line[:1], "dim")),), wraps=False)


def _code(text: str) -> list[str]:
    """The lines after the module's docstring, which says of each network what it is."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return text.splitlines()
    is_said = bool(body) and isinstance(body[0], ast.Expr)
    return text.splitlines()[body[0].end_lineno if is_said else 0 :]


_STYLES = {"-": "bad", "+": "good"}
