"""Whether a file of weights fits a model: what `load_state_dict(strict=True)` would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nninspect.protocol.checkpoint import Checkpoint, Fit, Mismatch, StoredTensor
from nninspect.protocol.weights import TensorStats

WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel put it there",
    "_orig_mod.": "torch.compile put it there",
    "model.": "a wrapper has the model as `model`",
}
"""What stands before every name, and why."""


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


def _is_held(wanted: TensorStats, stored: Mapping[str, StoredTensor]) -> bool:
    return any(path in stored for path in (wanted.path, *wanted.also))


def _hint(stored: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """The prefix without, or with, which the most names fit; "" where none helps."""
    as_is = len(stored.keys() & wanted.keys())
    found = max(_tries(stored, wanted), key=lambda each: each[0], default=(0, ""))
    return found[1] if found[0] > as_is else ""


def _tries(stored: Mapping[str, object], wanted: Mapping[str, object]) -> list[tuple[int, str]]:
    tries = []
    for prefix in {*WRAPPERS, *map(_first, stored)}:
        fitting = sum(path.removeprefix(prefix) in wanted for path in stored)
        why = f" ({WRAPPERS[prefix]})" if prefix in WRAPPERS else ""
        told = f"without {prefix!r} before them{why}, {fitting:,} of {len(stored):,} names fit"
        tries.append((fitting, told))
    for prefix in {*WRAPPERS, *map(_first, wanted)}:
        fitting = sum(prefix + path in wanted for path in stored)
        told = f"with {prefix!r} before them, {fitting:,} of {len(stored):,} names fit"
        tries.append((fitting, told))
    return tries


def _first(path: str) -> str:
    return path.partition(".")[0] + "."
