"""What a target names, and what to type instead where it names nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nninspect.engine.target import FileTarget, ModuleTarget, parse_target
from nninspect.errors import BadTarget
from nninspect.plugin import Collection, ModelCard


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> None:
    def card(name: str) -> ModelCard:
        return ModelCard(name=name, title="", description="", factory="a:b", inputs=())

    found = (Collection("acme", (card("tiny"), card("both"))), Collection("zoo", (card("both"),)))
    monkeypatch.setattr("nninspect.plugin.collections", lambda: found)
    monkeypatch.setattr("nninspect.engine.target.collections", lambda: found)


def refusal(text: str) -> BadTarget:
    with pytest.raises(BadTarget) as caught:
        parse_target(text)
    return caught.value


def test_a_bare_name_is_a_card() -> None:
    card = parse_target("resnet-small")
    assert isinstance(card, ModelCard)
    assert card.name == "resnet-small"


def test_a_card_is_found_by_its_collection_too() -> None:
    assert parse_target("bundled/resnet-small") is parse_target(" resnet-small ")


@pytest.mark.usefixtures("collections")
def test_a_name_in_two_collections_asks_which() -> None:
    error = refusal("both")
    assert error.choices == ("acme/both", "zoo/both")
    assert "acme/both or zoo/both" in error.hint
    assert isinstance(parse_target("zoo/both"), ModelCard)


def test_a_file_with_and_without_a_name(write: Callable[..., Path]) -> None:
    path = write("net.py")
    assert parse_target("net.py:Net") == FileTarget(path, "Net")
    assert parse_target("./net.py") == FileTarget(path, "")
    assert parse_target("net.py:") == FileTarget(path, "")
    assert parse_target(f"{path}:Net.build") == FileTarget(path, "Net.build")


def test_the_home_directory_is_expanded(
    write: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    path = write("net.py")
    assert parse_target("~/net.py:Net") == FileTarget(path, "Net")
    assert "there is no file" in refusal("~no-such-user/net.py").message


def test_a_class_name_may_be_in_any_script(write: Callable[..., Path]) -> None:
    path = write("net.py")
    assert parse_target("net.py:모델") == FileTarget(path, "모델")


def test_a_module_and_its_attribute() -> None:
    assert parse_target("torch.nn:Identity") == ModuleTarget("torch.nn", "Identity")
    assert parse_target("torch.nn") == ModuleTarget("torch.nn", "")
    assert parse_target("pkg:make_net") == ModuleTarget("pkg", "make_net")


def test_a_package_that_is_a_folder_here_is_still_a_module(write: Callable[..., Path]) -> None:
    write("pkg/__init__.py")
    assert parse_target("pkg:make_net") == ModuleTarget("pkg", "make_net")


@pytest.mark.parametrize("text", [".", "..", "./", "pkg", "pkg/", ".:Net"])
def test_a_directory_says_that_it_is_one(text: str, write: Callable[..., Path]) -> None:
    write("pkg/net.py")
    error = refusal(text)
    assert "is a directory" in error.message
    assert ":Net" in error.hint


def test_a_directory_names_a_file_in_it(write: Callable[..., Path]) -> None:
    write("pkg/vision.py")
    assert refusal("pkg").hint == "Name a file in it: pkg/vision.py:Net"


def test_a_missing_file_suggests_the_one_next_to_it(write: Callable[..., Path]) -> None:
    write("network.py")
    error = refusal("netwrk.py:Net")
    assert error.message == "there is no file netwrk.py"
    assert error.hint == "Did you mean network.py?"


def test_a_missing_file_far_from_any_other_says_how_targets_are_written() -> None:
    assert "path/to/net.py:Net" in refusal("no/such/folder/net.py").hint


@pytest.mark.parametrize("name", ["weights.pt", "notes.txt", "my weights.bin"])
def test_a_file_that_is_not_python_says_so(name: str, write: Callable[..., Path]) -> None:
    write(name)
    assert refusal(name).message == f"{name} is not a Python file"


def test_what_follows_the_colon_must_be_a_name(write: Callable[..., Path]) -> None:
    write("net.py")
    assert refusal("net.py:Net()").message == "'Net()' in 'net.py:Net()' is not a name"


def test_a_file_named_without_its_ending_is_suggested(write: Callable[..., Path]) -> None:
    write("network.py")
    assert refusal("network").hint == "Did you mean network.py?"


def test_a_misspelt_card_is_suggested() -> None:
    assert refusal("resnet-smal").hint == "Did you mean resnet-small?"
    assert refusal("ResNet-Small").hint == "Did you mean resnet-small?"


@pytest.mark.parametrize(
    "text", ["", "  ", "xyzzy", "%$#", "a" * 5000, "a" * 300 + ".py", "net\0.py"]
)
def test_nonsense_is_told_how_targets_are_written(text: str) -> None:
    assert "package.module:make_net" in refusal(text).hint
