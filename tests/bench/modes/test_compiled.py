"""Modes that compile or capture: what they say where they can't, or did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.bench.modes import compiled
from nninspect.bench.modes.compiled import EAGER, Counts, fallbacks
from nninspect.bench.modes.mode import NotHere, Prepared, Subject
from nninspect.bench.modes.registry import mode_named

CPU = torch.device("cpu")


def prepared(name: str, model: nn.Module, device: torch.device = CPU) -> Prepared:
    return mode_named(name).prepare(Subject(model, ((torch.ones(2, 4),), {}), device, threads=2))


@pytest.fixture
def on_backend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Compiles with a backend of torch's that makes no code, so that no compiler is waited for."""

    def choose(backend: str) -> None:
        plain = torch.compile

        def compile(model: nn.Module, **options: Any) -> Any:
            return plain(model, backend=backend, **options)

        monkeypatch.setattr(torch, "compile", compile)
        monkeypatch.setattr(compiled, "check_compiler", lambda device: None)

    return choose


def test_compiling_is_done_and_timed_before_the_first_call(
    on_backend: Callable[[str], None],
) -> None:
    on_backend("eager")
    model = nn.Linear(4, 3)
    mode = prepared("compile", model)
    before = compiled.counts()
    assert mode.output is not None
    with mode.around():
        found = mode.output()
    assert isinstance(found, Tensor)
    torch.testing.assert_close(found, model(torch.ones(2, 4)))
    assert compiled.counts() == before
    assert mode.compile_s is not None
    assert mode.compile_s > 0
    assert mode.config == {"engine": "inductor"}


def test_a_model_that_ran_eager_says_so(on_backend: Callable[[str], None]) -> None:
    class Eager(nn.Linear):
        @torch.compiler.disable
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input)

    on_backend("eager")
    mode = prepared("compile", Eager(4, 3))
    assert EAGER in mode.labels
    assert mode.config == {"engine": "eager"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Counts(1, 1, 1, 0, 0), []),
        (Counts(1, 0, 1, 0, 0), [EAGER]),
        (Counts(1, 1, 0, 0, 0), [EAGER]),
        (Counts(3, 2, 2, 0, 0), ["1 of 3 parts were not compiled and ran eager"]),
        (Counts(2, 2, 2, 1, 0), ["the graph broke in 1 place"]),
        (
            Counts(1, 1, 1, 0, 1),
            ["compiled code came from torch's cache on disk: a first compilation takes longer"],
        ),
    ],
)
def test_what_became_of_a_compilation_is_said(found: Counts, said: list[str]) -> None:
    assert list(fallbacks(found)) == said


def test_without_a_compiler_there_is_nothing_compiled() -> None:
    from torch._inductor import config, cpp_builder

    cpp_builder.cpp_compiler_search.cache_clear()
    try:
        with (
            config.patch({"cpp.cxx": (None, "/no/such/compiler")}),
            pytest.raises(NotHere, match=r"no C\+\+ compiler"),
        ):
            prepared("compile", nn.Linear(4, 3))
    finally:
        cpp_builder.cpp_compiler_search.cache_clear()


def test_without_triton_nothing_is_compiled_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_has_triton", lambda: False)
    with pytest.raises(NotHere, match="Triton"):
        compiled.check_compiler(torch.device("cuda"))


def test_a_triton_without_a_c_compiler_is_said_to_be_that() -> None:
    def refuse() -> None:
        raise RuntimeError("InductorError: RuntimeError: Failed to find C compiler. Please specify")

    with pytest.raises(NotHere, match="no C compiler, which Triton needs"):
        compiled._first(refuse)
