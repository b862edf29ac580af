"""Files that are made to harm: nothing of them is executed, and each ends in words."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nninspect.checkpoint.read import read
from nninspect.errors import BadCheckpoint

SYSTEM = b"cos\nsystem\n"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
FLOATS = b"ctorch\nFloatStorage\n"


def text(said: str) -> bytes:
    return b"X" + struct.pack("<I", len(said)) + said.encode()


def persistent(count: bytes = b"K\x04", key: bytes = text("0"), kind: bytes = FLOATS) -> bytes:
    return b"(" + text("storage") + kind + key + text("cpu") + count + b"tQ"


def tensor(storage: bytes, shape: bytes = b"K\x04\x85", stride: bytes = b"K\x01\x85") -> bytes:
    """{"w": a tensor}"""
    built = TENSOR + b"(" + storage + b"K\x00" + shape + stride + b"\x89}tR"
    return b"\x80\x02}" + text("w") + built + b"s."


class Reduced:
    """What pickle itself would execute."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


CALLS = {
    "reduce": SYSTEM + text("touch executed") + b"\x85R.",
    "inst": b"(" + text("touch executed") + b"ios\nsystem\n.",
    "obj": b"(" + SYSTEM + text("touch executed") + b"o.",
    "newobj": SYSTEM + text("touch executed") + b"\x85\x81.",
    "newobj_ex": SYSTEM + text("touch executed") + b"\x85}\x92.",
    "stack_global": text("os") + text("system") + b"\x93" + text("touch executed") + b"\x85R.",
    "setstate": b"cos\nsystem\n)\x81" + text("touch executed") + b"b.",
    "eval": b"cbuiltins\neval\n" + text("__import__('os').mkdir('executed')") + b"\x85R.",
    "load_from_bytes": b"ctorch.storage\n_load_from_bytes\nB\x00\x00\x00\x00\x85R.",
    "python 2": b"c__builtin__\neval\n" + text("1") + b"\x85R.",
    "under the model": b"}" + text("model") + SYSTEM + text("touch executed") + b"\x85Rs.",
    "as a key": b"}" + SYSTEM + text("touch executed") + b"\x85RNs.",
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "bare"])
def test_a_call_is_named_and_never_made(
    files: Any, monkeypatch: pytest.MonkeyPatch, name: str, is_zip: bool
) -> None:
    monkeypatch.chdir(files.folder)
    data = b"\x80\x02" + CALLS[name]
    found = read(str(files.write(files.zipped(data) if is_zip else data)))
    assert len(found.globals) == 1
    assert found.globals[0] in {
        *("os.system", "builtins.eval", "torch.storage._load_from_bytes"),
    }
    assert not Path("executed").exists()


def test_what_pickle_would_execute_is_not(files: Any, tmp_path: Path) -> None:
    data = pickle.dumps(Reduced(tmp_path / "executed"))
    assert read(str(files.write(data))).globals == ("posix.mkdir",)
    assert not (tmp_path / "executed").exists()
    pickle.loads(data)
    assert (tmp_path / "executed").exists()


