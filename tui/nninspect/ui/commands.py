"""What the command palette offers: the actions that have a key, and the theme."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen


def commands(app: App[Any], screen: Screen[object]) -> Iterator[SystemCommand]:
    """Every action that a key has now, each once, with its key."""
    seen: set[str] = set()
    for node, binding, enabled, _ in screen.active_bindings.values():
        if not enabled or not binding.id or binding.action in seen:
            continue
        seen.add(binding.action)
        run = partial(app.run_action, binding.action, node)
        title = binding.tooltip or binding.description
        yield SystemCommand(title, f"key: {app.get_key_display(binding)}", run)
    yield SystemCommand("choose other colours", "theme", app.action_change_theme)
