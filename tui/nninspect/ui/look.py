"""A look at a model, with its layers decoded."""

from __future__ import annotations

from dataclasses import dataclass

from nninspect.client.api import Client
from nninspect.errors import NninspectError
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import Inspection, Setup


@dataclass(frozen=True)
class Picture:
    """An inspection with its layers decoded."""

    inspection: Inspection
    table: LayerTable


async def look(client: Client, setup: Setup, *, reload: bool = False) -> Picture:
    """Raises what the worker reports, and NninspectError where its answer is broken."""
    inspection = await client.inspect(setup, reload=reload)
    try:
        return Picture(inspection, LayerTable(inspection.layers))
    except ValueError as error:
        raise NninspectError(f"the worker sent a broken layer tree: {error}") from error
