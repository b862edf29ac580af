"""The bottom line: the keys that work now, made from the bindings."""

from __future__ import annotations

from textual.screen import Screen

from nninspect.ui.spans import Span
from nninspect.ui.widgets.line import Line


class KeyLine(Line):
    """It shows each action once, by its first key; as many as fit, the last ones always."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._write)
        self._write(self.screen)

    def _write(self, screen: Screen[object]) -> None:
        shown: dict[str, Span] = {}
        spans: list[Span] = []
        for node, binding, enabled, _ in screen.active_bindings.values():
            if binding.show and enabled and binding.action not in shown:
                action = f"{_namespace(node, screen)}.{binding.action.rpartition('.')[2]}"
                shown[binding.action] = Span(self.app.get_key_display(binding), "key", action)
                spans += [shown[binding.action], Span(f" {binding.description}  ", "dim", action)]
        self.spans = tuple(spans)


def _namespace(node: object, screen: Screen[object]) -> str:
    if node is screen:
        return "screen"
    return "app" if node is screen.app else "focused"
