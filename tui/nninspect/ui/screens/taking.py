"""What is taken out of the app: copied, or exported to a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nninspect.errors import NninspectError
from nninspect.places import state_folder
from nninspect.ui.messages import Said
from nninspect.ui.screens.told import ToldScreen

if TYPE_CHECKING:
    from nninspect.export.shown import Shown
    from nninspect.ui.offers import Offer

COPIED = "copied.txt"
NOTHING = "there is nothing here yet"
FORM = "csv"


class TakingScreen(ToldScreen):
    """Everything is taken as the open tab shows it: its filter, its order, its columns."""

    _form = FORM
    """The format that was exported to last."""

    def ask_copy(self) -> None:
        """Ask what to copy, and copy it."""
        from nninspect.ui.screens.copy import CopyScreen

        offers = list(self._offers())
        if not offers:
            self.said = Said(NOTHING)
            return

        def copy(place: str | None) -> None:
            if place is not None:
                self.run_worker(self._copy(offers[int(place)]))

        self.app.push_screen(CopyScreen(offers), copy)

    async def _copy(self, offer: Offer) -> None:
        from nninspect.ui.clipboard import Terminal, copy

        assert isinstance(self.app, Terminal)
        try:
            text = await asyncio.to_thread(offer.text)
            file = state_folder() / COPIED
            where = await copy(text, os.environ, self.app.write_through, file)
        except NninspectError as error:
            self.said = Said(error.message, bad=True)
        else:
            lines = text.rstrip("\n").count("\n")
            what = f"{offer.name}, {lines + 1:,} lines," if lines else f"{offer.name} ‹{text}›"
            self.said = Said(f"copied {what} to {where}")

    def ask_export(self) -> None:
        """Ask where to, and write it."""
        from nninspect.ui.screens.export import ExportScreen

        shown = self._shown()
        if shown is None:
            self.said = Said(NOTHING)
            return

        def wrote(path: str | None) -> None:
            if path is not None:
                from nninspect.export.shown import form_of

                self._form = form_of(path)
                self.said = Said(f"wrote {path}")

        self.app.push_screen(ExportScreen(shown, self._form), wrote)

    def _shown(self) -> Shown | None:
        """What the open tab shows; None where that is nothing yet."""
        from nninspect.export import shown

        if self.tab == "layers" and self.picture is not None:
            return shown.layers(self.picture.inspection, self._layers.layer_tree.sight)
        if self.tab == "bench" and self.result is not None:
            return shown.bench(self.result)
        if self.tab == "doctor" and self.checked is not None:
            return shown.doctor(self.checked)
        setup = self.session.setup
        if self.tab == "weights" and setup is not None and self._weights.tensors:
            return shown.weights(setup, self._weights.shown)
        return self._log.shown() if self.tab == "log" else None

    def _offers(self) -> Iterator[Offer]:
        from nninspect.ui import offers

        found = self._shown()
        if found is None:
            return
        if self.tab == "layers" and self.picture is not None:
            yield from self._layers.offers()
            yield from offers.of_table(found, self._layers.row_count)
            yield offers.layers_command(self.picture.inspection.setup)
        elif self.tab == "bench" and self.result is not None:
            yield from self._bench.offers()
            yield from offers.of_table(found, len(self.result.rows))
            yield offers.bench_command(self.result)
        elif self.tab == "doctor" and self.checked is not None:
            yield from self._doctor.offers()
            yield from offers.of_table(found, len(self.checked.findings))
            yield offers.check_command(self.checked)
        elif self.tab == "weights":
            yield from self._weights.offers()
            yield from offers.of_table(found, len(self._weights.shown))
            if self.picture is not None:
                yield offers.weights_command(self.picture.inspection.setup)
        else:
            yield from self._log.offers()
