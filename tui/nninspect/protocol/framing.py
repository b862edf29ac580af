"""Frames: a little-endian u32 length, then one MessagePack message of that many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from nninspect.errors import ProtocolError
from nninspect.protocol.messages import MAGIC, Request, Response

MAX_FRAME = 64 * 2**20
"""Bytes. A longer frame is a mistake, or an attack."""

MAX_PREAMBLE = 64 * 2**10
"""Bytes that may come before the magic: what a login shell prints."""

_LENGTH_BYTES = 4

_Message = TypeVar("_Message")


def _as_plain(value: object) -> str | int | float:
    """A subclass of a plain type, which libraries like to return (`torch.__version__`), as it."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
    raise TypeError(f"a {type(value).__name__} can't be sent")


_encoder = msgspec.msgpack.Encoder(enc_hook=_as_plain)


def encode(message: Request | Response) -> bytes:
    """One message as one frame. Raises ProtocolError above MAX_FRAME, and on what can't be sent:
    an integer beyond 64 bits, text that is not Unicode."""
    try:
        body = _encoder.encode(message)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"a message could not be encoded: {error}") from error
    if len(body) > MAX_FRAME:
        raise ProtocolError(
            f"a message of {len(body):,} bytes is over the limit of {MAX_FRAME:,}",
            "The model is larger than this version can show.",
        )
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


class FrameReader:
    """Bytes as they arrive, in pieces of any size, to whole message bodies."""

    def __init__(self, *, magic: bytes = b"") -> None:
        """`magic`: bytes to look for first; all before them is dropped."""
        self._buffer = bytearray()
        self._magic = magic

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Every body that is whole now. Raises ProtocolError on a frame over MAX_FRAME."""
        self._buffer += data
        if self._magic and not self._skip_preamble():
            return
        while len(self._buffer) >= _LENGTH_BYTES:
            length = int.from_bytes(self._buffer[:_LENGTH_BYTES], "little")
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame of {length:,} bytes is over the limit")
            end = _LENGTH_BYTES + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH_BYTES:end])
            del self._buffer[:end]
            yield body

    def _skip_preamble(self) -> bool:
        place = self._buffer.find(self._magic)
        if place < 0:
            if len(self._buffer) > MAX_PREAMBLE:
                raise ProtocolError("the other end is not an nninspect worker")
            return False
        del self._buffer[: place + len(self._magic)]
        self._magic = b""
        return True


class RequestReader:
    """The worker's end: bytes to requests."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Request)

    def feed(self, data: bytes) -> Iterator[Request]:
        """Raises ProtocolError on anything that is not a request."""
        for body in self._frames.feed(data):
            yield _decode(self._decoder, body)


class ResponseReader:
    """The client's end: bytes to responses, once the magic has been seen."""

    def __init__(self) -> None:
        self._frames = FrameReader(magic=MAGIC)
        self._decoder = msgspec.msgpack.Decoder(Response)

    def feed(self, data: bytes) -> Iterator[Response]:
        """Raises ProtocolError on anything that is not a response."""
        for body in self._frames.feed(data):
            yield _decode(self._decoder, body)


def _decode(decoder: msgspec.msgpack.Decoder[_Message], body: bytes) -> _Message:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProtocolError(f"a message could not be decoded: {error}") from error
