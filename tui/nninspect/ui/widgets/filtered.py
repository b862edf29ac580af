"""A pane whose rows are filtered by a field that opens below them."""

from __future__ import annotations

from abc import abstractmethod

from textual.containers import Container
from textual.widget import Widget

FIELD = "filter"


class FilteredPane(Container):
    """What is typed filters at once; enter keeps the filter, escape clears it."""

    FILTER_HINT = ""
    """What can be typed."""

    @property
    @abstractmethod
    def filtered(self) -> Widget:
        """The rows: the focus goes back to them."""

    @property
    @abstractmethod
    def filter_text(self) -> str | None:
        """The filter in force; None where there is nothing to filter."""

    @abstractmethod
    def filter(self, text: str) -> None:
        """See the rows that a text is found in; "" sees all."""

    @property
    def has_filter(self) -> bool:
        return bool(self.filter_text)

    async def open_filter(self) -> None:
        """Show the field; what is typed from here on goes into it."""
        from nninspect.ui.widgets.filter_input import FilterInput

        if found := self.query(f"#{FIELD}"):
            self.screen.set_focus(found.first())
        elif self.filter_text is not None:
            field = FilterInput(self.filter_text, self.close_filter, self.FILTER_HINT, id=FIELD)
            await self.mount(field)
            self.watch(field, "value", self._typed, init=False)
            self.screen.set_focus(field)

    async def close_filter(self, clear: bool) -> None:
        """Back to the rows, with the filter kept or cleared."""
        if clear:
            self._typed("")
        self.screen.set_focus(self.filtered)
        await self.query(f"#{FIELD}").remove()

    def _typed(self, text: str) -> None:
        if text.strip().lower() != self.filter_text:
            self.filter(text)
