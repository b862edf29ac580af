"""The bottom line: the keys that work now, made from the bindings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from nninspect.ui.spans import Span
from nninspect.ui.widgets.line import Line

Key = tuple[Span, Span]


class KeyLine(Line):
    """It shows each action once, by its first key: as many as fit, the application's always."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._write)

    def on_resize(self) -> None:
        self._write(self.screen)

    def _write(self, screen: Screen[object]) -> None:
        app, typed_into = screen.app, _typed_into(screen)
        shown = [
            (node, binding)
            for node, binding, enabled, _ in screen.active_bindings.values()
            if enabled and binding.show and typed_into in (None, node)
        ]
        always = [self._key(*found) for found in _once(shown) if found[0] is app]
        others = [self._key(*found) for found in _once(shown) if found[0] is not app]
        room = self.content_size.width - _length(always)
        while others and _length(others) > room:
            others.pop()
        self.spans = tuple(span for key in (*others, *always) for span in key)

    def _key(self, node: DOMNode, binding: Binding) -> Key:
        place = {self.screen: "screen", self.app: "app"}.get(node, "focused")
        action = f"{place}.{binding.action.rpartition('.')[2]}"
        key = self.app.get_key_display(binding)
        return Span(key, "key", action), Span(f" {binding.description}  ", "dim", action)


def _typed_into(screen: Screen[object]) -> DOMNode | None:
    """The focused widget, where it takes letters for itself."""
    focused = screen.focused
    return focused if focused is not None and focused.check_consume_key("a", "a") else None


def _once(found: Iterable[tuple[DOMNode, Binding]]) -> Iterator[tuple[DOMNode, Binding]]:
    """Each action by its first key."""
    seen: set[str] = set()
    for node, binding in found:
        if binding.action not in seen:
            seen.add(binding.action)
            yield node, binding


def _length(keys: list[Key]) -> int:
    return sum(cell_len(span.text) for key in keys for span in key)
