"""The directory of a zip file, held to bounds: what is where, and nothing of what it says believed.

Format: APPNOTE.TXT of PKWARE, 4.3 and 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from nninspect.checkpoint.budget import MAX_HEADER, MAX_TENSORS, Budget
from nninspect.checkpoint.files import exactly
from nninspect.errors import BadCheckpoint

MAGIC = b"PK\x03\x04"
MAX_DIRECTORY = 2 * MAX_HEADER
"""Bytes; an entry takes some 100."""
MAX_RATIO = 200
"""Bytes that a compressed one may become; deflate could do 1,000."""

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 2**16
_FULL = 2**32 - 1
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1


class Entry(NamedTuple):
    """One file of the archive."""

    method: int
    flags: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes unpacked."""
    at: int
    """Where its local header is."""


def entries(file: BinaryIO, size: int, budget: Budget) -> dict[str, Entry]:
    """Every entry by its name. Raises BadCheckpoint where two share one, or it lies outside."""
    count, length, at = _end(file, size)
    if length > MAX_DIRECTORY or count > 2 * MAX_TENSORS:
        raise BadCheckpoint("the zip has too many entries")
    if at + length > size:
        raise BadCheckpoint("the zip's directory lies past the end of the file")
    file.seek(at)
    found: dict[str, Entry] = {}
    for name, entry in _listed(exactly(file, length), count):
        budget.step()
        if name in found:
            raise BadCheckpoint(f"the zip has two entries called {name}")
        if entry.at + entry.packed + _LOCAL.size > at:
            raise BadCheckpoint(f"{name} lies past the end of what the zip holds")
        if entry.method == _STORED and entry.packed != entry.size:
            raise BadCheckpoint(f"{name} says two sizes of itself")
        found[name] = entry
    return found


def unpacked(file: BinaryIO, name: str, entry: Entry, most: int = MAX_HEADER) -> bytes:
    """An entry's bytes. Raises BadCheckpoint where they are more than they may be."""
    if entry.flags & _ENCRYPTED or entry.method not in (_STORED, _DEFLATED):
        raise BadCheckpoint(f"{name} is encrypted, or packed in a way that torch does not read")
    if max(entry.size, entry.packed) > most:
        raise BadCheckpoint(f"{name} has {entry.size:,} bytes, and {most:,} are the most")
    if entry.size > MAX_RATIO * entry.packed + MAX_RATIO:
        raise BadCheckpoint(f"{name} is packed {entry.size // max(entry.packed, 1)} to 1")
    file.seek(entry.at)
    signature, *_, name_length, extra_length = _LOCAL.unpack(exactly(file, _LOCAL.size))
    local_name = exactly(file, name_length)
    if signature != MAGIC or local_name.decode("utf-8", "replace") != name:
        raise BadCheckpoint(f"{name} is not where the zip's directory says")
    file.seek(extra_length, 1)
    data = exactly(file, entry.packed)
    if entry.method == _DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.size + 1)
        except zlib.error:
            raise BadCheckpoint(f"{name} can't be unpacked") from None
    if len(data) != entry.size:
        raise BadCheckpoint(f"{name} has other bytes than it says")
    return data


def _end(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """How many entries there are, the directory's bytes, and where it begins."""
    tail = min(size, _END.size + _LONGEST_COMMENT + _LOCATOR.size)
    file.seek(size - tail)
    data = exactly(file, tail)
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(data):
        raise BadCheckpoint("the zip has no end: the file is cut short", "Was it copied whole?")
    _, _, _, _, count, length, begin, _ = _END.unpack_from(data, at)
    locator = at - _LOCATOR.size
    if locator < 0 or data[locator : locator + 4] != b"PK\x06\x07":
        return count, length, begin
    place = _LOCATOR.unpack_from(data, locator)[2]
    if place + _END_64.size > size:
        raise BadCheckpoint("the zip's end lies past the end of the file")
    file.seek(place)
    signature, *_, count, length, begin = _END_64.unpack(exactly(file, _END_64.size))
    if signature != b"PK\x06\x06":
        raise BadCheckpoint("the zip's end is not where it says")
    return count, length, begin


def _listed(data: bytes, count: int) -> Iterator[tuple[str, Entry]]:
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(data):
            raise BadCheckpoint("the zip's directory is cut short")
        signature, _, _, flags, method, _, _, _, packed, size, *rest = _ENTRY.unpack_from(data, at)
        name_length, extra_length, comment_length, _, _, _, place = rest
        if signature != b"PK\x01\x02":
            raise BadCheckpoint("the zip's directory has what is no entry")
        at += _ENTRY.size
        name = data[at : at + name_length].decode("utf-8", "replace")
        at += name_length
        extra = data[at : at + extra_length]
        at += extra_length + comment_length
        size, packed, place = _wide(extra, (size, packed, place))
        yield name, Entry(method, flags, packed, size, place)


def _wide(extra: bytes, narrow: tuple[int, int, int]) -> tuple[int, int, int]:
    """The sizes and the place that did not fit into 32 bits."""
    at, values = 0, list(narrow)
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            numbers = struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])
            for place, value in enumerate(values):
                if value == _FULL and (number := next(numbers, None)):
                    (values[place],) = number
            break
        at += 4 + length
    size, packed, place = values
    return size, packed, place
