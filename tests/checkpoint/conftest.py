"""Files of weights: written by torch, and by hand where torch writes none."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch


class Files:
    """Writes files of weights, each over the last of its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, data: bytes, name: str = "model.pt") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    @staticmethod
    def saved(value: object, **options: Any) -> bytes:
        """What torch.save writes."""
        buffer = io.BytesIO()
        torch.save(value, buffer, **options)
        return buffer.getvalue()

    @staticmethod
    def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
        """Of a tensor in the header of safetensors."""
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    @staticmethod
    def safetensors(header: Mapping[str, Any] | bytes, values: bytes = b"") -> bytes:
        """A file of that header."""
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + values

    @staticmethod
    def zipped(pickle: bytes, storages: Mapping[str, bytes] = {}) -> bytes:
        """What torch.save would write around a pickle."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/data.pkl", pickle)
            for key, values in storages.items():
                archive.writestr(f"archive/data/{key}", values)
        return buffer.getvalue()

    @staticmethod
    def gguf(tensors: Mapping[str, tuple[tuple[int, ...], int, int]]) -> bytes:
        """Of (dimensions, innermost first; type; offset), with 4 KiB of values."""

        def text(said: str) -> bytes:
            return struct.pack("<Q", len(said)) + said.encode()

        pairs = text("general.name") + struct.pack("<I", 8) + text("tiny")
        pairs += text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
        listed = b"".join(
            text(name)
            + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
            + struct.pack("<IQ", kind, offset)
            for name, (shape, kind, offset) in tensors.items()
        )
        return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 2) + pairs + listed + bytes(4096)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
