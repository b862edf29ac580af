"""The catalogue itself: complete cards, cheap to import."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch.nn.functional as F

from nninspect.plugin import ModelCard, collections

CARDS = next(found.cards for found in collections() if found.name == "bundled")
NAMES = {card.name for card in CARDS}
BROKEN = [card for card in CARDS if card.twin_of]
GOOD = [card for card in CARDS if not card.twin_of]

GOOD_NAMES = {
    "mlp-sequential",
    "mlp-named",
    "mlp-module",
    "mlp-functional",
    "mlp-modulelist",
    "cnn-hybrid",
    "cnn-digits",
    "resnet-small",
    "inception-block",
    "transformer-encoder",
    "rnn-tanh",
    "activations-zoo",
    "two-inputs",
    "regressor",
    "binary-classifier",
    "classifier",
}
BROKEN_NAMES = {
    "broken-linear-stack",
    "broken-sigmoid-hidden",
    "broken-relu-output",
    "broken-softmax-ce",
    "broken-regression-ce",
    "broken-classification-mse",
    "broken-bce-logits",
    "broken-double-sigmoid",
    "broken-python-list",
    "broken-no-super",
    "broken-sequential-skip",
    "broken-shapes",
    "broken-batch",
    "broken-norm-order",
    "broken-names",
    "broken-notebook",
}

each_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
each_broken_card = pytest.mark.parametrize("card", BROKEN, ids=lambda card: card.name)


def module_of(card: ModelCard) -> ModuleType:
    return import_module(card.factory.partition(":")[0])


def source_of(card: ModelCard) -> str:
    if card.name == "broken-notebook":
        return "\n".join(module_of(card).code_cells()[:-1])
    return Path(str(module_of(card).__file__)).read_text(encoding="utf-8")


def factory_signature(card: ModelCard) -> inspect.Signature:
    return inspect.signature(getattr(module_of(card), card.factory.partition(":")[2]))


def statements(source: str) -> set[str]:
    """Every simple statement of a file, one line each, docstrings and comments left out."""
    tree = ast.parse(source)
    simple = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return {
        ast.unparse(node)
        for node in simple
        if not hasattr(node, "body")
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }


def test_the_collection_holds_every_network_once() -> None:
    assert [card.name for card in CARDS] == list(dict.fromkeys(card.name for card in CARDS))
    assert {card.name for card in GOOD} == GOOD_NAMES
    assert {card.name for card in BROKEN} == BROKEN_NAMES


def test_the_catalogue_and_the_package_import_no_torch() -> None:
    code = (
        "import sys, nninspect_models.catalog as catalog\n"
        "assert len(catalog.CARDS) > 0\n"
        "assert 'torch' not in sys.modules, 'the catalogue imports torch'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@each_card
def test_a_card_is_complete(card: ModelCard) -> None:
    assert card.title
    assert card.concepts
    assert card.inputs
    assert len(card.description.split()) > 20
    assert "\n" not in card.description
    assert "  " not in card.description
    assert card.description.endswith(".")


@each_card
def test_a_card_names_a_loss_of_pytorch_and_with_it_a_task(card: ModelCard) -> None:
    assert bool(card.task) == bool(card.loss)
    assert not card.loss or callable(getattr(F, card.loss))


@each_card
def test_a_network_with_a_loss_of_its_own_takes_the_one_that_the_card_names(
    card: ModelCard,
) -> None:
    losses = re.findall(r"return F\.(\w+)\((?:value|logits?|probabilit)", source_of(card))
    assert losses in ([], [card.loss])


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("broken-regression-ce", "cross_entropy"),
        ("broken-classification-mse", "mse_loss"),
        ("broken-bce-logits", "binary_cross_entropy"),
    ],
)
def test_the_wrong_loss_stands_on_the_card(name: str, loss: str) -> None:
    assert next(card.loss for card in BROKEN if card.name == name) == loss


@each_card
def test_inputs_start_at_one_sample(card: ModelCard) -> None:
    assert [spec.shape[spec.batch_dim] for spec in card.inputs] == [1] * len(card.inputs)


@each_card
def test_a_network_lives_in_the_file_of_its_name(card: ModelCard) -> None:
    assert module_of(card).__name__ == f"nninspect_models.{card.name.replace('-', '_')}"


@each_card
def test_every_argument_of_a_factory_has_a_default(card: ModelCard) -> None:
    parameters = factory_signature(card).parameters.values()
    assert parameters
    assert all(type(parameter.default) in (int, float) for parameter in parameters)


@pytest.mark.parametrize("card", GOOD, ids=lambda card: card.name)
def test_a_good_network_gives_references_and_admits_no_mistake(card: ModelCard) -> None:
    assert "References: " in (module_of(card).__doc__ or "")
    assert not card.mistake
    assert "mistake" not in source_of(card)


@each_broken_card
def test_a_broken_twin_says_what_it_should_have_been(card: ModelCard) -> None:
    twin = next(other for other in GOOD if other.name == card.twin_of)
    assert card.mistake.endswith(".")
    assert f"`{card.twin_of.replace('-', '_')}.py`" in (module_of(card).__doc__ or "")
    assert card.inputs == twin.inputs
    assert card.task == twin.task
    assert factory_signature(card) == factory_signature(twin)


@each_broken_card
def test_a_broken_twin_marks_one_mistake(card: ModelCard) -> None:
    assert source_of(card).count("# mistake: ") == 1


@each_broken_card
def test_a_broken_twin_differs_from_the_good_one_in_a_few_statements_only(card: ModelCard) -> None:
    twin = next(other for other in GOOD if other.name == card.twin_of)
    changed = statements(source_of(card)) ^ statements(source_of(twin))
    assert 1 <= len(changed) <= 8, changed
