"""The config file: what it chooses, and what is said of its mistakes."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from nninspect.places import config_file
from nninspect.ui.app import NninspectApp
from nninspect.ui.display.ascii import ALIKE, to_ascii
from nninspect.ui.keys import actions, keymap
from nninspect.ui.preferences import DEFAULTS, Preferences, read_config


def read(folder: Path, text: str) -> Preferences:
    file = folder / "config.toml"
    file.write_text(text)
    return read_config(file)


def test_without_a_file_everything_is_as_by_default(tmp_path: Path) -> None:
    assert read_config(tmp_path / "none.toml") == DEFAULTS


def test_the_variable_says_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNINSPECT_CONFIG", "/there/mine.toml")
    assert config_file() == Path("/there/mine.toml")


def test_a_file_chooses_theme_display_and_keys(tmp_path: Path) -> None:
    said = 'theme = "nord"\nascii = true\n[keys]\nbench = ["f5", "B"]\n'
    found = read(tmp_path, said)
    assert (found.theme, found.ascii, found.stock_display) == ("nord", True, False)
    assert found.keys == {"bench": "f5,B"}
    assert found.complaints == ()


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("themes = 'nord'", "there is no setting themes. Did you mean theme?"),
        ("ascii = 'yes'", "ascii is true or false, not 'yes'"),
        ("stock_display = 1", "stock_display is true or false, not 1"),
        ("keys = 'x'", "keys is a table, not 'x'"),
        ("[keys]\nbench = 5", 'keys.bench is a key such as "ctrl+r", or a list of keys'),
        ("[keys]\nbench = ''", 'keys.bench is a key such as "ctrl+r", or a list of keys'),
        ("complaints = ['x']", "there is no setting complaints."),
        ("theme = ", "is not TOML"),
    ],
)
def test_a_mistake_is_told_and_what_is_right_still_counts(
    tmp_path: Path, said: str, complaint: str
) -> None:
    found = read(tmp_path, "watch = true\n" + said)
    assert len(found.complaints) == 1
    assert complaint in found.complaints[0]
    assert str(tmp_path / "config.toml") in found.complaints[0]
    assert found.watch == ("not TOML" not in complaint)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    assert "not TOML" in read_config(tmp_path / "config.toml").complaints[0]


def test_every_binding_of_ours_has_an_id() -> None:
    from nninspect.ui import keys

    without = [
        (owner.__name__, binding.key)
        for owner in keys._owners()
        for binding in keys._own_bindings(owner)
        if not binding.id
    ]
    assert without == []


def test_two_actions_can_swap_their_keys() -> None:
    assert keymap({"bench": "c", "check": "b"}) == ({"bench": "c", "check": "b"}, ())


@pytest.mark.parametrize(
    ("name", "keys", "complaint"),
    [
        ("chek", "a", "Did you mean check?"),
        ("bench", "ctrl+banana", "'ctrl+banana' is no key"),
        ("bench", "c", "c is already the key of check"),
        ("layers.fold", "?", "? is already the key of help"),
    ],
)
def test_a_key_that_can_not_be_had_is_told(name: str, keys: str, complaint: str) -> None:
    found, complaints = keymap({name: keys})
    assert name not in found
    assert len(complaints) == 1
    assert complaint in complaints[0]


def test_a_dialog_may_have_any_key_of_the_tabs() -> None:
    assert keymap({"help.down": "b"})[1] == ()


def test_every_default_key_is_accepted_as_it_is() -> None:
    same = {name: ",".join(action.keys) for name, action in actions().items()}
    assert keymap(same)[1] == ()


async def pressed(ui: ModuleType, preferences: Preferences, *keys: str) -> tuple[str, str]:
    """The tab and the screen after some keys."""
    client = ui.FakeClient()
    app = NninspectApp(client, ui.Setup(target="resnet-small"), preferences)
    async with app.run_test(size=(200, 50)) as pilot:
        await ui.settle(pilot)
        await pilot.press(*keys)
        await ui.settle(pilot)
        return pilot.app.screen_stack[0].tab, ui.text_of(pilot)  # type: ignore[attr-defined]


async def test_a_remapped_key_works_and_the_old_one_does_not(ui: ModuleType) -> None:
    mine = Preferences(keys={"bench": "f5"})
    assert (await pressed(ui, mine, "f5"))[0] == "bench"
    assert (await pressed(ui, mine, "b"))[0] == "layers"


async def test_help_and_the_key_line_show_the_remapped_key(ui: ModuleType) -> None:
    mine = Preferences(keys={"bench": "f5"})
    assert "f5 bench" in (await pressed(ui, mine))[1]
    _, shown = await pressed(ui, mine, "question_mark", *["pagedown"] * 6)
    assert re.search(r"f5 +time the model", shown)


async def test_texts_tell_of_the_key_that_was_chosen(ui: ModuleType) -> None:
    names = "check", "bench", "bench.plan", "layers.producer", "doctor.loss"
    keys = {name: f"ctrl+f{place}" for place, name in enumerate(names, 1)}
    dialogs = {"inputs.accept": "f7", "inputs.close": "f8", "choose.close": "f9", "open": "O,f4"}
    mine = Preferences(keys=keys | dialogs | {"tab.log": "f11", "clear": "f12", "help.close": "a"})
    told = {
        "2": "ctrl+f2 times the model on every device, ctrl+f3 asks what to time",
        "3": "ctrl+f1 asks the doctor",
        "i": "f7 · f8 · ctrl+n one more · no shape drops one",
        "s": "enter · f9 · / finds",
        "question_mark": "a closes",
    }
    for key, text in told.items():
        assert text in (await pressed(ui, mine, key))[1], key
    assert "ctrl+f5 says what it is trained with" in (await pressed(ui, mine, "ctrl+f1"))[1]


async def test_a_text_without_a_model_or_with_a_failure_tells_of_the_chosen_keys(
    ui: ModuleType,
) -> None:
    mine = Preferences(keys={"open": "f4", "clear": "f12", "tab.log": "f11", "reload": "f5"})
    app = NninspectApp(ui.FakeClient(), None, mine)
    async with app.run_test(size=(100, 30)) as pilot:
        await ui.settle(pilot)
        await pilot.press("escape", "b")
        assert "f4 opens a model" in ui.text_of(pilot)
        assert "nothing is open yet: f4 opens a model" in ui.text_of(pilot)
    client = ui.FakeClient(ui.failing_resnet())
    client.failure = ui.FORWARD_FAILED
    app = NninspectApp(client, ui.Setup(target="resnet-small"), mine)
    async with app.run_test(size=(100, 30)) as pilot:
        await ui.settle(pilot)
        assert "f5 reload   f11 log   f12 dismiss" in ui.text_of(pilot)
        (row,) = [y for y, line in enumerate(ui.text_of(pilot).split("\n")) if "f11 log" in line]
        x = ui.text_of(pilot).split("\n")[row].index("f11")
        await pilot.click(offset=(x, row))
        assert pilot.app.screen.tab == "log"  # type: ignore[attr-defined]


async def test_what_shares_a_key_with_a_remapped_action_keeps_it(ui: ModuleType) -> None:
    mine = Preferences(keys={"cancel": "f6"})
    _, filtered = await pressed(ui, mine, "slash", *"conv", "enter")
    _, cleared = await pressed(ui, mine, "slash", *"conv", "enter", "escape")
    assert "AdaptiveAvgPool2d" not in filtered
    assert "AdaptiveAvgPool2d" in cleared


async def test_mistakes_are_in_the_log_and_the_first_in_the_status_line(ui: ModuleType) -> None:
    wrong = Preferences(theme="nrod", keys={"chek": "x"}, complaints=("c.toml: there is no x",))
    _, shown = await pressed(ui, wrong)
    assert "✗ c.toml: there is no x (and 2 more, in the log)" in shown
    _, shown = await pressed(ui, wrong, *actions()["tab.log"].keys)
    assert "theme 'nrod' does not exist. Did you mean nord?" in shown
    assert "keys.chek: there is no such action. Did you mean check?" in shown


async def test_the_theme_of_the_config_is_taken(ui: ModuleType) -> None:
    app = NninspectApp(ui.FakeClient(), None, Preferences(theme="high-contrast"))
    async with app.run_test():
        assert app.theme == "high-contrast"


def test_what_is_drawn_is_ascii_cell_by_cell() -> None:
    assert to_ascii("▾ conv ×12 …") == "v conv x12 ."
    assert to_ascii("\x1b[1m╭─╮\x1b[0m") == "\x1b[1m+-+\x1b[0m"
    assert to_ascii("한글é") == "?????"


def test_every_character_that_stands_for_another_takes_its_cells() -> None:
    from rich.cells import cell_len

    for group, like in ALIKE.items():
        assert like.isascii()
        assert {cell_len(character) for character in group} == {1}
