"""What the detail shows beside the facts of a row: its weights, and the source of its class."""

from __future__ import annotations

from types import ModuleType

import pytest

from nninspect.errors import DeviceError
from nninspect.ui.code import source_paragraphs
from nninspect.ui.highlight import highlighted


async def test_weights_and_source_follow_the_cursor(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(180, 60)) as pilot:
        await pilot.press("j", "j")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "weight (16, 3, 3, 3) float32 trainable" in shown
        assert "-0.31 … 0.31" in shown
        assert "▁" in shown
        assert "net.Net  net.py:16" in shown
        assert ("weights", "stem.conv") in client.asked


async def test_a_sampled_tensor_says_so_and_a_broken_one_too(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 60)) as pilot:
        ui.tree_of(pilot).reveal(ui.tree_of(pilot).table.find("stage3.1.conv2"))
        await pilot.press("up", "down")
        await ui.settle(pilot)
        shown = " ".join(ui.text_of(pilot).replace("│", " ").split())
        assert "1,000 values" in shown
        assert "NaN 2" in shown


async def test_the_line_of_an_op_stands_out_in_its_modules_source(ui: ModuleType) -> None:
    client = ui.FakeClient(ui.functional_net())
    async with ui.running(client, size=(120, 60)) as pilot:
        await pilot.press("slash", *"a.relu", "enter")
        await ui.settle(pilot)
        assert "▸   18  " in ui.text_of(pilot)
        assert ("source", "a") in client.asked


async def test_nothing_is_asked_while_the_detail_is_closed(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("j", "j")
        await ui.settle(pilot)
        assert "weights" not in [what for what, _ in client.asked]
        await pilot.press("enter")
        await ui.settle(pilot)
        assert ("weights", "stem.conv") in client.asked


async def test_what_is_known_is_not_asked_again_until_a_reload(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 40)) as pilot:
        for key in ("j", "k", "j", "k"):
            await pilot.press(key)
            await ui.settle(pilot)
        assert client.asked.count(("weights", "stem")) == 1
        await pilot.press("r")
        await ui.settle(pilot)
        assert client.asked.count(("weights", "")) == 2


async def test_a_refusal_stands_in_the_detail(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 40)) as pilot:
        client.errors = [DeviceError("no room to look")]
        await pilot.press("j")
        await ui.settle(pilot)
        assert "no room to look" in ui.text_of(pilot)


async def test_a_bench_is_not_disturbed(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 40)) as pilot:
        client.gate.clear()
        await pilot.press("b", "1", "j")
        await ui.settle(pilot)
        assert ("weights", "stem") not in client.asked
        client.gate.set()
        await ui.settle(pilot)
        assert ("weights", "stem") in client.asked


def test_highlighting_loses_no_text_and_tells_words_from_strings(ui: ModuleType) -> None:
    lines = list(highlighted(ui.SOURCE))
    assert "".join(s.text for line in lines for s in line) == ui.SOURCE.replace("\n", "")
    styles = {span.text: span.style for line in lines for span in line}
    assert (styles["class"], styles["Net"], styles["return"]) == (
        "code-word",
        "code-name",
        "code-word",
    )


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("@torch.no_grad()\n", {"torch": "code-name", "no_grad": "code-name", "()": ""}),
        ("a @ self.b  # why", {"self": "code-name", ".b  ": "", "# why": "code-remark"}),
        ('f"{x} of" + "y"', {'"y"': "code-text"}),
        ('"""two\n\tlines"""', {'"""two': "code-text", '    lines"""': "code-text"}),
        ("def f(:\n    x = (\n", {"def": "code-word", "f": "code-name"}),
        ("  x\n y", {"  x": "", " y": ""}),
    ],
)
def test_highlighting_goes_on_where_python_ends(text: str, styles: dict[str, str]) -> None:
    lines = list(highlighted(text))
    shown = "\n".join("".join(span.text for span in line) for line in lines)
    assert shown == text.expandtabs(4).removesuffix("\n")
    assert styles.items() <= {span.text: span.style for line in lines for span in line}.items()


NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x):
        x = self.a(x)
        return x + self.bias"""


def test_a_line_further_down_comes_first_with_those_around_it(ui: ModuleType) -> None:
    source = ui.Source(owner="net.Net", file="/somewhere/net.py", first_line=10, text=NET)
    shown = ["".join(span.text for span in each.spans) for each in source_paragraphs(source)]
    below = ["".join(s.text for s in each.spans) for each in source_paragraphs(source, "net.py:16")]
    assert below[:5] == [
        "    13      self.a = nn.Linear(4, 4)",
        "    14  ",
        "    15  def forward(self, x):",
        "▸   16      x = self.a(x)",
        "    17      return x + self.bias",
    ]
    assert [each.replace("▸", " ") for each in below[6:]] == shown


def test_a_line_near_the_start_comes_only_once(ui: ModuleType) -> None:
    source = ui.Source(owner="net.Net", file="/somewhere/net.py", first_line=10, text=NET)
    lines = [each.spans[0].text for each in source_paragraphs(source, "net.py:12")]
    assert lines[3] == "▸   12  "
    assert len(lines) == 1 + len(NET.splitlines())


def test_a_source_that_is_not_found_says_why(ui: ModuleType) -> None:
    (only,) = source_paragraphs(ui.Source(owner="x.Y", unknown="made while running"))
    assert only.spans[0].text == "made while running"