REFUSED = {
    "extension registry": (b"\x82\x01.", "extension registry"),
    "out of band": (b"\x97.", "data elsewhere"),
    "memo of 4 billion": (b"Nr\xff\xff\xff\xff.", "remembers more"),
    "recall of nothing": (b"h\x07.", "never made"),
    "long of 2 GiB": (b"\x8b\xff\xff\xff\x7f.", "integer of"),
    "decimal of a million digits": (b"L" + b"9" * 1_000_000 + b"L\n.", "does not end"),
    "text of 4 GiB": (b"X\xff\xff\xff\xff.", "cut short"),
    "empty stack": (b"R.", "takes what is not there"),
    "no such opcode": (b"\xfe.", "opcode"),
    "no stop": (b"N", "takes what is not there"),
    "filling a text": (text("a") + b"NNs.", "can't be filled"),
    "arguments that are none": (SYSTEM + b"NR.", "no arguments"),
    "global named by a list": (b"]]\x93.", "no text"),
    "deep": (b"".join([b"}", (text("k") + b"}") * 900, b"s" * 900, b"."]), "deep"),
    "opcodes without end": (b"N0" * 6_000_000 + b".", "too many steps"),
    "names without end": (
        b"".join(text("m") + text(str(n)) + b"\x93" for n in range(11_000)) + b".",
        "too many globals",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_pickle_that_is_none_or_too_much_is_refused(files: Any, name: str) -> None:
    data, words = REFUSED[name]
    with pytest.raises(BadCheckpoint, match=words):
        read(str(files.write(files.zipped(b"\x80\x02" + data))))


LIES = {
    "persistent id that is no storage": (tensor(b"K\x01Q"), "no storage"),
    "storage of a type that is none": (tensor(persistent(kind=SYSTEM)), "type that torch"),
    "storage that is not there": (tensor(persistent(key=text("9"))), "no storage 9"),
    "storage by a path": (tensor(persistent(key=text("../../x"))), "no storage"),
    "storage larger than it is": (tensor(persistent(b"M\xff\xff")), "says 262,140 bytes"),
    "storage of negative length": (tensor(persistent(b"J\xff\xff\xff\xff")), "larger than any"),
    "tensor past its storage": (tensor(persistent(), b"K\x05\x85"), "past the end"),
    "shape of 2**126": (
        tensor(persistent(), b"\x8a\x08" + b"\xff" * 7 + b"\x3f" + b"2\x86", b"K\x00K\x00\x86"),
        "larger than any",
    ),
    "negative stride": (tensor(persistent(), stride=b"J\xff\xff\xff\xff\x85"), "as none can"),
    "shape of texts": (tensor(persistent(), text("a") + b"\x85"), "no tuple of numbers"),
    "strides too few": (tensor(persistent(), stride=b")"), "as none can"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_tensor_that_lies_is_refused(files: Any, name: str) -> None:
    data, words = LIES[name]
    with pytest.raises(BadCheckpoint, match=words):
        read(str(files.write(files.zipped(data, {"0": bytes(16)}))))


def test_the_same_without_a_lie_is_read(files: Any) -> None:
    found = read(str(files.write(files.zipped(tensor(persistent()), {"0": bytes(16)}))))
    assert [each.shape for each in found.tensors] == [(4,)]


def test_a_bomb_of_shared_tuples_takes_no_time(files: Any) -> None:
    began = time.process_time()
    bomb = b")" + b"2\x86" * 100_000 + b"."
    with pytest.raises(BadCheckpoint, match="deep"):
        read(str(files.write(files.zipped(b"\x80\x02" + bomb))))
    shallow = b")" + b"2\x86" * 60 + b"."
    assert read(str(files.write(files.zipped(b"\x80\x02" + shallow)))).tensors == ()
    assert time.process_time() - began < 20


def test_a_dict_that_holds_itself_ends(files: Any) -> None:
    data = b"\x80\x02}q\x00" + text("me") + b"h\x00s."
    assert read(str(files.write(files.zipped(data)))).tensors == ()


def duplicated() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a/data.pkl", b"\x80\x02N.")
        archive.writestr("a/data.pkl", b"\x80\x02" + SYSTEM + b".")
    return buffer.getvalue()


def deflated() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"N0" * 2**20 + b"N.")
    return buffer.getvalue()


def changed(place: int, value: bytes) -> Callable[[Any], bytes]:
    """A zip whose directory says something else at a place of its first entry."""

    def make(files: Any) -> bytes:
        data = files.zipped(b"\x80\x02N.")
        at = data.index(b"PK\x01\x02") + place
        return bytes(data[:at] + value + data[at + len(value) :])

    return make


ZIPS: dict[str, tuple[Callable[[Any], bytes], str]] = {
    "two entries of a name": (lambda _: duplicated(), "two entries"),
    "deflate bomb": (lambda _: deflated(), "to 1"),
    "entry past the end": (changed(42, b"\xff\xff\xff\x7f"), "past the end"),
    "two sizes": (changed(24, b"\xff\xff\x00\x00"), "two sizes"),
    "encrypted": (changed(8, b"\x01\x00"), "encrypted"),
    "bzip2": (changed(10, b"\x0c\x00"), "packed in a way"),
    "another place": (changed(42, b"\x01\x00\x00\x00"), "not where"),
    "another name": (changed(46, b"archivE"), "not where"),
    "directory past the end": (
        lambda files: files.zipped(b"N.")[:-6] + b"\xf0\xff\xff\x7f\x00\x00",
        "past the end",
    ),
    "no end": (lambda files: files.zipped(b"N.")[:-22], "no end"),
}


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_that_lies_is_refused(files: Any, name: str) -> None:
    make, words = ZIPS[name]
    with pytest.raises(BadCheckpoint, match=words):
        read(str(files.write(make(files))))


ENTRY = b'"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
HEADERS = {
    "key twice": (b"{" + ENTRY + b", " + ENTRY + b"}", 4, "key twice"),
    "key twice within": (
        b'{"a": {"dtype": "F32", "dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        4,
        "key twice",
    ),
    "overlap": (b"{" + ENTRY + b", " + ENTRY.replace(b'"a"', b'"b"') + b"}", 8, "overlap"),
    "gap": (b"{" + ENTRY.replace(b"[0, 4]", b"[4, 8]") + b"}", 8, "gap"),
    "other bytes": (b"{" + ENTRY.replace(b"[1]", b"[2]") + b"}", 4, "other bytes"),
    "overflow": (b"{" + ENTRY.replace(b"[1]", b"[4611686018427387904, 4]") + b"}", 4, "larger"),
    "negative": (b"{" + ENTRY.replace(b"[1]", b"[-1]") + b"}", 4, "no numbers"),
    "true": (b"{" + ENTRY.replace(b"[1]", b"[true]") + b"}", 4, "no numbers"),
    "huge number": (b"{" + ENTRY.replace(b"[1]", b"[" + b"9" * 9999 + b"]") + b"}", 4, "not JSON"),
    "nested": (b'{"a":' * 9999 + b"}" * 9999, 0, "not JSON"),
    "unknown dtype": (b"{" + ENTRY.replace(b"F32", b"OS") + b"}", 4, "not known"),
    "more fields": (b"{" + ENTRY[:-1] + b', "x": 1}}', 4, "other fields"),
    "too long a file": (b"{" + ENTRY + b"}", 5, "copied whole|the file has"),
    "metadata": (b'{"__metadata__": {"a": 1}, ' + ENTRY + b"}", 4, "not texts"),
    "not text": (b"{\xff}", 0, "not JSON"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_lies_is_refused(files: Any, name: str) -> None:
    header, size, words = HEADERS[name]
    with pytest.raises(BadCheckpoint, match=words):
        read(str(files.write(files.safetensors(header, bytes(size)), "m.safetensors")))


def test_a_header_longer_than_it_may_be_is_not_read(files: Any) -> None:
    path = files.write((2**26).to_bytes(8, "little") + b"{", "m.safetensors")
    os.truncate(path, 2**27)
    with pytest.raises(BadCheckpoint, match="is over"):
        read(str(path))


@pytest.mark.parametrize("shard", ["../x.safetensors", "/etc/passwd", "", ".", "..", "a\x00b", 3])
def test_a_shard_is_a_file_beside_its_index(files: Any, shard: object) -> None:
    path = files.write(json.dumps({"weight_map": {"a": shard}}).encode(), "m.index.json")
    with pytest.raises(BadCheckpoint, match="beside the index"):
        read(str(path))


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "zero.pt").symlink_to("/dev/zero")
    for name in ("pipe.pt", "zero.pt"):
        with pytest.raises(BadCheckpoint, match="not a regular file"):
            read(str(tmp_path / name))
