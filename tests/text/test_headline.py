"""The header line, whole and shorter."""

from __future__ import annotations

import pytest

from nninspect.protocol.layers import pack
from nninspect.protocol.records import Device, Environment, InputSpec, Inspection, Setup, Totals
from nninspect.text.headline import SEPARATOR, fit, pieces

ENVIRONMENT = Environment(
    host="gpubox",
    python="3.11",
    torch="2.13.0",
    pid=1,
    devices=(Device("cpu"), Device("cuda:0")),
)
INSPECTION = Inspection(
    setup=Setup(target="resnet-small"),
    inputs=(InputSpec((1, 3, 32, 32)),),
    dtype="float32",
    title="ResNetSmall",
    inputs_from="the model card",
    layers=pack([]),
    totals=Totals(
        modules=1,
        parameters=175_258,
        trainable=175_258,
        buffers=0,
        parameter_bytes=0,
        buffer_bytes=0,
        mult_adds=40_100_000,
    ),
)


def line(width: int) -> str:
    return SEPARATOR.join(text for _, text in fit(pieces(INSPECTION, ENVIRONMENT), width))


def test_the_whole_line() -> None:
    assert line(200) == (
        "nninspect · resnet-small · cpu ▸ cuda:0 · float32 · eval · input (1, 3, 32, 32)"
        " · 175,258 params · 40.1 M mult-adds"
    )


def test_what_matters_least_goes_first() -> None:
    assert (
        line(78) == "resnet-small · cpu ▸ cuda:0 · (1, 3, 32, 32) · 175 k params · 40.1 M mult-adds"
    )
    assert line(30) == "resnet-small · cpu"


@pytest.mark.parametrize("width", range(18, 120))
def test_it_fits_and_always_says_what_and_where(width: int) -> None:
    assert len(line(width)) <= width
    assert line(width).replace("nninspect · ", "").startswith("resnet-small · cpu")


def test_before_the_worker_is_ready_only_the_models_device_is_known() -> None:
    shown = dict(fit(pieces(INSPECTION, None), 200))
    assert shown["devices"] == "cpu"
