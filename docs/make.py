"""Makes the pages on the doctor's rules from the rules themselves.

make docs
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from nninspect.doctor.manual import Page, pages, shown_by

FOLDER = Path(__file__).parent
INDEX = """\
# The doctor's rules

`nninspect check TARGET` asks all of these; `nninspect rule CODE` prints a page. A finding is
silenced by `# nninspect: ignore[CODE]` on its line, by `--ignore CODE`, or for a project:

```toml
[tool.nninspect]
ignore = ["NN204", "NN8"]
```
"""


def documents() -> dict[Path, str]:
    """Every page by its path under this folder: the index, and one a rule."""
    found = {Path("rules", f"{page.code}.md"): rule_page(page) for page in pages()}
    return {Path("rules.md"): index(pages()), **found}


def index(found: tuple[Page, ...]) -> str:
    """The rules by family."""
    parts = [INDEX]
    for family, members in groupby(found, key=lambda page: page.family):
        parts.append(
            f"\n## {family.capitalize()}\n\n| rule | severity | what it finds |\n|---|---|---|\n"
        )
        parts += [
            f"| [{page.code}](rules/{page.code}.md) {page.name} | {page.severity.word}"
            f" | {page.summary} |\n"
            for page in members
        ]
    return "".join(parts)


def rule_page(page: Page) -> str:
    """All that there is to read of one rule."""
    networks = ", ".join(f"`{name}`" for name in shown_by(page.code))
    shown = f"\n## Shown by\n\n{networks}\n" if networks else ""
    return f"""\
# {page.code} {page.name}

{page.summary}

*{page.severity.word}, {page.family}* · [all rules](../rules.md)

## What it flags

{page.flags}

## Why

{page.why}

## Instead

{page.instead}

## Example

```python
{page.example}
```
{shown}"""


def write(folder: Path = FOLDER) -> None:
    """Write every page, and take away those of rules that are gone."""
    wanted = documents()
    for old in (folder / "rules").glob("*.md"):
        if Path("rules", old.name) not in wanted:
            old.unlink()
    for path, text in wanted.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
