"""A broken network beside the good one: what belongs together, and what differs."""

from __future__ import annotations

from types import ModuleType

from nninspect.errors import BuildFailed
from nninspect.plugin import collections
from nninspect.ui.twins import difference, twins_of


def test_each_broken_network_leads_to_its_good_one_and_back() -> None:
    cards = [card for collection in collections() for card in collection.cards]
    for card in cards:
        if card.twin_of:
            assert twins_of(card.name) == ((card.name, card.twin_of),)
            assert (card.name, card.twin_of) in twins_of(card.twin_of)


def test_a_network_of_ones_own_has_no_twin() -> None:
    assert twins_of("net.py:Net") == ()


def test_the_difference_says_what_to_take_away_and_what_to_add() -> None:
    before, after = "a\nb\nx = self.fc(x)\nc\n", "a\nb\nx = F.relu(self.fc(x))\nc\n"
    spans = [each.spans[0] for each in difference(before, after)]
    assert ("-x = self.fc(x)", "bad") in [(span.text, span.style) for span in spans]
    assert ("+x = F.relu(self.fc(x))", "good") in [(span.text, span.style) for span in spans]


def test_what_the_files_say_of_themselves_is_no_difference() -> None:
    before, after = '"""Broken."""\nx = 1\n', '"""Good,\nand longer."""\nx = 1\n'
    assert list(difference(before, after)) == []


def test_an_unknown_source_is_said() -> None:
    (only,) = difference("", "a")
    assert "not known" in only.spans[0].text


async def test_the_twin_shows_the_findings_beside_the_good_ones_tree(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, "broken-linear-stack", size=(140, 40)) as pilot:
        await pilot.press("X")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "broken-linear-stack ▸ mlp-module" in shown
        assert "NN301 softmax-before-loss" in shown
        assert shown.count("▾ ResNetSmall") == 1
        await pilot.press("enter")
        await ui.settle(pilot)
        assert pilot.app.screen_stack[0].session.setup.target == "mlp-module"


async def test_a_twin_that_cannot_be_built_is_compared_all_the_same(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, "mlp-functional", size=(140, 40)) as pilot:
        pilot.app.screen.session.compare("broken-no-super", "mlp-module")
        client.errors = [BuildFailed("no")]
        await ui.settle(pilot)
        assert "no" in ui.text_of(pilot)


async def test_a_model_of_ones_own_says_that_there_is_no_twin(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), "net.py:Net") as pilot:
        await pilot.press("X")
        await ui.settle(pilot)
        assert "only bundled networks have a twin" in ui.text_of(pilot)
