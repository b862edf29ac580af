"""Where the source of a class is found, and what is said where it is not."""

from __future__ import annotations

from torch import nn

from nninspect.engine.class_source import NOT_FOUND, class_source


class Small(nn.Module):
    """A class of this file."""

    def forward(self, x: object) -> object:
        return x


def test_a_short_class_is_shown_whole_with_its_place() -> None:
    found = class_source(Small())
    assert found.owner.endswith("Small")
    assert found.file == __file__
    assert found.text.startswith("class Small(nn.Module):")
    assert found.text.rstrip().endswith("return x")
    with open(__file__) as file:
        assert file.read().splitlines()[found.first_line - 1] == "class Small(nn.Module):"
    assert not found.is_forward_only


def test_of_a_long_class_its_forward_alone_is_shown() -> None:
    found = class_source(nn.MultiheadAttention(4, 1))
    assert found.is_forward_only
    assert found.text.lstrip().startswith("def forward(")
    assert found.first_line > 1


def test_a_class_made_while_running_says_so() -> None:
    made = type("Made", (nn.Module,), {"__module__": "nowhere"})
    assert class_source(made()).unknown == NOT_FOUND
