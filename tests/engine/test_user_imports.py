"""The user's files get the user's modules; everything else gets the real ones."""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nninspect.engine.load import Loaded
from nninspect.engine.user_imports import HOME, UserImports, dotted_name, import_root
from nninspect.errors import ImportFailed

Write = Callable[..., Path]
Opened = Callable[..., Loaded]

NET = """
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        {lazily}
        return x + {value}
"""


def net(imports: str = "", *, lazily: str = "pass", value: str = "1") -> str:
    return f"{imports}\n" + NET.format(lazily=lazily, value=value)


def answer(loaded: Loaded) -> float:
    """What the model adds to its input."""
    return float(loaded.model(torch.zeros(())))


@pytest.mark.parametrize(
    "name",
    ["queue", "models", "tui", "worker", "utils", "client", "text", "email", "numpy", "random"],
)
@pytest.mark.parametrize("layout", ["{name}.py", "{name}/__init__.py"])
def test_a_module_of_the_folder_hides_any_other_of_its_name(
    name: str, layout: str, write: Write, opened: Opened
) -> None:
    real = sys.modules.get(name)
    write(layout.format(name=name), "VALUE = 42")
    write("net.py", net(f"import {name}", value=f"{name}.VALUE"))
    assert answer(opened("net.py:Net")) == 42
    assert sys.modules.get(name) is real or real is None


def test_it_does_so_lazily_in_forward_as_well(write: Write, opened: Opened) -> None:
    write("queue.py", "VALUE = 42")
    write("net.py", net(lazily="import queue", value="queue.VALUE"))
    assert answer(opened("net.py:Net")) == 42


def test_everyone_else_gets_the_real_one(write: Write, opened: Opened) -> None:
    write("queue.py", "VALUE = 42")
    write("colorsys.py", "VALUE = 43")
    write("net.py", net("import queue, colorsys", value="queue.VALUE"))
    opened("net.py:Net")
    import colorsys
    import queue

    assert queue.Queue
    assert colorsys.rgb_to_hsv
    assert importlib.import_module("queue") is queue
    assert "torch" in sys.modules["torch.utils.data"].__name__


