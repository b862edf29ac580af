"""From a target to a built model, and the messages where that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from nninspect.engine.load import Loaded
from nninspect.errors import (
    BadSetting,
    BadTarget,
    BuildFailed,
    ImportFailed,
    Interrupted,
    NninspectError,
)
from nninspect.plugin import Collection, ModelCard

Write = Callable[..., Path]
Opened = Callable[..., Loaded]

NET = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self, hidden=8):
            super().__init__()
            self.fc = nn.Linear(4, hidden)

        def forward(self, x):
            return self.fc(x)
"""


def refusal(opened: Opened, target: str, **settings: str) -> NninspectError:
    with pytest.raises(NninspectError) as caught:
        opened(target, **settings)
    return caught.value


# What can be named


def test_a_card_is_built_by_its_factory(opened: Opened) -> None:
    loaded = opened("mlp-module", hidden="16")
    assert loaded.card is not None
    assert loaded.model.fc1.out_features == 16


def test_a_class_a_factory_and_an_instance_in_a_file(write: Write, opened: Opened) -> None:
    write(
        "net.py", NET + "\n    def make(hidden):\n        return Net(hidden)\n\n    net = Net(3)\n"
    )
    assert opened("net.py:Net").model.fc.out_features == 8
    assert opened("net.py:make", hidden="5").model.fc.out_features == 5
    assert opened("net.py:net").model.fc.out_features == 3


def test_an_attribute_of_an_attribute(write: Write, opened: Opened) -> None:
    write("net.py", NET + "\n    class Zoo:\n        build = staticmethod(lambda: Net(2))\n")
    assert opened("net.py:Zoo.build").model.fc.out_features == 2


def test_a_module_here_and_an_installed_one(write: Write, opened: Opened) -> None:
    write("pkg/__init__.py")
    write("pkg/mod.py", NET)
    assert opened("pkg.mod:Net").model.fc.out_features == 8
    assert opened("pkg.mod").model.fc.out_features == 8
    linear = opened("torch.nn:Linear", in_features="2", out_features="3").model
    assert isinstance(linear, nn.Linear)


def test_a_package_offers_the_models_of_its_modules(write: Write, opened: Opened) -> None:
    write("pkg/__init__.py", "from .net import Net")
    write("pkg/net.py", NET)
    assert type(opened("pkg/__init__.py").model).__name__ == "Net"


def test_a_file_in_a_package_may_import_relatively(write: Write, opened: Opened) -> None:
    write("project/pkg/__init__.py")
    write("project/pkg/sizes.py", "HIDDEN = 7")
    write("project/pkg/nets/__init__.py")
    write("project/pkg/nets/net.py", NET + "\n    from ..sizes import HIDDEN\n")
    loaded = opened("project/pkg/nets/net.py:Net")
    assert type(loaded.model).__module__ == "pkg.nets.net"


@pytest.mark.parametrize(
    "name",
    ["my-net.py", "net.v2.py", "2net.py", "my net.py", "class.py", "모델.py", "__main__.py"],
)
def test_a_file_may_have_any_name(name: str, write: Write, opened: Opened) -> None:
    write(name, NET)
    assert opened(f"./{name}:Net").model.fc.out_features == 8


def test_a_package_may_have_any_name_too(write: Write, opened: Opened) -> None:
    write("my-pkg/__init__.py")
    write("my-pkg/sizes.py", "HIDDEN = 7")
    write("my-pkg/net.v2.py", NET + "\n    from .sizes import HIDDEN\n")
    assert opened("my-pkg/net.v2.py:Net").model.fc.out_features == 8


def test_the_one_model_of_a_file_needs_no_name(write: Write, opened: Opened) -> None:
    write("net.py", "from torch.nn import Linear, Module\n" + NET.replace("\n    ", "\n"))
    assert type(opened("net.py").model).__name__ == "Net"


def test_several_models_in_a_file_are_the_choices(write: Write, opened: Opened) -> None:
    write("net.py", NET + "\n    class Other(Net): ...\n\n    class _Hidden(Net): ...\n")
    error = refusal(opened, "net.py")
    assert isinstance(error, BadTarget)
    assert error.message == "net.py defines 2 models: Net, Other"
    assert error.choices == ("net.py:Net", "net.py:Other")


def test_no_model_in_a_file(write: Write, opened: Opened) -> None:
    write("net.py", "def make(): ...")
    error = refusal(opened, "net.py:")
    assert error.message == "net.py defines no nn.Module"
    assert "net.py:make_net" in error.hint


def test_a_wrong_name_suggests_the_right_one(write: Write, opened: Opened) -> None:
    write("net.py", NET)
    error = refusal(opened, "net.py:Nett")
    assert isinstance(error, BadTarget)
    assert (error.message, error.hint) == ("net.py has no Nett", "Did you mean Net?")
    assert error.choices == ("net.py:Net",)
    assert refusal(opened, "net.py:xyzzy").hint == "It defines Net"


