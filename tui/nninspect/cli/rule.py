"""`nninspect rule`: what a rule of the doctor finds, and why; or the list of them."""

from __future__ import annotations

import argparse

from nninspect.cli.console import Console
from nninspect.cli.exit_codes import OK
from nninspect.cli.options import add_json_option, command_parser
from nninspect.doctor import manual
from nninspect.errors import BadTarget
from nninspect.text.suggest import did_you_mean

EXAMPLES = """
nninspect rule
nninspect rule NN203
"""


def parser() -> argparse.ArgumentParser:
    parser = command_parser("rule", "Explain a rule, or list them all.", EXAMPLES)
    parser.add_argument("code", metavar="CODE", nargs="?", help="as NN203")
    add_json_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    console = Console()
    shown = manual.pages() if options.code is None else (_page(options.code),)
    if options.json:
        console.json([_fields(page) for page in shown])
    elif options.code is None:
        rows = [(page.code, page.severity.word, page.summary) for page in shown]
        console.table(("rule", "severity", "what it finds"), rows, left=3)
    else:
        console.lines(text(shown[0]))
    return OK


def text(page: manual.Page) -> list[str]:
    """One page, as it is printed."""
    example = [f"    {line}".rstrip() for line in page.example.splitlines()]
    shown_by = manual.shown_by(page.code)
    return [
        f"{page.code} {page.name} ({page.severity.word}, {page.family})",
        "",
        page.summary,
        "",
        f"What it flags: {page.flags}",
        f"Why: {page.why}",
        f"Instead: {page.instead}",
        "Example:",
        *example,
        *([f"Shown by: {', '.join(shown_by)}"] if shown_by else []),
    ]


def _page(code: str) -> manual.Page:
    found = manual.page(code)
    if found is None:
        codes = [page.code for page in manual.pages()]
        raise BadTarget(
            f"there is no rule {code}", did_you_mean(code, codes) or "List them: nninspect rule"
        )
    return found


def _fields(page: manual.Page) -> dict[str, object]:
    return {
        "code": page.code,
        "name": page.name,
        "severity": page.severity.word,
        "family": page.family,
        "summary": page.summary,
        "flags": page.flags,
        "why": page.why,
        "instead": page.instead,
        "example": page.example,
        "networks": list(manual.shown_by(page.code)),
    }
