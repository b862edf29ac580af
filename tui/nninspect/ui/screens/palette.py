"""The command palette."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette

from nninspect.ui.screens.once import Once
from nninspect.ui.widgets.options import has_room


class Palette(Once, CommandPalette):
    """Textual's; a list that is not laid out yet is not paged through."""

    def _action_command_list(self, action: str) -> None:
        if has_room(self.query_one(CommandList)):
            super()._action_command_list(action)
