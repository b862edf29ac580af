"""The keys that texts tell of, as they are here: a person may have chosen others."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from nninspect.ui.spans import Span

SEPARATOR = " · "


class Hint(NamedTuple):
    """An action by the id of its binding, and what its key does where the hint stands."""

    action: str
    does: str = ""


OPEN = Hint("open", "opens a model")
CANCEL = Hint("cancel", "cancels what is running")
RESTART = Hint("restart", "restarts it")


def key_spans(node: DOMNode, *hints: Hint) -> tuple[Span, ...]:
    """Each key and what it does; a click on either presses it."""
    return tuple(span for hint in hints for span in _spans(node, hint))


def _spans(node: DOMNode, hint: Hint) -> tuple[Span, Span]:
    binding = _bound(node, hint.action)
    press = f"app.simulate_key({binding.key!r})"
    does = f" {hint.does}" if hint.does else ""
    return Span(_written(node, binding), "key", press), Span(does, "dim", press)


def key_words(node: DOMNode, *hints: Hint | str) -> str:
    """The same as plain words, for a border; a text stands for itself."""
    said = (
        hint if isinstance(hint, str) else f"{key_of(node, hint.action)} {hint.does}".rstrip()
        for hint in hints
    )
    return SEPARATOR.join(said)


def key_of(node: DOMNode, action: str) -> str:
    """The first key of an action, as it is written."""
    return _written(node, _bound(node, action))


def _written(node: DOMNode, binding: Binding) -> str:
    """As the key line writes it, but in words what has none of its own on a keyboard."""
    *modifiers, last = binding.key.split("+")
    if not modifiers and last != "enter":
        return node.app.get_key_display(binding)
    return binding.key


def _bound(node: DOMNode, action: str) -> Binding:
    """The first binding with that id on the node or around it, with the key that it has now.

    Not from the screen's active bindings: those lack what the focus or a dialog hides just now.
    """
    for owner in node.ancestors_with_self:
        for kind in type(owner).__mro__:
            for binding in Binding.make_bindings(vars(kind).get("BINDINGS", ())):
                if binding.id == action:
                    chosen = getattr(node.app, "chosen_keys", {}).get(action)
                    return binding.with_key(chosen.split(",")[0]) if chosen else binding
    raise LookupError(f"no binding around {node!r} has the id {action}")
