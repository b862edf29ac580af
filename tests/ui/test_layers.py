"""The Layers tab: the tree, its keys, its filter, the detail and what went wrong."""

from __future__ import annotations

from types import ModuleType

from nninspect.protocol.records import Problem
from nninspect.ui.widgets.detail import Detail
from nninspect.ui.widgets.findable import Findable
from nninspect.ui.widgets.notice import Notice


async def test_the_tree_and_the_header_show_the_inspection(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        shown = ui.text_of(pilot)
        assert "resnet-small · cpu ▸ cuda:0" in shown
        assert "▾ ResNetSmall" in shown
        row = "· conv Conv2d frozen (1, 3, 32, 32) (1, 16, 32, 32) 432 0.2%"
        assert row in [" ".join(line.split()) for line in shown.splitlines()]


async def test_marks_are_words_in_the_row(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 60)) as pilot:
        shown = ui.text_of(pilot)
        assert "head Linear tied" in shown
        assert "≠ torchinfo" in shown
        (uncalled,) = [line for line in shown.splitlines() if "aux Linear" in line]
        assert "not called" in uncalled


MOVES = (
    (["j", "j"], "stem.conv"),
    (["p"], "stem"),
    (["down", "down", "up"], "stem.conv"),
    (["G"], "aux"),
    (["g"], ""),
    (["l", "l"], "stem.conv"),
    (["h"], "stem"),
    (["J"], "stage1"),
    (["K"], "stem"),
    (["backspace"], ""),
    (["pagedown", "pageup"], ""),
    (["end", "home"], ""),
)


