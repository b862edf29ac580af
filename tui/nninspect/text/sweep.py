"""What a benchmark found over batch sizes, in sentences."""

from __future__ import annotations

from nninspect.protocol.sweep import Crossover, LargestBatch, Series
from nninspect.text import units
from nninspect.text.plain import plain


def series(found: Series) -> str:
    """ "cuda:0", "cpu, threads=1"."""
    return found.device if found.mode == "inference" else f"{found.device}, {found.mode}"


def crossover(found: Crossover) -> str:
    """From which batch on one overtakes the other, or that it is seen at none."""
    one, other = series(found.series), series(found.over)
    if found.series.device == found.over.device:
        one, other = found.series.mode, found.over.mode
        where = f"on {found.series.device} "
    else:
        where = ""
    transfers = ", transfers included" if found.with_transfers else ""
    if found.batch is None:
        sizes = f"batch {found.checked[0]:,} to {found.checked[-1]:,}"
        return (
            f"{where}no crossover of {one} and {other} at {sizes}{transfers}: "
            "neither is shown to be faster at the largest"
        )
    said = f"{where}{one} is faster than {other} from batch {found.batch:,} on{transfers}"
    if found.slower_at is not None:
        return f"{said}: it overtakes between {found.slower_at:,} and {found.batch:,}"
    if found.batch == found.checked[0]:
        return f"{said}, the smallest that was timed"
    return f"{said}; below, neither is shown to be faster"


def _into(found: LargestBatch) -> str:
    """The limit; on the CPU the process itself, torch and all, is in it."""
    if found.limit_bytes is None:
        return ""
    own = ", the process itself included" if found.series.device == "cpu" else ""
    return f" into {units.size(found.limit_bytes)}{own}"


def largest(found: LargestBatch) -> str:
    """The largest batch that fits, its peak, and how close it is."""
    what = f"largest batch on {series(found.series)}"
    note = plain(found.note)
    if found.batch is None:
        why = note or f"not even one sample fits{_into(found)}"
        return f"{what}: not found, as {why}" if note else f"{what}: {why}"
    said = f"{what}: {found.batch:,}"
    if found.peak_bytes is not None:
        of = "" if found.limit_bytes is None else f" of {units.size(found.limit_bytes)}"
        said += f", with a peak of {units.size(found.peak_bytes)}{of}"
    if found.too_large is not None:
        said += f"; {found.too_large:,} does not fit"
    tries = units.counted(found.attempts, "try").replace("trys", "tries")
    return f"{said} ({tries}{'; ' + note if note else ''})"
