"""Whether a file of weights fits a model: what `load_state_dict(strict=True)` would say."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence

from nninspect.protocol.checkpoint import Checkpoint, Fit, Mismatch
from nninspect.protocol.weights import TensorStats
from nninspect.text import units

WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel put it there",
    "_orig_mod.": "torch.compile put it there",
    "model.": "a wrapper has the model as `model`",
}
"""What stands before every name, and why."""

MOST_NAMED = 4
"""Of the names that don't fit behind a prefix either."""


def compared(found: Checkpoint, tensors: Sequence[TensorStats], model: str) -> Fit:
    """By name, shape and dtype; buffers that are not saved with the model are left out."""
    stored = {path: each for each in found.tensors for path in (each.path, *each.also)}
    wanted = {path: each for each in tensors if each.is_saved for path in (each.path, *each.also)}
    held = {path: each for path, each in wanted.items() if path in stored}
    absent = [path for path in wanted if path not in stored]
    tied = [path for path in absent if _is_held(wanted[path], stored)]
    shapes = [
        Mismatch(path=path, stored=str(stored[path].shape), model=str(each.shape))
        for path, each in held.items()
        if stored[path].shape != each.shape
    ]
    unexpected = tuple(path for path in stored if path not in wanted)
    return Fit(
        model=model,
        matched=len(held) - len(shapes),
        missing=tuple(path for path in absent if path not in tied),
        unexpected=unexpected,
        shapes=tuple(shapes),
        dtypes=tuple(
            Mismatch(path=path, stored=stored[path].dtype, model=each.dtype)
            for path, each in held.items()
            if stored[path].dtype != each.dtype
        ),
        tied=tuple(tied),
        hint=_hint(stored, wanted) if unexpected else "",
    )


def _is_held(wanted: TensorStats, stored: Container[str]) -> bool:
    return any(path in stored for path in (wanted.path, *wanted.also))


def _hint(stored: Collection[str], wanted: Mapping[str, TensorStats]) -> str:
    """The prefix without, or with, which the most names fit, and which don't even then; "" where
    none helps."""
    best, most = "", sum(path in wanted for path in stored)
    for told, names in _tries(stored, wanted):
        if (fitting := len(names & wanted.keys())) > most:
            still = _still(names, wanted)
            best, most = f"{told}, {fitting:,} of {len(stored):,} names fit{still}", fitting
    return best


def _tries(stored: Collection[str], wanted: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    """What is done to every name of the file, for people, and the names then."""
    for prefix in sorted({*WRAPPERS, *map(_first, stored)}):
        why = f" ({WRAPPERS[prefix]})" if prefix in WRAPPERS else ""
        yield f"without {prefix!r} before them{why}", {path.removeprefix(prefix) for path in stored}
    for prefix in sorted({*WRAPPERS, *map(_first, wanted)}):
        yield f"with {prefix!r} before them", {prefix + path for path in stored}


def _still(names: set[str], wanted: Mapping[str, TensorStats]) -> str:
    missing = [path for path, each in wanted.items() if not _is_held(each, names)]
    unexpected = sorted(names - wanted.keys())
    return "".join(
        f"; still {what}: {units.listed(paths, MOST_NAMED)}"
        for what, paths in (("missing", missing), ("unexpected", unexpected))
        if paths
    )


def _first(path: str) -> str:
    return path.partition(".")[0] + "."
