"""How an input is typed and written: `1,3,224,224`, `int64:1x128`, `mask=bool:1x128`."""

from __future__ import annotations

import math
import re

from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec, Setting

FLOAT_DTYPES = ("float32", "float16", "bfloat16", "float64")
INTEGER_DTYPES = ("int64", "int32", "int16", "int8", "uint8", "bool")
DTYPES = (*FLOAT_DTYPES, *INTEGER_DTYPES, "complex64", "complex128")

EXAMPLES = "--input 1,3,224,224 or --input int64:1x128 or --input mask=bool:1x128"

_FORM = re.compile(
    r"""
    (?: (?P<name>[^\W\d]\w*(?:\.\w+|\[\d+\])*) \s* = \s* )?
    (?: (?P<dtype>[a-z]+\d*) \s* (?: \[ (?P<low>[^:\]]+) : (?P<high>[^:\]]+) \] )? \s* : \s* )?
    (?: \(? \s* (?P<shape> \d{1,18} (?: \s* [,x×] \s* \d{1,18} )* ) \s* ,? \s* \)?
      | \( \s* \)
      | (?<=:) \s* )
    """,
    re.VERBOSE,
)


def parse_input(text: str) -> InputSpec:
    """Read `[name=][dtype[[low:high]]:]shape`; the shape's dimensions are parted by "," or "x".

    `batch.image=` is the entry "image" of the argument `batch`, which is a dict, or an object with
    that attribute; `batch.0=` is its first, of a tuple, and `batch[0]=` of a list.

    Raises BadInput with what was expected.
    """
    match = _FORM.fullmatch(text.strip())
    if not match:
        raise BadInput(f"{text!r} is not an input", f"Write its shape: {EXAMPLES}")
    dtype = match["dtype"] or "float32"
    if dtype not in DTYPES:
        raise BadInput(f"{dtype!r} is not a dtype", "Use one of " + ", ".join(DTYPES))
    dims = re.split(r"\s*[,x×]\s*", match["shape"].strip()) if match["shape"] else []
    low, high = _bounds(match["low"], match["high"], text)
    return InputSpec(tuple(int(dim) for dim in dims), dtype, match["name"] or "", low, high)


def _bounds(low: str | None, high: str | None, text: str) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return None, None
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = math.nan, math.nan
    if not all(map(math.isfinite, bounds)):
        raise BadInput(
            f"the range in {text!r} is not two numbers", "Write it as int64[0:1000]:1x128"
        )
    if bounds[0] >= bounds[1]:
        raise BadInput(f"the range in {text!r} is empty", "Write the lower number first")
    return bounds


def format_input(spec: InputSpec) -> str:
    """The text that `parse_input` reads back."""
    name = f"{spec.name}=" if spec.name else ""
    bounds = ""
    if spec.low is not None and spec.high is not None:
        bounds = f"[{format_number(spec.low)}:{format_number(spec.high)}]"
    plain = spec.dtype == "float32" and not bounds and spec.shape
    dtype = "" if plain else f"{spec.dtype}{bounds}:"
    return f"{name}{dtype}{'x'.join(map(str, spec.shape))}"


def format_number(value: float) -> str:
    """Every digit: 128256.0 → "128256", 0.1 → "0.1"."""
    return str(int(value)) if value == int(value) else repr(value)


def parse_setting(text: str) -> Setting:
    """Read `name=value`. Raises BadInput."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise BadInput(f"{text!r} is not a setting", "Write it as --set hidden=128")
    return Setting(name.strip(), value.strip())
