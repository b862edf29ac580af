"""The globals of a pickle that mean something here: by exact name, those that torch itself allows.

`torch.serialization.get_unsafe_globals_in_checkpoint` goes by the same names (torch 2.13); DCP's
dataclasses are added. A list of module prefixes would let `torch.storage._load_from_bytes` in.
"""

from __future__ import annotations

from nninspect.checkpoint import dtypes

_PLAIN = (
    *("_codecs.encode", "builtins.bytearray", "builtins.complex", "builtins.set"),
    *("collections.Counter", "collections.OrderedDict"),
)
_TORCH = (
    *("Size", "Tensor", "device", "per_channel_affine", "per_channel_affine_float_qparams"),
    *("per_channel_symmetric", "per_tensor_affine", "per_tensor_symmetric"),
    *("_tensor._rebuild_from_type_v2", "nn.parameter.Parameter", "serialization._get_layout"),
    *("storage.TypedStorage", "storage.UntypedStorage"),
)
_REBUILDS = (
    *("device_tensor_from_cpu_tensor", "device_tensor_from_numpy", "meta_tensor_no_storage"),
    *("nested_tensor", "parameter", "parameter_with_state", "qtensor", "sparse_tensor", "tensor"),
    *("tensor_v2", "tensor_v3", "wrapper_subclass"),
)
_TYPES = ("Double", "Float", "Half", "Long", "Int", "Short", "Char", "Byte", "BFloat16")
_ON_CUDA = (*_TYPES, "Bool", "ComplexDouble", "ComplexFloat")
_NO_DTYPES = {"float4_e2m1", "float6_e2m3", "float6_e3m2", "int8", "uint8"}
"""Those of other formats; the two last are named below."""
_DCP = (
    *("Metadata", "TensorStorageMetadata", "TensorProperties", "ChunkStorageMetadata"),
    *("BytesStorageMetadata", "MetadataIndex", "StorageMeta", "_MEM_FORMAT_ENCODING"),
)

DCP = "torch.distributed.checkpoint.metadata"

ALLOWED = frozenset(
    (
        *_PLAIN,
        *(f"torch.{name}" for name in _TORCH),
        *(f"torch._utils._rebuild_{name}" for name in _REBUILDS),
        *(f"torch.{name}" for name in dtypes.BITS if name not in _NO_DTYPES),
        *("torch.int8", "torch.uint8"),
        *(f"torch.{name}Storage" for name in dtypes.STORAGES),
        *(f"torch.{name}Tensor" for name in (*_TYPES, "Bool")),
        *(f"torch.cuda.{name}Storage" for name in _ON_CUDA),
        *(f"torch.cuda.{name}Tensor" for name in (*_TYPES, "Bool")),
        *(f"torch.sparse.{name}Tensor" for name in _TYPES),
        *(f"torch.cuda.sparse.{name}Tensor" for name in _TYPES),
        *(f"{DCP}.{name}" for name in _DCP),
        "torch.distributed.checkpoint.filesystem._StorageInfo",
    )
)
