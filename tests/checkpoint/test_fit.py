"""A file of weights beside a model: what is missing, what else it is, and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from nninspect.checkpoint.fit import compared
from nninspect.protocol.checkpoint import Checkpoint, Fit, StoredTensor
from nninspect.protocol.weights import TensorStats

Shapes = Mapping[str, tuple[int, ...]]


def stored(shapes: Shapes, dtype: str = "float32") -> Checkpoint:
    tensors = tuple(
        StoredTensor(path=path, dtype=dtype, shape=shape, count=math.prod(shape), size=0)
        for path, shape in shapes.items()
    )
    return Checkpoint(path="m.pt", format="test", tensors=tensors)


def model(shapes: Shapes, **also: str) -> list[TensorStats]:
    return [
        TensorStats(
            path=path,
            shape=shape,
            dtype="float32",
            count=math.prod(shape),
            size=0,
            also=(also[path],) if path in also else (),
            is_saved=path != "cache",
        )
        for path, shape in shapes.items()
    ]


def fit(file: Shapes, net: Shapes, **also: str) -> Fit:
    return compared(stored(file), model(net, **also), "net.py")


def test_equal_names_and_shapes_fit() -> None:
    assert fit({"a": (2,)}, {"a": (2,)}).fits


def test_a_buffer_that_is_not_saved_is_not_missing() -> None:
    assert fit({"a": (2,)}, {"a": (2,), "cache": (3,)}).fits


def test_what_differs_is_told_by_kind() -> None:
    found = fit({"a": (2,), "b": (3,), "x": (1,)}, {"a": (2,), "b": (4,), "y": (1,)})
    assert not found.fits
    assert (found.matched, found.missing, found.unexpected) == (1, ("y",), ("x",))
    assert [(each.path, each.stored, each.model) for each in found.shapes] == [
        ("b", "(3,)", "(4,)")
    ]


def test_another_dtype_is_told_and_fits() -> None:
    found = compared(stored({"a": (2,)}, "bfloat16"), model({"a": (2,)}), "net.py")
    assert found.fits
    assert found.dtypes[0].stored == "bfloat16"


def test_a_tied_tensor_may_be_stored_under_either_name() -> None:
    found = fit({"head": (2,)}, {"embedding": (2,)}, embedding="head")
    assert found.fits
    assert found.tied == ("embedding",)


@pytest.mark.parametrize(
    ("file", "net", "hint"),
    [
        ("module.a", "a", "without 'module.' before them (DataParallel"),
        ("_orig_mod.a", "a", "without '_orig_mod.' before them (torch.compile"),
        ("backbone.a", "a", "without 'backbone.' before them, 1 of 1"),
        ("a", "model.a", "with 'model.' before them, 1 of 1"),
        ("a", "b", ""),
    ],
)
def test_a_prefix_that_alone_differs_is_named(file: str, net: str, hint: str) -> None:
    found = fit({file: (2,)}, {net: (2,)}).hint
    assert found.startswith(hint)
    assert bool(found) == bool(hint)


def test_what_does_not_fit_behind_the_prefix_either_is_named() -> None:
    file = {f"module.{name}": (2,) for name in ("a", "b", "extra")}
    found = fit(file, {"a": (2,), "b": (2,), "head": (2,)}).hint
    assert "2 of 3 names fit; still missing: head; still unexpected: extra" in found