def test_a_library_first_imported_by_the_users_module_gets_the_real_one(
    write: Write, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the import of the user's `queue.py` another library may ask for `queue`."""
    monkeypatch.delitem(sys.modules, "concurrent.futures.thread", raising=False)
    write("queue.py", "import concurrent.futures.thread as pool\nVALUE = pool.queue.SimpleQueue")
    write("net.py", net("import queue", value="(queue.VALUE is not None)"))
    assert answer(opened("net.py:Net")) == 1


def test_a_user_module_that_wraps_the_real_one_sees_itself_not_it(
    write: Write, opened: Opened
) -> None:
    """As in Python: the folder comes first, for its own files."""
    write("queue.py", "import queue\nVALUE = int(hasattr(queue, 'Queue'))")
    write("net.py", net("import queue", value="queue.VALUE"))
    assert answer(opened("net.py:Net")) == 0


def test_a_shadowing_package_has_submodules_and_relative_imports(
    write: Write, opened: Opened
) -> None:
    write("email/__init__.py", "from .parser import PARTS")
    write("email/parser.py", "from . import sizes\nfrom email.sizes import ONE\nPARTS = [1]")
    write("email/sizes.py", "ONE = 1\nTWO = 2")
    write("email/deep/__init__.py", "from ..sizes import TWO")
    imports = """
import email, email.sizes
import email.parser as parser
from email import sizes
from email.deep import TWO
from email.sizes import *
"""
    total = "email.sizes.ONE + parser.sizes.TWO + sizes.ONE + TWO + len(email.PARTS) + ONE"
    write("net.py", net(imports, value=total))
    assert answer(opened("net.py:Net")) == 1 + 2 + 1 + 2 + 1 + 1
    import email.parser

    assert email.parser.Parser


def test_two_files_of_the_user_share_one_module(write: Write, opened: Opened) -> None:
    write("queue.py", "seen = []")
    write("one.py", "import queue\nqueue.seen.append(1)")
    write("two.py", "from queue import seen\nseen.append(2)")
    write("net.py", net("import one, two, queue", value="len(queue.seen)"))
    assert answer(opened("net.py:Net")) == 2


def test_a_folder_without_init_is_a_namespace_package(write: Write, opened: Opened) -> None:
    write("utils/sizes.py", "VALUE = 42")
    write("net.py", net("from utils.sizes import VALUE", value="VALUE"))
    assert answer(opened("net.py:Net")) == 42


def test_namespace_packages_within_each_other_are_forgotten_too(
    write: Write, opened: Opened
) -> None:
    write("utils/deep/sizes.py", "VALUE = 42")
    write("net.py", net("from utils.deep.sizes import VALUE", value="VALUE"))
    opened("net.py:Net").forget()
    assert not [name for name in sys.modules if name.split(".")[0] == "utils"]


@pytest.mark.parametrize("name", ["email", "torchinfo", "hypothesis"])
def test_a_folder_of_data_hides_no_module(name: str, write: Write, opened: Opened) -> None:
    """`wandb/` or `datasets/` beside the file holds runs and data, not code."""
    write(f"{name}/run-1.txt")
    write("net.py", net(f"import {name}", value=f"len({name}.__file__[:1])"))
    assert answer(opened("net.py:Net")) == 1


@pytest.mark.parametrize("name", ["torch", "nninspect", "sys", "os", "builtins", "time"])
def test_what_everything_stands_on_is_never_hidden(name: str, write: Write, opened: Opened) -> None:
    real = sys.modules[name]
    write(f"{name}.py", "raise AssertionError('imported')")
    write("net.py", net(f"import {name} as it", lazily=f"import {name}", value="len(it.__name__)"))
    assert answer(opened("net.py:Net")) == len(name)
    assert sys.modules[name] is real


@pytest.mark.parametrize("name", ["queue", "torch", "random", "nninspect", "site", "os"])
def test_the_file_itself_may_be_called_like_a_library(
    name: str, write: Write, opened: Opened
) -> None:
    real = sys.modules.get(name)
    write(f"{name}.py", net(value="42"))
    assert answer(opened(f"{name}.py:Net")) == 42
    assert sys.modules.get(name) is real


def test_the_file_that_was_named_is_loaded_even_beside_a_package_of_its_name(
    write: Write, opened: Opened
) -> None:
    write("net.py", net("from net import VALUE", value="VALUE"))
    write("net/__init__.py", "VALUE = 42")
    assert answer(opened("net.py:Net")) == 42


def test_a_helper_that_imports_the_file_gets_the_same_module(write: Write, opened: Opened) -> None:
    write("net.py", net("import helper") + "\nSAME = helper.net_of() is Net")
    write("helper.py", "def net_of():\n    import net\n    return net.Net")
    loaded = opened("net.py:Net")
    assert sys.modules["net"].SAME
    assert type(loaded.model) is sys.modules["net"].Net


def test_an_odd_file_name_is_not_taken_for_a_helper(write: Write, opened: Opened) -> None:
    write("my-net.py", net("from my_net import VALUE", value="VALUE"))
    write("my_net.py", "VALUE = 42")
    assert answer(opened("my-net.py:Net")) == 42


def test_a_missing_submodule_is_named_as_the_user_named_it(write: Write, opened: Opened) -> None:
    write("email/__init__.py")
    write("net.py", net("import email.nothing"))
    with pytest.raises(ImportFailed) as caught:
        opened("net.py:Net")
    assert caught.value.message == "the import failed: there is no module email.nothing"
    assert HOME not in caught.value.details


def test_a_missing_name_is_named_as_the_user_named_it(write: Write, opened: Opened) -> None:
    write("queue.py")
    write("net.py", net("from queue import Queue"))
    with pytest.raises(ImportFailed) as caught:
        opened("net.py:Net")
    assert "cannot import name 'Queue' from 'queue'" in caught.value.message


def test_dataclasses_and_type_hints_find_their_module(write: Write, opened: Opened) -> None:
    write(
        "queue.py",
        "from __future__ import annotations\n"
        "import typing, dataclasses\n"
        "@dataclasses.dataclass\n"
        "class Config:\n    size: typing.ClassVar[Size] = 3\n    other: Size = 4\n"
        "Size = int\n"
        "VALUE = len(typing.get_type_hints(Config))",
    )
    write("net.py", net("import queue", value="queue.VALUE"))
    assert answer(opened("net.py:Net")) == 2


def test_everything_is_restored_after_remove(folder: Path, write: Write) -> None:
    before = builtins.__import__, list(sys.path), list(sys.meta_path), set(sys.modules)
    write("queue.py")
    write("other/far_helper.py")
    write("models/__init__.py")
    write("models/net.py")
    imports_all = "import queue, sys, models.net\nsys.path.insert(0, 'other')\nimport far_helper"
    path = write("net.py", imports_all)
    imports = UserImports(folder)
    imports.install()
    imports.load_file(path)
    assert "far_helper" in sys.modules
    imports.remove()
    imports.remove()
    after = builtins.__import__, list(sys.path), list(sys.meta_path), set(sys.modules)
    assert after == before


def test_a_folder_that_is_on_the_path_already_stays_where_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    imports = UserImports(folder)
    imports.install()
    assert sys.path.count(str(folder)) == 1
    imports.remove()
    assert sys.path[0] == str(folder)


def test_the_standard_library_below_the_users_folder_is_not_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python itself is often installed in the home directory, where `net.py` may be too."""
    import queue

    imports = UserImports(Path(queue.__file__).parents[2])
    imports.install()
    imports.remove()
    assert sys.modules["queue"] is queue


def edited(path: Path, text: str) -> None:
    """Written again within the same second: the time of the file can't tell it."""
    status = os.stat(path)
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("changed", ["net.py", "helper.py", "queue.py", "pkg/deep.py"])
def test_a_reload_sees_every_edit_even_of_the_same_second_and_size(
    changed: str, write: Write, opened: Opened
) -> None:
    write("helper.py", "VALUE = 1")
    write("queue.py", "VALUE = 1")
    write("pkg/__init__.py")
    write("pkg/deep.py", "VALUE = 1")
    imports = "import helper, queue\nimport pkg.deep\nVALUE = 1"
    source = net(imports, value="helper.VALUE + queue.VALUE + pkg.deep.VALUE + VALUE")
    path = write("net.py", source)
    loaded = opened("net.py:Net")
    assert answer(loaded) == 4
    loaded.forget()
    path = path.parent / changed
    edited(path, path.read_text().replace("VALUE = 1", "VALUE = 5"))
    assert answer(opened("net.py:Net")) == 8


def test_bytecode_that_another_python_left_is_not_used(write: Write, opened: Opened) -> None:
    import py_compile

    path = write("helper.py", "VALUE = 1")
    py_compile.compile(str(path))
    edited(path, "VALUE = 2")
    write("net.py", net("import helper", value="helper.VALUE"))
    assert answer(opened("net.py:Net")) == 2


def test_no_bytecode_is_left_in_the_users_folder(
    folder: Path, write: Write, opened: Opened
) -> None:
    write("helper.py")
    write("net.py", net("import helper"))
    opened("net.py:Net")
    assert not list(folder.rglob("__pycache__"))


def test_a_reload_sees_a_helper_in_a_folder_that_the_user_put_on_the_path(
    write: Write, opened: Opened
) -> None:
    helper = write("lib/far_helper.py", "VALUE = 1")
    path = "import os, sys; sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))"
    write("src/net.py", net(f"{path}\nimport far_helper", value="far_helper.VALUE"))
    loaded = opened("src/net.py:Net")
    assert answer(loaded) == 1
    loaded.forget()
    edited(helper, "VALUE = 2")
    assert answer(opened("src/net.py:Net")) == 2


def test_a_new_helper_is_found_after_a_reload(write: Write, opened: Opened) -> None:
    write("net.py", net())
    opened("net.py:Net").forget()
    write("brand_new.py", "VALUE = 42")
    write("net.py", net("import brand_new", value="brand_new.VALUE"))
    assert answer(opened("net.py:Net")) == 42


def test_two_folders_with_the_same_names_do_not_mix(write: Write, opened: Opened) -> None:
    for place, value in (("one", "1"), ("two", "2")):
        write(f"{place}/models/__init__.py", f"VALUE = {value}")
        write(f"{place}/queue.py", f"VALUE = {value}")
        write(f"{place}/net.py", net("import models, queue", value="models.VALUE + queue.VALUE"))
    first = opened("one/net.py:Net")
    assert answer(first) == 2
    first.forget()
    assert answer(opened("two/net.py:Net")) == 4


def test_a_module_target_in_the_folder_hides_an_installed_one(write: Write, opened: Opened) -> None:
    write("email/__init__.py")
    write("email/net.py", net("from . import sizes", value="sizes.VALUE"))
    write("email/sizes.py", "VALUE = 42")
    assert answer(opened("email.net:Net")) == 42


def test_a_reload_sees_an_edited_package_of_an_editable_install(
    write: Write, opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write("src/mine/__init__.py", net(value="1"))
    write("elsewhere/x.txt")
    monkeypatch.syspath_prepend(tmp_path / "src")
    monkeypatch.chdir(tmp_path / "elsewhere")
    opened("mine:Net").forget()
    edited(path, net(value="2"))
    loaded = opened("mine:Net")
    loaded.forget()
    assert answer(loaded) == 2


def test_threads_of_the_user_and_of_libraries_import_at_once(
    folder: Path, write: Write, opened: Opened
) -> None:
    """No moment at which another thread could meet the user's `queue`."""
    names = [f"part{number}" for number in range(20)]
    for name in names:
        write(f"{name}.py", "import queue\nfrom email import parser\nVALUE = queue.VALUE")
    write("queue.py", "import time\ntime.sleep(0.01)\nVALUE = 1")
    write("email/__init__.py")
    write("email/parser.py")
    write(
        "net.py",
        "import importlib, threading\n"
        "def use(name):\n    found.append(importlib.import_module(name).VALUE)\n"
        "found = []\n"
        f"threads = [threading.Thread(target=use, args=(name,)) for name in {names}]\n"
        "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\n"
        + net(value="sum(found)"),
    )
    wrong: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            import email.parser
            import queue

            if not hasattr(queue, "Queue") or not hasattr(email.parser, "Parser"):
                wrong.append(queue.__name__)

    watcher = threading.Thread(target=watch)
    watcher.start()
    loaded = opened("net.py:Net")
    done.set()
    watcher.join()
    assert answer(loaded) == len(names)
    assert not wrong


def test_the_import_root_is_above_the_outermost_package(write: Write, folder: Path) -> None:
    write("src/pkg/__init__.py")
    write("src/pkg/sub/__init__.py")
    path = write("src/pkg/sub/net.py")
    assert import_root(path) == folder / "src"
    assert dotted_name(path, folder / "src") == "pkg.sub.net"
    assert dotted_name(path.with_name("__init__.py"), folder / "src") == "pkg.sub"
    assert dotted_name(folder / "net.v2.py", folder) == "net-v2"