def test_a_wrong_name_below_a_value_without_attributes(write: Write, opened: Opened) -> None:
    write("net.py", "size = 3")
    assert refusal(opened, "net.py:size.wide").message == "net.py has no size.wide"


def test_a_missing_module_says_where_it_was_looked_for(folder: Path, opened: Opened) -> None:
    error = refusal(opened, "no_such_package.net:Net")
    assert isinstance(error, BadTarget)
    assert f"no module no_such_package, neither in {folder}" in error.message


def test_a_missing_submodule_is_a_bad_target_too(write: Write, opened: Opened) -> None:
    write("queue/__init__.py")
    error = refusal(opened, "queue.net:Net")
    assert isinstance(error, BadTarget)
    assert "there is no module queue.net," in error.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("it = {'a': 1}", "net.py:it is an instance of dict, not a model"),
        ("def it(): return 3", "net.py:it returned an instance of int, not an nn.Module"),
        ("def it(): pass", "net.py:it returned None"),
        ("class it: pass", "net.py:it returned an instance of it, not an nn.Module"),
    ],
)
def test_what_is_no_model_says_what_it_is(
    line: str, message: str, write: Write, opened: Opened
) -> None:
    write("net.py", line)
    error = refusal(opened, "net.py:it")
    assert isinstance(error, BadTarget)
    assert error.message == message
    assert error.hint


def test_a_card_whose_factory_is_gone_says_so(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = ModelCard(name="gone", title="", description="", factory="torch.nn:Gone", inputs=())
    monkeypatch.setattr("nninspect.plugin.collections", lambda: (Collection("x", (card,)),))
    assert refusal(opened, "gone").message == "torch.nn has no Gone"


# Settings


def test_settings_are_read_as_literals(write: Write, opened: Opened) -> None:
    write(
        "net.py",
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self, **given):
                super().__init__()
                self.given = given
        """,
    )
    texts = {"a": "3", "b": "(1, 2)", "c": "True", "d": "relu", "e": "'relu'", "f": "1e-3"}
    given = opened("net.py:Net", **texts, g="None", h="", i="[1,").model.given
    assert given == {
        "a": 3,
        "b": (1, 2),
        "c": True,
        "d": "relu",
        "e": "relu",
        "f": 1e-3,
        "g": None,
        "h": "",
        "i": "[1,",
    }


def test_a_wrong_setting_says_what_there_is(write: Write, opened: Opened) -> None:
    write("net.py", NET)
    error = refusal(opened, "net.py:Net", hiden="3")
    assert isinstance(error, BadSetting)
    assert error.message == "net.py:Net takes no argument hiden"
    assert error.hint == "Did you mean hidden? It takes hidden."


def test_a_factory_without_arguments_says_so(write: Write, opened: Opened) -> None:
    write("net.py", NET + "\n    def make():\n        return Net()\n")
    assert refusal(opened, "net.py:make", x="3").hint == "It takes no arguments."


def test_a_missing_argument_says_what_to_type(write: Write, opened: Opened) -> None:
    write("net.py", NET.replace("hidden=8", "hidden, depth, *, wide"))
    error = refusal(opened, "net.py:Net", depth="2")
    assert isinstance(error, BadSetting)
    assert error.message == "net.py:Net needs hidden, wide"
    assert error.hint == "Pass it: --set hidden=… --set wide=…"


def test_an_instance_takes_no_settings(write: Write, opened: Opened) -> None:
    write("net.py", NET + "\n    net = Net()\n")
    assert isinstance(refusal(opened, "net.py:net", hidden="3"), BadSetting)


# The user's own errors


def test_an_import_that_raises_says_where(write: Write, opened: Opened) -> None:
    write("net.py", "import torch\nx = 1 / 0\n")
    error = refusal(opened, "net.py:Net")
    assert isinstance(error, ImportFailed)
    assert error.message == "the import failed: ZeroDivisionError: division by zero"
    assert error.where == "net.py:2 in <module>: x = 1 / 0"


def test_a_traceback_starts_at_the_users_first_line(write: Write, opened: Opened) -> None:
    write("net.py", "import helper")
    helper = write("helper.py", "def f():\n    raise KeyError('lr')\nf()\n")
    details = refusal(opened, "net.py:Net").details
    files = [line for line in details.splitlines() if line.startswith("  File")]
    assert "net.py" in files[0]
    assert str(helper) in files[-1]
    assert "nninspect/engine" not in details
    assert details.rstrip().endswith("KeyError: 'lr'")


def test_a_missing_module_says_what_to_install(write: Write, opened: Opened) -> None:
    write("net.py", "import no_such_library.sub")
    error = refusal(opened, "net.py:Net")
    assert isinstance(error, ImportFailed)
    assert error.message == "the import failed: there is no module no_such_library"
    assert "Install no_such_library" in error.hint
    assert error.where.startswith("net.py:1")


def test_a_module_not_found_that_names_none_keeps_its_text(write: Write, opened: Opened) -> None:
    write("net.py", "raise ModuleNotFoundError('please build the extension first')")
    error = refusal(opened, "net.py:Net")
    assert "please build the extension first" in error.message
    assert "None" not in error.message + error.hint


def test_a_syntax_error_says_its_line(write: Write, opened: Opened) -> None:
    write("net.py", "import torch\n\nclass Net(nn.Module)\n    pass\n")
    error = refusal(opened, "net.py:Net")
    assert isinstance(error, ImportFailed)
    assert error.message.startswith("the import failed: SyntaxError: expected ':'")
    assert error.where == "net.py:3: class Net(nn.Module)"


def test_a_syntax_error_in_a_helper_names_the_helper(write: Write, opened: Opened) -> None:
    write("net.py", "import helper")
    write("helper.py", "x = (1,\n")
    assert refusal(opened, "net.py:Net").where.startswith("helper.py:1")


def test_a_syntax_error_of_evaluated_text_points_at_the_evaluation(
    write: Write, opened: Opened
) -> None:
    write("net.py", "x = eval('1 +')")
    assert refusal(opened, "net.py:Net").where == "net.py:1 in <module>: x = eval('1 +')"


@pytest.mark.parametrize(
    "line", ["import sys; sys.exit(2)", "raise SystemExit('no GPU')", "exit()"]
)
def test_a_file_that_exits_is_told_about_the_main_guard(
    line: str, write: Write, opened: Opened
) -> None:
    write("net.py", line)
    error = refusal(opened, "net.py:Net")
    assert isinstance(error, ImportFailed)
    assert "ends the program" in error.message
    assert '__name__ == "__main__"' in error.hint


def test_a_build_that_raises_says_where(write: Write, opened: Opened) -> None:
    write("net.py", NET.replace("nn.Linear(4, hidden)", "nn.Linear(4, hidden // 0)"))
    error = refusal(opened, "net.py:Net")
    assert isinstance(error, BuildFailed)
    assert "building net.py:Net failed: ZeroDivisionError" in error.message
    assert error.where.startswith("net.py:7 in __init__: self.fc =")


@pytest.mark.parametrize("line", ["sys.exit('no data')", "raise KeyboardInterrupt"])
def test_a_build_or_an_import_that_raises_no_exception_has_failed_all_the_same(
    line: str, write: Write, opened: Opened
) -> None:
    write("net.py", f"import sys\ndef make():\n    {line}\n")
    assert isinstance(refusal(opened, "net.py:make"), BuildFailed)
    write("top.py", f"import sys\n{line}\n")
    assert isinstance(refusal(opened, "top.py:make"), ImportFailed)


@pytest.mark.parametrize("target", ["net.py:Net", "net.py:Outer"])
@pytest.mark.parametrize("line", ["self.fc = nn.Linear(4, hidden)", "self.size = hidden"])
def test_a_forgotten_super_init_is_named(
    line: str, target: str, write: Write, opened: Opened
) -> None:
    """Also where nothing is registered, and the build itself raises nothing."""
    net = NET.replace("super().__init__()", "pass")
    net = net.replace("self.fc = nn.Linear(4, hidden)", line)
    write("net.py", net + "\n    def Outer():\n        return nn.Sequential(Net())\n")
    error = refusal(opened, target)
    assert isinstance(error, BuildFailed)
    assert "super().__init__() first" in error.hint


def test_an_exception_that_cannot_be_shown_is_still_reported(write: Write, opened: Opened) -> None:
    write(
        "net.py",
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError

        raise Odd
        """,
    )
    assert "Odd" in refusal(opened, "net.py:Net").message


