"""The Doctor tab: what was found, where it leads, and what is asked anew."""

from __future__ import annotations

from types import ModuleType

import pytest

from nninspect.errors import BuildFailed
from nninspect.protocol.findings import CheckPlan, Finding, Severity
from nninspect.ui.finding_text import about
from nninspect.ui.spans import wrap


def plans(client: object) -> list[CheckPlan]:
    return [what for found, what in client.asked if found == "check"]  # type: ignore[attr-defined]


async def test_c_checks_and_shows_all_of_the_gravest_finding(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 36)) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "1 error, 1 warning, 1 info" in shown
        assert "› ✗ NN301 softmax-before-loss  head  net.py:31" in shown
        assert "return self.head(x)  # logits" in shown
        assert "Doctor ●2" in shown
        assert "not checked: NN808 (no sweep was measured)" in shown


async def test_the_cursor_shows_another_finding(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 36)) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("j")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "Its slope is 0.25 at most." in shown
        assert "about stage1" in shown


async def test_enter_leads_to_the_layer_through_folds(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("Z")
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("j", "enter")
        await ui.settle(pilot)
        assert pilot.app.screen.tab == "layers"
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "stem.conv"


async def test_a_finding_without_a_row_says_so(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("G", "enter")
        await ui.settle(pilot)
        assert pilot.app.screen.tab == "doctor"
        assert "there is no layer gone in the tree" in ui.text_of(pilot)


async def test_nothing_found_is_said_and_the_missing_loss_is_offered(ui: ModuleType) -> None:
    client = ui.FakeClient()
    client.findings = ()
    async with ui.running(client) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "nothing to mend" in shown
        assert "L says what it is trained with" in shown
        assert "●" not in shown


@pytest.mark.parametrize(
    ("key", "downs", "plan"),
    [
        ("L", 5, CheckPlan(loss="cross_entropy")),
        ("T", 1, CheckPlan(task="regression")),
    ],
)
async def test_the_loss_and_the_task_are_chosen_and_checked_with(
    ui: ModuleType, key: str, downs: int, plan: CheckPlan
) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("3", key, *("down",) * downs, "enter")
        await ui.settle(pilot)
        assert plans(client) == [plan]


async def test_leaving_the_choice_checks_nothing(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("3", "L", "escape")
        await ui.settle(pilot)
        assert plans(client) == []


async def test_a_reload_asks_the_doctor_again_where_it_was_asked(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("r")
        await ui.settle(pilot)
        assert plans(client) == []
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("r")
        await ui.settle(pilot)
        await ui.settle(pilot)
        assert len(plans(client)) == 2


async def test_a_model_that_cannot_be_built_is_checked_all_the_same(ui: ModuleType) -> None:
    client = ui.FakeClient()
    client.errors = [BuildFailed("Net() failed")]
    async with ui.running(client) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        assert "NN301" in ui.text_of(pilot)


async def test_a_check_that_fails_leaves_the_last_result_in_view(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 36)) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        client.errors = [BuildFailed("Net() failed", "Mend it")]
        await pilot.press("c")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "Net() failed" in shown
        assert "NN203" in shown


async def test_findings_are_marked_in_the_tree_until_another_model_is_opened(
    ui: ModuleType,
) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 36)) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        tree = pilot.app.screen.query_one("#tree")
        assert tree.findings == {"head": "error", "stem.conv": "warning", "gone": "info"}
        pilot.app.screen.session.open(ui.Setup(target="mlp-module"))
        await ui.settle(pilot)
        assert tree.findings == {}


async def test_the_detail_of_a_layer_tells_its_findings_and_no_others(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("j", "enter")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "! NN203 sigmoid-hidden" in shown
        assert "x = F.relu(x)" in shown
        assert "NN301" not in shown


def test_code_that_is_wider_than_its_pane_goes_on_further_in() -> None:
    change = "        self.head = nn.Linear(in_features=1024, out_features=10, bias=False)"
    finding = Finding("NN301", "some-name", Severity.INFO, "head", "seen", change=change)
    told = list(about(finding))[-1]
    rows = ["".join(span.text for span in row) for row in wrap(told, 42)]
    assert [len(row) - len(row.lstrip()) for row in rows] == [10, 14, 14]
    assert " ".join(row.strip() for row in rows) == change.strip()
    assert all(len(row.rstrip()) <= 42 for row in rows)
