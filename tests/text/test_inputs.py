"""How an input is typed and written."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec, Setting
from nninspect.text.inputs import DTYPES, format_input, parse_input, parse_setting

NAMES = st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True).filter(str.isidentifier)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9).map(float)
BOUNDS = st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] < pair[1])


@st.composite
def _specs(draw: st.DrawFn) -> InputSpec:
    low, high = draw(st.just((None, None)) | BOUNDS)
    return InputSpec(
        shape=tuple(draw(st.lists(st.integers(0, 10**12), max_size=5))),
        dtype=draw(st.sampled_from(DTYPES)),
        name=draw(st.just("") | NAMES),
        low=low,
        high=high,
    )


@given(_specs())
def test_what_is_written_is_read_back_the_same(spec: InputSpec) -> None:
    assert parse_input(format_input(spec)) == spec


@given(st.text(max_size=30))
def test_any_text_is_an_input_or_a_bad_input(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert isinstance(parse_input(text), InputSpec)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("1,3,224,224", InputSpec((1, 3, 224, 224))),
        ("1x3x224x224", InputSpec((1, 3, 224, 224))),
        (" ( 1, 3 ) ", InputSpec((1, 3))),
        ("(10,)", InputSpec((10,))),
        ("1 × 128", InputSpec((1, 128))),
        ("()", InputSpec(())),
        ("float32:", InputSpec(())),
        ("int64:1x128", InputSpec((1, 128), "int64")),
        ("int64[0:128256]:1x128", InputSpec((1, 128), "int64", low=0, high=128256)),
        ("float16[-1:1]:2", InputSpec((2,), "float16", low=-1, high=1)),
        ("mask=bool:1x128", InputSpec((1, 128), "bool", "mask")),
        ("x=1x3", InputSpec((1, 3), name="x")),
        ("batch.images[1]=1x3", InputSpec((1, 3), name="batch.images[1]")),
        ("이미지 = 1x3", InputSpec((1, 3), name="이미지")),
        ("complex64:2", InputSpec((2,), "complex64")),
    ],
)
def test_an_input_is_read(text: str, spec: InputSpec) -> None:
    assert parse_input(text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not an input"),
        ("abc", "'abc' is not an input"),
        ("x=", "'x=' is not an input"),
        (",", "',' is not an input"),
        ("1,-3", "'1,-3' is not an input"),
        ("1..3", "'1..3' is not an input"),
        ("9" * 5000, "is not an input"),
        ("floaty:1x3", "'floaty' is not a dtype"),
        ("int64[a:b]:1", "the range in 'int64[a:b]:1' is not two numbers"),
        ("float32[nan:1]:1", "the range in 'float32[nan:1]:1' is not two numbers"),
        ("float32[0:inf]:1", "the range in 'float32[0:inf]:1' is not two numbers"),
        ("int64[5:2]:1", "the range in 'int64[5:2]:1' is empty"),
    ],
)
def test_what_is_no_input_says_what_to_type(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_input(text)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (InputSpec((1, 3, 32, 32)), "1x3x32x32"),
        (InputSpec((1, 16), "int64", low=0, high=128256), "int64[0:128256]:1x16"),
        (InputSpec((2,), low=0.1, high=1234567.25), "float32[0.1:1234567.25]:2"),
        (InputSpec((1,), name="x"), "x=1"),
        (InputSpec(()), "float32:"),
    ],
)
def test_an_input_is_written_with_every_digit(spec: InputSpec, text: str) -> None:
    assert format_input(spec) == text


def test_a_setting_is_a_name_and_a_text() -> None:
    assert parse_setting("hidden=128") == Setting("hidden", "128")
    assert parse_setting(" a = b=c ") == Setting("a", "b=c")
    assert parse_setting("empty=") == Setting("empty", "")


@pytest.mark.parametrize("text", ["hidden", "=3", "a b=3", "3=a", ""])
def test_what_is_no_setting_says_how_one_is_written(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_setting(text)
    assert caught.value.hint == "Write it as --set hidden=128"
