"""Which colours the app has: Textual's themes, and one of ours for poor sight and poor screens."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.theme import Theme

from nninspect.text.suggest import did_you_mean

HIGH_CONTRAST = Theme(
    name="high-contrast",
    dark=True,
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    success="#00ff00",
    warning="#ffff00",
    error="#ff8080",
    luminosity_spread=0.0,
    text_alpha=1.0,
)
"""White on black, and pure colours that 16-colour terminals have as they are."""


def choose_theme(app: App[Any], name: str) -> tuple[str, ...]:
    """Take the theme of that name, "" for the one there is; what is wrong with it, if anything."""
    if not name:
        return ()
    if name not in app.available_themes:
        hint = did_you_mean(name, app.available_themes) or "ctrl+p, theme, lists them"
        return (f"the config's theme {name!r} does not exist. {hint}",)
    app.theme = name
    return ()