async def test_the_cursor_moves(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        model = ui.tree_of(pilot)
        for keys, path in MOVES:
            await pilot.press(*keys)
            assert model.table.path(model.cursor) == path, keys


async def test_the_cursor_stays_in_view(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("G")
        assert "aux Linear" in ui.text_of(pilot)
        await pilot.press("g")
        assert "▾ ResNetSmall" in ui.text_of(pilot)


async def test_folds_hide_and_show_what_is_below(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("j", "space")
        assert "▸ stem" in ui.text_of(pilot)
        assert "· norm " not in ui.text_of(pilot)
        await pilot.press("right")
        assert "▾ stem" in ui.text_of(pilot)
        await pilot.press("left")
        assert "▸ stem" in ui.text_of(pilot)


async def test_everything_folds_and_opens(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        every = len(ui.tree_of(pilot).rows)
        await pilot.press("Z")
        assert len(ui.tree_of(pilot).rows) == 8
        await pilot.press("Z")
        assert len(ui.tree_of(pilot).rows) == every
        await pilot.press("j", "J", "z")
        assert "▸ stage1" in ui.text_of(pilot)


async def test_the_mouse_selects_and_folds(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.click("#tree", offset=(12, 3))
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "stem.conv"
        await pilot.click("#tree", offset=(3, 2))
        assert "▸ stem" in ui.text_of(pilot)


async def test_the_wheel_scrolls_and_leaves_the_cursor(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot._post_mouse_events([ui.MouseScrollDown], "#tree", offset=(5, 5), button=0)
        await ui.settle(pilot)
        assert "▾ ResNetSmall" not in ui.text_of(pilot)
        assert ui.tree_of(pilot).cursor == 0


async def test_the_filter_is_live_and_enter_keeps_it(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("slash", *"linear")
        model = ui.tree_of(pilot)
        assert [model.table.path(row) for row in model.rows] == ["", "head", "aux"]
        await pilot.press("enter")
        await ui.settle(pilot)
        assert not pilot.app.screen.query("#filter")
        await pilot.press("n")
        assert model.table.path(model.cursor) == "aux"
        await pilot.press("N")
        assert model.table.path(model.cursor) == "head"
        assert "2 rows match ‹linear›" in ui.text_of(pilot)


async def test_escape_clears_the_filter_and_keeps_the_cursor(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        every = len(ui.tree_of(pilot).rows)
        await pilot.press("slash", *"linear", "escape")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert len(model.rows) == every
        assert model.table.path(model.cursor) == "head"
        await pilot.press("slash", *"conv", "enter", "escape")
        assert len(model.rows) == every


async def test_the_filter_finds_dotted_paths(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("slash", *"stage2.0.")
        model = ui.tree_of(pilot)
        assert "stage2.0.conv1" in [model.table.path(row) for row in model.matches]
        assert len(model.matches) == 5


async def test_ops_stand_in_the_tree_as_calls_with_their_lines(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.functional_net())) as pilot:
        lines = [" ".join(line.split()) for line in ui.text_of(pilot).splitlines()]
        assert "ƒ add net.py:19 (1, 8, 16, 16) ×2 (1, 8, 16, 16) – –" in lines
        assert "· conv2 Conv2d (1, 8, 16, 16) (1, 8, 16, 16) 576 22.1%" in lines


async def test_one_key_hides_the_ops_and_shows_them(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.functional_net())) as pilot:
        assert "f ops" in ui.text_of(pilot)
        await pilot.press("f")
        assert "ƒ" not in ui.text_of(pilot)
        assert "conv2 Conv2d" in ui.text_of(pilot)
        await pilot.press("f")
        assert "ƒ mean net.py:31" in ui.text_of(pilot)


async def test_a_run_of_equals_is_one_row_with_their_sums(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.stacked_net()), size=(120, 30)) as pilot:
        lines = [" ".join(line.split("│")[0].split()) for line in ui.text_of(pilot).splitlines()]
        assert "▸ 0…11 ×12 Block (1, 16, 64) (1, 16, 64) 596,736 82.3%" in lines
        assert "u runs" in ui.text_of(pilot)
        await pilot.press("j", "j", "j")
        shown = ui.text_of(pilot)
        assert "layers.0…11 ×12 Block" in shown
        assert "596,736  82.3%" in shown


async def test_a_run_opens_by_space_and_u_and_folds_by_left(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.stacked_net())) as pilot:
        await pilot.press("j", "j", "j", "space")
        shown = ui.text_of(pilot)
        assert "▸ 0 Block" in shown
        assert "▸ 11 Block" in shown
        await pilot.press("j", "left")
        assert "▸ 0…11 ×12" in ui.text_of(pilot)
        await pilot.press("u")
        assert "▸ 0 Block" in ui.text_of(pilot)
        await pilot.press("u", "right")
        assert "▸ 0 Block" in ui.text_of(pilot)


async def test_a_failed_layer_stands_alone_between_runs(ui: ModuleType) -> None:
    client = ui.FakeClient(ui.stacked_net(odd=5))
    client.failure = ui.FORWARD_FAILED.__class__(
        kind="ForwardFailed", message="no", where="layers.5.attention"
    )
    async with ui.running(client) as pilot:
        shown = ui.text_of(pilot)
        assert "▸ 0…4 ×5" in shown
        assert "▾ 5 Block" in shown
        assert "· attention Attention" in shown
        assert "▸ 6…11 ×6" in shown


async def test_the_key_for_ops_is_not_offered_where_there_are_none(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        assert "f ops" not in ui.text_of(pilot)


async def test_the_filter_finds_ops_but_for_hidden_ones(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.functional_net())) as pilot:
        await pilot.press("slash", *"relu", "enter")
        await ui.settle(pilot)
        assert "4 rows match ‹relu›" in ui.text_of(pilot)
        await pilot.press("f")
        assert ui.tree_of(pilot).rows == []


async def test_the_detail_of_an_op_is_its_call(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(ui.functional_net()), size=(120, 40)) as pilot:
        await pilot.press("slash", *".add", "enter")
        shown = ui.text_of(pilot)
        assert "a.add op" in shown
        assert "line       net.py:19" in shown
        assert "input      0=(1, 8, 16, 16)" in shown
        assert "trainable  " not in shown


def flowing(ui: ModuleType) -> object:
    client = ui.FakeClient(ui.functional_net())
    client.flow = ui.FLOW
    return client


def path_of(model: object) -> str:
    return model.table.path(model.cursor)  # type: ignore[attr-defined, no-any-return]


async def test_the_detail_shows_a_skip_as_several_producers(ui: ModuleType) -> None:
    async with ui.running(flowing(ui), size=(120, 40)) as pilot:
        ui.tree_of(pilot).reveal(6)
        await pilot.press("up", "down")
        shown = [line.partition("│ ")[2].rstrip() for line in ui.text_of(pilot).splitlines()]
        place = shown.index("from     [ stem")
        assert shown[place + 1].strip() == "a.conv2"
        assert "to       ] a.relu#2" in shown


async def test_the_detail_of_a_container_shows_what_enters_and_leaves_it(ui: ModuleType) -> None:
    async with ui.running(flowing(ui), size=(120, 40)) as pilot:
        assert "from     [ the model's input" in ui.text_of(pilot)
        ui.tree_of(pilot).reveal(2)
        await pilot.press("down", "up")
        shown = ui.text_of(pilot)
        assert "from     [ stem" in shown
        assert "to       ] b.conv1" in shown
        await pilot.press("G")
        assert "to       ] the model's output" in ui.text_of(pilot)


JUMPS = (
    ("right_square_bracket", "a.conv1"),
    ("right_curly_bracket", "a.add"),
    ("left_square_bracket", "stem"),
    ("left_curly_bracket", "a.conv2"),
    ("backspace", "a.add"),
    ("backspace", "stem"),
)


async def test_keys_follow_the_tensors_and_come_back(ui: ModuleType) -> None:
    async with ui.running(flowing(ui)) as pilot:
        model = ui.tree_of(pilot)
        await pilot.press("j")
        for key, path in JUMPS:
            await pilot.press(key)
            assert path_of(model) == path, key
        await pilot.press("left_square_bracket")
        assert path_of(model) == ""
        await pilot.press("backspace", "backspace")
        assert path_of(model) == ""


async def test_a_jump_shows_hidden_ops_and_opens_folds(ui: ModuleType) -> None:
    async with ui.running(flowing(ui)) as pilot:
        model = ui.tree_of(pilot)
        await pilot.press("f", "Z", "G", "left_square_bracket", "left_square_bracket")
        assert path_of(model) == "b.relu#2"
        assert model.cursor in model.rows


async def test_a_click_on_a_path_jumps_there(ui: ModuleType) -> None:
    async with ui.running(flowing(ui), size=(120, 40)) as pilot:
        await pilot.press("j")
        lines = ui.text_of(pilot).splitlines()
        y = next(y for y, line in enumerate(lines) if "to       ] a.conv1" in line)
        await pilot.click(offset=(lines[y].index("a.conv1") + 2, y))
        await ui.settle(pilot)
        assert path_of(ui.tree_of(pilot)) == "a.conv1"


async def test_a_row_without_known_edges_says_so(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("left_square_bracket")
        assert "what made its input is not known" in ui.text_of(pilot)


async def test_the_detail_follows_the_cursor(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 40)) as pilot:
        await pilot.press("j", "j")
        shown = ui.text_of(pilot)
        assert "stem.conv" in shown
        assert "kernel_size=(3, 3)" in shown
        assert "442,368" in shown
        await pilot.press("enter")
        assert "kernel_size" not in ui.text_of(pilot)


async def test_the_detail_opens_below_where_it_is_narrow(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        assert not pilot.app.screen.query_one(Detail).display
        await pilot.press("enter")
        await ui.settle(pilot)
        assert "trainable" in ui.text_of(pilot)


async def test_the_detail_says_what_marks_mean(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 50)) as pilot:
        await pilot.press("G")
        assert "the forward never called it" in ui.text_of(pilot)
        await pilot.press("up", "up")
        assert "torchinfo says" in ui.text_of(pilot)


async def test_a_failed_forward_says_what_where_and_how_to_fix_it(ui: ModuleType) -> None:
    client = ui.FakeClient(ui.failing_resnet())
    client.failure = ui.FORWARD_FAILED
    async with ui.running(client) as pilot:
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "head"
        shown = ui.text_of(pilot)
        (failed,) = [line for line in shown.splitlines() if "· head Linear" in line]
        assert "✗ failed" in failed
        assert "wants 64 as its last dimension" in shown
        assert "at head" in shown
        assert "x.flatten(1)" in shown
        assert "Traceback" not in shown
        await pilot.press("escape")
        assert not pilot.app.screen.query_one(Notice).display


async def test_wide_terminals_show_every_column(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(220, 30)) as pilot:
        titles = ui.text_of(pilot).splitlines()[3]
        for title in ("module", "type", "input", "own", "trainable", "mult-adds", "dtype"):
            assert title in titles


async def test_every_column_can_be_panned_through(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("w")
        assert "trainable" not in ui.text_of(pilot)
        await pilot.press(*["shift+right"] * 12)
        await ui.settle(pilot)
        assert "trainable" in ui.text_of(pilot)
        await pilot.press("w")
        assert "module" in ui.text_of(pilot)


async def test_what_strangers_write_is_shown_and_not_interpreted(ui: ModuleType) -> None:
    evil = ui.Node("[red]x[/]\x1b[31m", "\x1b]0;title\x07[b]", 1, (), (), extra="\x1b[2J[i]")
    root = ui.Node("", "Net\n", 0, (), (), [evil])
    client = ui.FakeClient(root)
    client.failure = Problem(kind="ForwardFailed", message="[bold]no\x1b[0m", hint="\x07")
    async with ui.running(client, "x\x1b[31m[u]", size=(120, 30)) as pilot:
        shown = ui.text_of(pilot)
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[red]x[/]␛[31m" in shown
        assert "[bold]no␛[0m" in shown


async def test_wide_characters_keep_the_columns_aligned(ui: ModuleType) -> None:
    root = ui.Node("", "네트워크", 0, ui.shape(1, 2), ui.shape(1, 2))
    root.children = [ui.Node("선형", "Linear", 6, ui.shape(1, 2), ui.shape(1, 2))]
    async with ui.running(ui.FakeClient(root), size=(120, 20)) as pilot:
        tree = pilot.app.screen.query_one("#tree")
        assert {tree.render_line(y).cell_length for y in range(5)} == {tree.size.width}


async def test_a_dialogs_list_is_narrowed_by_typing(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("s")
        shown = pilot.app.screen.query_one(Findable)
        whole = shown.option_count
        await pilot.press(*"out")  # no keys of the dialog's
        assert [option.prompt for option in shown.options] == ["output shape"]
        assert "sort by ‹out›" in ui.text_of(pilot)
        await pilot.press("escape")
        assert (shown.option_count, shown.typed) == (whole, None)
        await pilot.press("slash", *"k", "backspace", *"para")  # k moves without the slash
        assert shown.highlighted_option.prompt == "parameters"
        await pilot.press("x", "enter")  # nothing fits, so nothing is chosen
        assert pilot.app.screen.query(Findable)
        await pilot.press("backspace", "enter")
        await ui.settle(pilot)
        assert "sorted by parameters" in ui.text_of(pilot)