def test_a_failed_load_leaves_no_module_behind(write: Write, opened: Opened) -> None:
    import sys

    write("net.py", "import helper_that_stays\nraise ValueError")
    write("helper_that_stays.py")
    refusal(opened, "net.py:Net")
    assert "net" not in sys.modules
    assert "helper_that_stays" not in sys.modules


def test_an_interrupt_passes_through(write: Write, opened: Opened) -> None:
    write("net.py", "from nninspect.errors import Interrupted\nraise Interrupted")
    with pytest.raises(Interrupted):
        opened("net.py:Net")


# The state a build starts from


def test_two_builds_have_the_same_weights(opened: Opened) -> None:
    first, second = opened("mlp-module").model, opened("mlp-module").model
    assert torch.equal(first.fc1.weight, second.fc1.weight)


def test_defaults_that_one_file_sets_do_not_reach_the_next(write: Write, opened: Opened) -> None:
    write(
        "net.py",
        "import torch\ntorch.set_default_dtype(torch.float64)\n"
        "torch.set_default_device('meta')\n" + NET.replace("\n    ", "\n"),
    )
    weight = opened("net.py:Net").model.fc.weight
    assert weight.dtype == torch.float64
    assert weight.is_meta
    weight = opened("mlp-module").model.fc1.weight
    assert weight.dtype == torch.float32
    assert not weight.is_meta
