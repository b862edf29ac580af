"""Each format, as its own writer writes it, against what its own reader says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.checkpoint.allowed import ALLOWED, DCP
from nninspect.checkpoint.read import read
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 2)


Facts = dict[str, tuple[tuple[int, ...], str, int]]


def facts(found: Checkpoint) -> Facts:
    return {
        path: (each.shape, each.dtype, each.size)
        for each in found.tensors
        for path in (each.path, *each.also)
    }


def expected(state: dict[str, torch.Tensor]) -> Facts:
    return {
        path: (
            tuple(each.shape),
            str(each.dtype).removeprefix("torch."),
            each.numel() * each.element_size(),
        )
        for path, each in state.items()
    }


ODD = {
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0, 3),
    "bf16": torch.zeros(2, dtype=torch.bfloat16),
    "u16": torch.zeros(3, dtype=torch.uint16),
    "fp8": torch.zeros(2, dtype=torch.float8_e4m3fn),
    "complex": torch.zeros(2, dtype=torch.complex64),
    "bool": torch.zeros(5, dtype=torch.bool),
    "transposed": torch.zeros(2, 3).T,
    "expanded": torch.zeros(1).expand(4),
    "parameter": nn.Parameter(torch.zeros(2)),
}


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("state", [Net().state_dict(), ODD], ids=["network", "odd"])
def test_a_state_dict_is_what_torch_loads(files: Any, state: Any, is_zip: bool) -> None:
    if not is_zip:  # its storages have no type for these
        state = {name: each for name, each in state.items() if name not in ("u16", "fp8")}
    path = files.write(files.saved(state, _use_new_zipfile_serialization=is_zip))
    found = read(str(path))
    assert facts(found) == expected(torch.load(path, weights_only=True))
    assert found.globals == ()
    assert found.format == f"torch.save ({'zip' if is_zip else 'legacy'})"


def test_a_training_checkpoint_has_its_model_found_and_the_rest_told(files: Any) -> None:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    model.first(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    found = read(str(files.write(files.saved(state))))
    assert facts(found) == expected(model.state_dict())
    assert found.prefix == "model"
    assert dict(found.rest)["epoch"] == "3"
    assert "with 2 tensors of 64 B" in dict(found.rest)["optimizer"]


def test_dicts_of_tensors_in_dicts_have_dotted_paths(files: Any) -> None:
    state = {"G": {"w": torch.zeros(2)}, "D": [torch.zeros(3), {"b": torch.zeros(1)}]}
    assert list(facts(read(str(files.write(files.saved(state)))))) == ["G.w", "D.0", "D.1.b"]


def test_a_module_that_was_pickled_whole_shows_its_tensors_and_names_its_classes(
    files: Any,
) -> None:
    found = read(str(files.write(files.saved(Net()))))
    assert facts(found) == expected(Net().state_dict())
    assert "torch.nn.modules.linear.Linear" in found.globals


def test_tied_tensors_count_once_and_views_are_told(files: Any) -> None:
    weight = torch.zeros(100)
    found = read(
        str(files.write(files.saved({"a": weight, "b": weight, "v": torch.zeros(50)[:2]})))
    )
    assert [(each.path, each.also) for each in found.tensors] == [("a", ("b",)), ("v", ())]
    assert found.parameters == 102
    assert "192 B that no tensor shows" in found.remarks[0]


@pytest.mark.filterwarnings("ignore")  # of torch's: beta, deprecated
def test_sparse_quantized_and_meta_tensors_have_their_shapes(files: Any) -> None:
    state = {
        "coo": torch.eye(3).to_sparse(),
        "csr": torch.eye(4).to_sparse_csr(),
        "meta": torch.zeros(5, 2, device="meta"),
        "quantized": torch.quantize_per_tensor(torch.zeros(4), 1.0, 0, torch.qint8),
    }
    found = facts(read(str(files.write(files.saved(state)))))
    assert [shape for shape, _, _ in found.values()] == [(3, 3), (4, 4), (5, 2), (4,)]
    assert found["quantized"][1:] == ("qint8", 4)
    assert found["coo"][2] == 2 * 3 * 8 + 3 * 4


@pytest.mark.filterwarnings("ignore")  # of torch's: beta, deprecated
def test_torchscript_is_read_from_its_pickle(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    torch.jit.script(nn.Sequential(nn.Linear(3, 2), nn.ReLU())).save(str(path))
    found = read(str(path))
    assert list(facts(found)) == ["0.weight", "0.bias"]
    assert found.format == "TorchScript (zip)"


def test_an_exported_program_is_read_from_its_json(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    model = nn.Linear(3, 2)
    torch.export.save(torch.export.export(model, (torch.zeros(1, 3),)), path)
    assert facts(read(str(path))) == expected(model.state_dict())


@pytest.mark.filterwarnings("ignore")  # of torch's: beta, deprecated
def test_a_distributed_checkpoint_is_read_from_its_metadata(tmp_path: Path) -> None:
    import torch.distributed.checkpoint as dcp

    state = {"model": Net().state_dict(), "epoch": 3}
    dcp.save(state, checkpoint_id=tmp_path / "dcp", no_dist=True)
    found = read(str(tmp_path / "dcp"))
    assert facts(found) == {
        f"model.{path}": fact for path, fact in expected(Net().state_dict()).items()
    }
    assert [name for name, _ in found.rest] == ["epoch"]
    assert found.remarks == ()
    next((tmp_path / "dcp").glob("*.distcp")).unlink()
    assert "1 file missing" in read(str(tmp_path / "dcp")).remarks[0]


def test_gguf_has_its_shapes_outermost_first_and_counts_blocks(files: Any) -> None:
    path = files.write(files.gguf({"w": ((64, 3), 2, 0), "b": ((3,), 0, 128)}), "m.gguf")
    found = read(str(path))
    assert facts(found) == {"w": ((3, 64), "Q4_0", 6 * 18), "b": ((3,), "float32", 12)}
    assert found.metadata == (("general.name", "tiny"), ("tokens", "an array of 2"))


def test_safetensors_has_its_tensors_and_metadata(files: Any) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": files.entry([2], 24, 28, "BF16"),
        "w": files.entry([2, 3], 0, 24),
    }
    found = read(str(files.write(files.safetensors(header, bytes(28)), "m.safetensors")))
    assert facts(found) == {"w": ((2, 3), "float32", 24), "b": ((2,), "bfloat16", 4)}
    assert found.metadata == (("format", "pt"),)


@pytest.fixture
def index(files: Any) -> Path:
    files.write(
        files.safetensors({"a": files.entry([1], 0, 4), "extra": files.entry([1], 4, 8)}, bytes(8)),
        "1.safetensors",
    )
    files.write(files.safetensors({"b": files.entry([1], 0, 4)}, bytes(4)), "2.safetensors")
    places = {"a": "1.safetensors", "b": "1.safetensors", "gone": "1.safetensors"}
    places |= {"far": "3.safetensors", "c": "2.safetensors"}
    said = {"metadata": {"total_size": 12}, "weight_map": places}
    return files.write(json.dumps(said).encode(), "model.safetensors.index.json")


def test_an_index_tells_what_its_shards_lack(index: Path) -> None:
    found = read(str(index))
    assert [(each.path, each.file) for each in found.tensors] == [
        ("a", "1.safetensors"),
        ("extra", "1.safetensors"),
        ("b", "2.safetensors"),
    ]
    assert found.metadata == (("total_size", "12"),)
    assert found.remarks == (
        "1 shard missing: 3.safetensors",
        "2 tensors missing in its shard: gone, c",
        "1 tensor in another shard than the index says: b",
        "1 tensor not in the index: extra",
    )


def test_a_directory_is_read_by_its_index_or_by_its_files(index: Path) -> None:
    assert read(str(index.parent)).remarks
    index.unlink()
    found = read(str(index.parent))
    assert list(facts(found)) == ["a", "extra", "b"]
    assert found.format == "safetensors, 2 files"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("m.onnx", b"\x08\x01", "Netron"),
        ("m.pt", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("m.bin", b"hello, world, hello", "none of safetensors"),
        ("m.pt", b"", "none of safetensors"),
    ],
)
def test_what_is_no_file_of_weights_says_what_to_do(
    files: Any, name: str, data: bytes, words: str
) -> None:
    with pytest.raises(BadCheckpoint) as caught:
        read(str(files.write(data, name)))
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_the_allowed_globals_are_those_of_torch_and_of_dcp() -> None:
    from torch._weights_only_unpickler import _get_allowed_globals

    ours = {name for name in ALLOWED if not name.startswith(DCP.rpartition(".")[0])}
    assert ours >= set(_get_allowed_globals())
    if torch.__version__.startswith("2.13"):
        assert ours == set(_get_allowed_globals())


def test_a_file_cut_short_anywhere_is_told(files: Any) -> None:
    for data, name in (
        (files.saved(Net().state_dict()), "m.pt"),
        (files.saved(Net().state_dict(), _use_new_zipfile_serialization=False), "m.pth"),
        (files.safetensors({"a": files.entry([8], 0, 32)}, bytes(32)), "m.safetensors"),
        (files.gguf({"b": ((1024,), 0, 0)}), "m.gguf"),
    ):
        for length in range(0, len(data) - 1, max(1, len(data) // 50)):
            with pytest.raises(BadCheckpoint):
                read(str(files.write(data[:length], name)))


def test_ninety_thousand_tensors_are_read(files: Any) -> None:
    header = {f"layers.{n}.weight": files.entry([1], 4 * n, 4 * n + 4) for n in range(90_000)}
    found = read(str(files.write(files.safetensors(header, bytes(360_000)), "m.safetensors")))
    assert len(found.tensors) == found.parameters == 90_000
