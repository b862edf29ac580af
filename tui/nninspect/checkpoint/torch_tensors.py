"""Tensors as a pickle of torch's builds them: which function, of which storage, in which shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nninspect.checkpoint import dtypes
from nninspect.checkpoint.allowed import ALLOWED
from nninspect.checkpoint.pickle_values import Global, Node, Persistent, Value, integers
from nninspect.errors import BadCheckpoint

_REBUILD = "torch._utils._rebuild_"
_WRAPPERS = {"parameter": 0, "parameter_with_state": 0, "device_tensor_from_cpu_tensor": 0}
"""Which argument is the tensor."""
_MOST_WRAPS = 8


@dataclass(frozen=True)
class Storage:
    """Where values are: its key, and how much it says it has."""

    key: str
    dtype: str
    """ "" for bytes."""
    count: int

    @property
    def size(self) -> int:
        """Bytes."""
        return dtypes.size_of(self.count, self.dtype or "uint8")


@dataclass(frozen=True)
class Built:
    """One tensor."""

    dtype: str
    shape: tuple[int, ...]
    count: int
    size: int
    storage: Storage | None = None
    place: tuple[object, ...] = ()
    """Storage, offset and strides: tensors that share it, and their shape, are one."""


def tensor_of(value: Value) -> Built | None:
    """The tensor that a value is; None for anything else. Raises BadCheckpoint on one that can't
    be: a shape that is none, values past the end of their storage."""
    for _ in range(_MOST_WRAPS):
        if not isinstance(value, Node) or value.kind not in ALLOWED:
            return None
        if value.kind == "torch._tensor._rebuild_from_type_v2" and len(value.args) >= 3:
            maker, args = value.args[0], value.args[2]
            if not isinstance(maker, Global) or not isinstance(args, tuple):
                return None
            value = Node(maker.name, args)
            continue
        function = value.kind.removeprefix(_REBUILD)
        if function not in _WRAPPERS or not value.args:
            build = _BUILDERS.get(function)
            return build(value.args) if build and value.kind.startswith(_REBUILD) else None
        value = value.args[_WRAPPERS[function]]
    return None


def storage_of(value: Value) -> Storage:
    """What a persistent id says. Raises BadCheckpoint where that is no storage."""
    key = value.key if isinstance(value, Persistent) else None
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage":
        raise BadCheckpoint("a tensor has values that are in no storage")
    _, kind, name, _, count = key[:5]
    if not isinstance(name, str) or type(count) is not int or len(name) > dtypes.MAX_KEY:
        raise BadCheckpoint("a storage has a key or a length that is none")
    return Storage(name, _storage_dtype(kind), dtypes.bounded(count))


def _storage_dtype(kind: Value) -> str:
    if not isinstance(kind, Global) or kind.name not in ALLOWED:
        raise BadCheckpoint("a storage has a type that torch has not")
    if kind.name == "torch.storage.UntypedStorage":
        return ""
    name = kind.name.rpartition(".")[2].removesuffix("Storage")
    if not kind.name.endswith("Storage") or name not in dtypes.STORAGES:
        raise BadCheckpoint("a storage has a type that torch has not")
    return dtypes.STORAGES[name]


def dtype_of(value: Value) -> str:
    """A dtype by torch's name. Raises BadCheckpoint."""
    name = value.name.removeprefix("torch.") if isinstance(value, Global) else ""
    if name not in dtypes.BITS:
        raise BadCheckpoint("a tensor has a dtype that torch has not")
    return name


def shape_of(value: Value) -> tuple[int, ...]:
    """Raises BadCheckpoint where it is none."""
    shape = integers(value)
    if shape is None:
        raise BadCheckpoint("a tensor has a shape that is no tuple of numbers")
    return shape


Args = tuple[Value, ...]


def _strided(args: Args, dtype: str = "") -> Built:
    """storage, offset, size, stride, …"""
    if len(args) < 4:
        raise BadCheckpoint("a tensor is built from too little")
    storage, (offset,), shape = storage_of(args[0]), shape_of(args[1:2]), shape_of(args[2])
    strides = shape_of(args[3])
    dtype = dtype or storage.dtype
    if not dtype or len(strides) != len(shape) or offset < 0 or min(strides, default=0) < 0:
        raise BadCheckpoint("a tensor is laid out as none can be")
    count = dtypes.count_of(shape)
    steps = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if count and dtypes.size_of(offset + steps + 1, dtype) > storage.size:
        raise BadCheckpoint("a tensor reaches past the end of its storage")
    place = (storage.key, offset, strides, dtype)
    return Built(dtype, shape, count, dtypes.size_of(count, dtype), storage, place)


def _with_dtype(args: Args) -> Built:
    """storage, offset, size, stride, requires_grad, hooks, dtype."""
    if len(args) < 7:
        raise BadCheckpoint("a tensor is built from too little")
    return _strided(args, dtype_of(args[6]))


def _without_values(args: Args) -> Built:
    """dtype, size, stride, requires_grad."""
    if len(args) < 2:
        raise BadCheckpoint("a tensor is built from too little")
    return _plain(dtype_of(args[0]), shape_of(args[1]))


def _subclass(args: Args) -> Built:
    """class, dtype, size, …"""
    return _without_values(args[1:])


def _sparse(args: Args) -> Built:
    """layout, (indices, values, size, …) or (compressed, plain indices, values, size)."""
    parts = args[1] if len(args) > 1 and isinstance(args[1], tuple) else ()
    tensors = [built for part in parts if (built := tensor_of(part))]
    size = next((part for part in parts if integers(part) is not None), None)
    if not tensors or size is None:
        raise BadCheckpoint("a sparse tensor is built from too little")
    held = dtypes.bounded(sum(each.size for each in tensors))
    return Built(tensors[-1].dtype, shape := shape_of(size), dtypes.count_of(shape), held)


def _plain(dtype: str, shape: tuple[int, ...]) -> Built:
    count = dtypes.count_of(shape)
    return Built(dtype, shape, count, dtypes.size_of(count, dtype))


_BUILDERS: Mapping[str, Callable[[Args], Built]] = {
    "tensor": _strided,
    "tensor_v2": _strided,
    "tensor_v3": _with_dtype,
    "qtensor": _strided,
    "meta_tensor_no_storage": _without_values,
    "wrapper_subclass": _subclass,
    "sparse_tensor": _sparse,
}
