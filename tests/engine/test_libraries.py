"""Models that a library builds: found in its registry, and messages where that fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.engine.libraries.importing import import_library
from nninspect.engine.load import Loaded
from nninspect.engine.target import LibraryTarget, parse_target
from nninspect.errors import BadTarget

Write = Callable[..., Path]
Opened = Callable[..., Loaded]


def refusal(action: Callable[..., Any], *args: Any) -> BadTarget:
    with pytest.raises(BadTarget) as caught:
        action(*args)
    return caught.value


class Weights:
    """As torchvision describes published ones: with the transforms that they were trained on."""

    def __init__(self, side: int) -> None:
        self._side = side

    def transforms(self) -> Any:
        return SimpleNamespace(crop_size=[self._side])


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A torchvision of two models; what their builders were called with."""
    calls: list[dict[str, Any]] = []

    def resnet18(*, weights: Any = None, width: int = 2) -> nn.Module:
        calls.append({"weights": weights})
        return nn.Sequential(nn.Conv2d(3, width, 3))

    def detector(*, weights: Any = None, weights_backbone: Any = "downloaded") -> nn.Module:
        calls.append({"weights": weights, "weights_backbone": weights_backbone})
        return nn.Sequential(nn.Conv2d(3, 2, 3))

    builders = {"resnet18": resnet18, "detector": detector}
    published: dict[str, Sequence[Weights]] = {"resnet18": [Weights(160)], "detector": []}
    library: Any = ModuleType("torchvision")
    library.models = SimpleNamespace(
        list_models=lambda: list(builders),
        get_model_builder=builders.__getitem__,
        get_model_weights=published.__getitem__,
    )
    monkeypatch.setitem(sys.modules, "torchvision", library)
    return calls


# What the text names


@pytest.mark.parametrize("text", ["torchvision:resnet18", "timm:vit_base_patch16_224.augreg_in21k"])
def test_a_librarys_model_is_told_by_its_prefix(text: str) -> None:
    assert parse_target(text) == LibraryTarget(*text.split(":"))


@pytest.mark.parametrize("text", ["llama/config.json", "llama", "hf:llama", "hf:llama/config.json"])
def test_a_config_is_named_by_itself_or_by_its_directory(text: str, write: Write) -> None:
    path = write("llama/config.json", "{}")
    if text == "llama":
        text = "./llama"
    assert parse_target(text) == LibraryTarget("hf", str(path))


def test_a_name_on_the_hub_is_not_downloaded(folder: Path) -> None:
    error = refusal(parse_target, "hf:meta-llama/Llama-3.1-405B")
    assert "there is no file" in error.message
    assert "Nothing is downloaded" in error.hint
    assert refusal(parse_target, "hf:").message == "hf: names no config"


# torchvision


def test_a_builder_gets_no_weights_not_even_its_backbones(
    torchvision: list[dict[str, Any]], opened: Opened
) -> None:
    opened("torchvision:detector")
    assert torchvision[-1] == {"weights": None, "weights_backbone": None}


def test_the_input_is_of_the_size_that_the_weights_expect(
    torchvision: list[dict[str, Any]], opened: Opened
) -> None:
    for name, side in ("resnet18", 160), ("detector", 224):
        entry = opened(f"torchvision:{name}").entry
        assert entry is not None
        assert entry.inputs[0].shape == (1, 3, side, side)
        assert entry.inputs_from == "torchvision's usual size"


@pytest.mark.usefixtures("torchvision")
def test_settings_reach_the_builder(opened: Opened) -> None:
    assert opened("torchvision:resnet18", width="5").model[0].out_channels == 5


@pytest.mark.usefixtures("torchvision")
def test_a_misspelt_name_suggests_the_right_one(opened: Opened) -> None:
    assert refusal(opened, "torchvision:resnet81").hint == "Did you mean resnet18?"
    assert "torchvision:resnet50" in refusal(opened, "torchvision:xyzzy").hint
    assert refusal(opened, "torchvision:").message == "torchvision: names no model"


# A library that is not there


def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(import_library, "no_such_library")
    assert error.message == "there is no no_such_library here"
    assert error.hint.endswith("pip install no_such_library")


def test_a_librarys_own_missing_library_is_the_one_to_install(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("needy_library.py", "import no_such_library.part")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    error = refusal(import_library, "needy_library")
    assert error.message == "there is no no_such_library here, which needy_library needs"


def test_a_library_made_for_another_torch_says_so(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("stale_library.py", "raise RuntimeError('operator stale::nms does not exist')")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    error = refusal(import_library, "stale_library")
    assert "RuntimeError: operator stale::nms does not exist" in error.message
    assert "fit the installed torch" in error.hint
    assert "stale_library.py" in error.details


# A config


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "can't be read as JSON"), ("[]", "names no model_type"), ("{}", "names no model_type")],
)
def test_what_is_no_config_says_so(text: str, message: str, write: Write, opened: Opened) -> None:
    write("config.json", text)
    assert message in refusal(opened, "config.json").message


