"""The devices of this machine, and why there are no others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from nninspect.engine import devices
from nninspect.errors import BadInput, DeviceError
from nninspect.protocol.records import Device


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Device("cuda:0", "A", 1), Device("cuda:1", "B", 2))
    monkeypatch.setattr(devices, "accelerators", lambda: found)


@pytest.fixture
def _cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "accelerators", lambda: ())
    monkeypatch.setattr(devices, "why_no_accelerator", lambda: "it has none")


def built_for(monkeypatch: pytest.MonkeyPatch, *, cuda: str | None, mps: bool = False) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: mps)
    for name in devices._HIDING:
        monkeypatch.delenv(name, raising=False)


def test_a_build_for_the_cpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    built_for(monkeypatch, cuda=None)
    assert devices.why_no_accelerator() == (
        f"this torch ({torch.__version__}) is built for the CPU only"
    )


@pytest.mark.parametrize("value", ["", "-1", " "])
def test_a_hidden_gpu_says_what_hides_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built_for(monkeypatch, cuda="12.8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert devices.why_no_accelerator() == f"CUDA_VISIBLE_DEVICES={value!r} hides every GPU"


def test_an_amd_gpu_that_is_hidden_and_an_intel_gpu_without_a_driver_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built_for(monkeypatch, cuda=None)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "-1")
    assert devices.why_no_accelerator() == "HIP_VISIBLE_DEVICES='-1' hides every GPU"
    built_for(monkeypatch, cuda=None)
    monkeypatch.setattr(torch.xpu, "_is_compiled", lambda: True)
    assert "no Intel GPU" in devices.why_no_accelerator()


def test_a_missing_driver_says_what_cuda_says(monkeypatch: pytest.MonkeyPatch) -> None:
    built_for(monkeypatch, cuda="12.8")

    def complain() -> int:
        raise RuntimeError("Found no NVIDIA driver on your system.\nPlease check …")

    monkeypatch.setattr(torch.cuda, "current_device", complain)
    assert devices.why_no_accelerator() == (
        "torch finds no GPU: Found no NVIDIA driver on your system."
    )


def test_a_driver_without_a_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    built_for(monkeypatch, cuda="12.8")
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert devices.why_no_accelerator() == "torch finds no GPU: the driver lists none"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "9")
    assert devices.why_no_accelerator() == "torch finds no GPU: CUDA_VISIBLE_DEVICES='9' names none"


def test_an_old_mac_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    built_for(monkeypatch, cuda=None, mps=True)
    assert "this Mac has no GPU" in devices.why_no_accelerator()


@pytest.mark.usefixtures("_cpu_only")
def test_an_environment_with_the_cpu_only_says_why() -> None:
    found = devices.environment()
    assert [device.name for device in found.devices] == ["cpu"]
    assert found.no_accelerator == "it has none"
    assert found.torch == torch.__version__
    assert found.threads == torch.get_num_threads()


@pytest.mark.usefixtures("_two_gpus")
def test_an_environment_with_accelerators_has_nothing_to_explain() -> None:
    found = devices.environment()
    assert [device.name for device in found.devices] == ["cpu", "cuda:0", "cuda:1"]
    assert found.no_accelerator == ""


def pretend(monkeypatch: pytest.MonkeyPatch, kind: str, count: int = 1) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(kind))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)


def test_every_gpu_has_a_name_a_title_and_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cuda", 2)
    properties = SimpleNamespace(name="H100", total_memory=80)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda name: properties)
    expected = tuple(Device(f"cuda:{number}", "H100", 80) for number in range(2))
    assert devices.accelerators() == expected


def test_a_gpu_that_tells_nothing_still_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cuda")

    def complain(name: str) -> object:
        raise AssertionError("Invalid device id")

    monkeypatch.setattr(torch.cuda, "get_device_properties", complain)
    assert devices.accelerators() == (Device("cuda:0"),)


def test_an_apple_gpu_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "mps")
    assert [device.name for device in devices.accelerators()] == ["mps"]
    assert devices.device_named("mps") == torch.device("mps")
    assert devices.device_named("mps:0") == torch.device("mps")


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("cpu", "cpu"),
        ("cpu:0", "cpu"),
        ("cuda", "cuda:0"),
        ("cuda:0", "cuda:0"),
        ("cuda:1", "cuda:1"),
        ("meta", "meta"),
    ],
)
def test_a_device_is_known_by_its_names(name: str, device: str) -> None:
    assert str(devices.device_named(name)) == device


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "cpu:cuda"])
def test_what_is_no_device_says_which_there_are(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        devices.device_named(name)
    assert caught.value.hint == "Use one of cpu, cuda:0, cuda:1"


@pytest.mark.usefixtures("_two_gpus")
def test_a_device_that_is_not_here_says_which_are() -> None:
    with pytest.raises(DeviceError) as caught:
        devices.device_named("cuda:2")
    assert caught.value.message == "this machine has no device cuda:2"
    assert caught.value.hint == "Use --device cpu or cuda:0 or cuda:1"


@pytest.mark.usefixtures("_cpu_only")
def test_a_missing_gpu_says_why_it_is_missing() -> None:
    with pytest.raises(DeviceError) as caught:
        devices.device_named("cuda")
    assert caught.value.message == "this machine has no device cuda: it has none"


def test_freeing_a_cache_asks_the_device_and_never_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: asked.append("cuda"))
    for name in ("cpu", "meta", "cuda:0"):
        devices.free_cache(torch.device(name))
    assert asked == ["cuda"]
