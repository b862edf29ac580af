"""What is in a file of weights, read from its header: no value, and nothing executed."""

from __future__ import annotations

from collections import Counter

from nninspect.protocol.records import Record


class StoredTensor(Record, frozen=True, array_like=True):
    """One tensor as it is stored."""

    path: str
    """Dotted, as in a `state_dict`: "stem.conv.weight"."""
    dtype: str
    """torch's name of it; for a quantized one of GGUF its own, "Q4_K"."""
    shape: tuple[int, ...]
    count: int
    """Elements."""
    size: int
    """Bytes of its elements."""
    file: str = ""
    """The shard that holds it; "" where there is only one file."""
    also: tuple[str, ...] = ()
    """Other paths of the same storage, place and shape: it is tied."""


class Checkpoint(Record, frozen=True):
    """A file of weights, a set of shards, or a directory of them."""

    path: str
    """As it was asked for."""
    format: str
    """For people: "safetensors", "torch.save (zip)", "GGUF version 3"."""
    tensors: tuple[StoredTensor, ...]
    """Of the model, in the order of the file; a tied one once."""
    prefix: str = ""
    """Under which key the model's tensors were found: "model"; "" at the top."""
    rest: tuple[tuple[str, str], ...] = ()
    """What else is in it, by path, and what that is: ("epoch", "3")."""
    metadata: tuple[tuple[str, str], ...] = ()
    """What the file says of itself, by name."""
    globals: tuple[str, ...] = ()
    """Names in a pickle that are not those of tensors; they were named, never called."""
    remarks: tuple[str, ...] = ()
    """What is odd: missing shards, tensors that are views of one storage. Sentences."""

    @property
    def parameters(self) -> int:
        """Elements of all tensors; buffers can't be told from parameters in a file."""
        return sum(tensor.count for tensor in self.tensors)

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def dtypes(self) -> tuple[tuple[str, int], ...]:
        """Each dtype with its bytes, the largest first."""
        found: Counter[str] = Counter()
        for tensor in self.tensors:
            found[tensor.dtype] += tensor.size
        return tuple(found.most_common())


class Mismatch(Record, frozen=True):
    """One tensor that is something else in the file than in the model."""

    path: str
    stored: str
    model: str


class Fit(Record, frozen=True):
    """A file of weights beside a model, by the names of their tensors."""

    model: str
    """The target."""
    matched: int
    """Names that are in both, of the same shape."""
    missing: tuple[str, ...] = ()
    """Of the model, and not in the file."""
    unexpected: tuple[str, ...] = ()
    """In the file, and not of the model."""
    shapes: tuple[Mismatch, ...] = ()
    dtypes: tuple[Mismatch, ...] = ()
    """Loading converts them: told of, and no failure."""
    tied: tuple[str, ...] = ()
    """Of the model and not in the file, but another name of the same tensor is."""
    hint: str = ""
    """What to do where only a prefix differs."""

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unexpected or self.shapes)