@pytest.fixture
def transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transformers of one architecture."""

    class Config:
        def __init__(self, width: int) -> None:
            self.width = width

        @classmethod
        def from_dict(cls, values: dict[str, Any]) -> Config:
            assert values.keys().isdisjoint({"auto_map", "quantization_config"})
            return cls(values["width"])

        def to_dict(self) -> dict[str, Any]:
            return {"width": self.width}

    class TinyModel(nn.Linear):
        @classmethod
        def _from_config(cls, config: Config) -> TinyModel:
            return cls(4, config.width)

    class AutoModel:
        @staticmethod
        def from_config(config: Config) -> nn.Module:
            return nn.Sequential(nn.Linear(2, config.width))

    library: Any = ModuleType("transformers")
    library.__version__ = "5.0"
    library.TinyModel, library.AutoModel = TinyModel, AutoModel
    mapping = SimpleNamespace(CONFIG_MAPPING={"tiny": Config})
    library.models = SimpleNamespace(auto=SimpleNamespace(configuration_auto=mapping))
    monkeypatch.setitem(sys.modules, "transformers", library)


@pytest.fixture
def configured(write: Write) -> Callable[..., str]:
    """A config with these values, as a target."""

    def configured(**values: Any) -> str:
        write("tiny/config.json", json.dumps({"model_type": "tiny", "width": 3, **values}))
        return "hf:tiny"

    return configured


@pytest.mark.usefixtures("transformers")
def test_the_architecture_that_the_config_names_is_built(
    configured: Callable[..., str], opened: Opened
) -> None:
    named = opened(configured(architectures=["TinyModel"], auto_map={"AutoModel": "x.Y"}))
    assert named.model.out_features == 3
    assert isinstance(opened(configured()).model, nn.Sequential)


@pytest.mark.usefixtures("transformers")
def test_a_value_of_the_config_can_be_set(configured: Callable[..., str], opened: Opened) -> None:
    assert opened(configured(architectures=["TinyModel"]), width="7").model.out_features == 7
    with pytest.raises(Exception, match="takes no argument widht"):
        opened(configured(), widht="7")


@pytest.mark.usefixtures("transformers")
def test_a_quantized_model_is_built_plain_and_says_so(
    configured: Callable[..., str], opened: Opened
) -> None:
    entry = opened(configured(quantization_config={"quant_method": "fp8"})).entry
    assert entry is not None
    assert entry.note == "quantization_config is left out"


@pytest.mark.usefixtures("transformers")
@pytest.mark.parametrize(
    "values", [{"model_type": "stranger"}, {"architectures": ["StrangerModel"]}]
)
def test_code_that_comes_with_a_model_is_refused(
    values: dict[str, Any], configured: Callable[..., str], opened: Opened
) -> None:
    error = refusal(opened, configured(**values, auto_map={"AutoModel": "modeling.Stranger"}))
    assert "(auto_map) is not run" in error.message
    assert "path/to/modeling_file.py:Class" in error.hint


@pytest.mark.usefixtures("transformers")
def test_an_unknown_architecture_suggests_a_known_one(
    configured: Callable[..., str], opened: Opened
) -> None:
    error = refusal(opened, configured(architectures=["TinyModell"]))
    assert error.message == "transformers 5.0 has no architecture TinyModell"
    assert error.hint == "Did you mean TinyModel?"
    assert "pip install -U" in refusal(opened, configured(model_type="stranger")).hint


@pytest.mark.usefixtures("transformers")
def test_a_config_that_the_library_refuses_says_why(write: Write, opened: Opened) -> None:
    write("config.json", '{"model_type": "tiny", "transformers_version": "4.42"}')
    error = refusal(opened, "config.json")
    assert "transformers refuses" in error.message
    assert error.hint.endswith("4.42")


# Larger than memory


@pytest.mark.usefixtures("torchvision")
def test_a_model_larger_than_the_free_memory_stays_on_meta(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nninspect.engine.meta.free_bytes", lambda device: 2**30)
    huge = opened("torchvision:resnet18", width="10_000_000")
    assert huge.model[0].weight.is_meta
    assert huge.kept_on_meta == (
        "on meta, without values: the weights take 1.04 GiB, and 1.00 GiB of memory are free"
    )
    small = opened("torchvision:resnet18")
    assert small.model[0].weight.device == torch.device("cpu")
    assert small.kept_on_meta == ""


@pytest.mark.usefixtures("torchvision")
def test_a_library_builds_the_same_weights_every_time(opened: Opened) -> None:
    first, second = opened("torchvision:resnet18"), opened("torchvision:resnet18")
    assert torch.equal(first.model[0].weight, second.model[0].weight)
