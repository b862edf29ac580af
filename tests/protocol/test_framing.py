"""Frames and messages: everything round-trips, and nothing but the protocol is taken for it."""

from __future__ import annotations

import enum
import itertools
import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nninspect.errors import ProtocolError
from nninspect.protocol import framing
from nninspect.protocol.framing import RequestReader, ResponseReader, encode
from nninspect.protocol.messages import (
    MAGIC,
    Cancel,
    ClientHello,
    Progress,
    Ready,
    Request,
    Response,
)
from nninspect.protocol.records import Environment


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that occurs in a message."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return structs(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return st.sampled_from(annotation)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(values_of, arguments))
    return {
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False),
        str: st.text(max_size=20),
        bool: st.booleans(),
        bytes: st.binary(max_size=20),
        types.NoneType: st.none(),
    }[annotation]


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = typing.get_type_hints(kind)
    names = kind.__struct_fields__
    return st.builds(
        kind, **{name: st.deferred(lambda n=name: values_of(fields[n])) for name in names}
    )


REQUESTS = typing.get_args(Request)
RESPONSES = typing.get_args(Response)


@pytest.mark.parametrize("kind", REQUESTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_request_round_trips(kind: type[Any], data: st.DataObject) -> None:
    request = data.draw(structs(kind))
    assert list(RequestReader().feed(encode(request))) == [request]


@pytest.mark.parametrize("kind", RESPONSES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_response_round_trips(kind: type[Any], data: st.DataObject) -> None:
    response = data.draw(structs(kind))
    assert list(ResponseReader().feed(MAGIC + encode(response))) == [response]


@given(cuts=st.lists(st.integers(0, 120)))
def test_pieces_of_any_size_give_the_same_messages(cuts: list[int]) -> None:
    messages = [Progress(request_id=n, stage="é" * n, fraction=n / 7) for n in range(4)]
    stream = MAGIC + b"".join(map(encode, messages))
    edges = [0, *sorted(cuts), len(stream)]
    reader = ResponseReader()
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert [message for piece in pieces for message in reader.feed(piece)] == messages


def test_a_message_that_comes_byte_by_byte_is_whole_at_its_last_byte() -> None:
    reader = RequestReader()
    frame = encode(Cancel(request_id=7))
    early = [message for byte in frame[:-1] for message in reader.feed(bytes([byte]))]
    assert early == []
    assert list(reader.feed(frame[-1:])) == [Cancel(request_id=7)]


def test_a_truncated_frame_is_no_message() -> None:
    assert list(RequestReader().feed(encode(ClientHello())[:-1])) == []


@pytest.mark.parametrize(
    "before", [b"", b"Welcome to gpubox!\r\n", b"\x00\n\xff" * 999, MAGIC[:-1]]
)
def test_what_comes_before_the_magic_is_dropped(before: bytes) -> None:
    progress = Progress(request_id=1, stage="s")
    assert list(ResponseReader().feed(before + MAGIC + encode(progress))) == [progress]


def test_without_the_magic_it_is_no_worker() -> None:
    with pytest.raises(ProtocolError, match="not an nninspect worker"):
        list(ResponseReader().feed(b"x" * (framing.MAX_PREAMBLE + 1)))


def test_a_length_over_the_limit_is_refused_before_it_is_read() -> None:
    too_long = (framing.MAX_FRAME + 1).to_bytes(4, "little")
    with pytest.raises(ProtocolError, match="over the limit"):
        list(RequestReader().feed(too_long))


def test_a_message_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_FRAME", 100)
    with pytest.raises(ProtocolError, match="over the limit"):
        encode(Progress(request_id=1, stage="x" * 100))


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"not MessagePack",
        msgspec.msgpack.encode({"type": "Cancel"}),
        msgspec.msgpack.encode({"type": "Cancel", "request_id": "1"}),
        msgspec.msgpack.encode({"type": "Cancel", "request_id": 1, "more": 1}),
        msgspec.msgpack.encode({"type": "Exec", "code": "boom"}),
        msgspec.msgpack.encode({"type": "Progress", "request_id": 1, "stage": "s"}),
        msgspec.msgpack.encode(Cancel(request_id=1)) + b"\x00",
    ],
)
def test_anything_that_is_not_a_request_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="could not be decoded"):
        list(RequestReader().feed(frame(body)))


@given(junk=st.binary(max_size=200))
def test_junk_never_raises_anything_but_a_protocol_error(junk: bytes) -> None:
    try:
        list(RequestReader().feed(junk))
        list(RequestReader().feed(frame(junk)))
    except ProtocolError:
        pass


class Text(str):
    """As `torch.__version__` is one."""

    def __str__(self) -> str:
        return self


def test_a_subclass_of_text_or_of_a_number_is_sent_as_the_plain_value() -> None:
    class Count(int): ...

    class Fraction(float): ...

    sent = Progress(request_id=Count(3), stage=Text("s"), fraction=Fraction(0.5))
    assert list(ResponseReader().feed(MAGIC + encode(sent))) == [
        Progress(request_id=3, stage="s", fraction=0.5)
    ]


@pytest.mark.parametrize(
    "message",
    [
        Progress(request_id=1, stage="\udc80"),
        Progress(request_id=2**70, stage=""),
        Ready(environment=typing.cast(Environment, object())),
    ],
)
def test_what_can_not_be_encoded_is_a_protocol_error(message: Response) -> None:
    with pytest.raises(ProtocolError, match="could not be encoded"):
        encode(message)
