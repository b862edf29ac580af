"""How a dry run and its guesses are told."""

from __future__ import annotations

from nninspect.protocol.dry_run import DryRun, Guess, Rung
from nninspect.text import dry_run

GUESS = Guess("nonzero", "all 12 elements", "moe.gate", "net.py:18", 3)


def test_only_figures_that_rest_on_guesses_are_marked() -> None:
    assert dry_run.mark(None) == ""
    assert dry_run.mark(DryRun()) == ""
    assert dry_run.mark(DryRun(guesses=(GUESS,))) == "1 guess"
    assert dry_run.mark(DryRun(guesses=(GUESS, GUESS))) == "2 guesses"


def test_a_guess_says_what_was_taken_where_and_how_often() -> None:
    assert dry_run.note(GUESS) == "guessed: nonzero took all 12 elements (net.py:18) ×3"
    assert dry_run.note(Guess("item", "the value 1", "", "")) == "guessed: item took the value 1"


def test_a_real_forward_that_was_asked_for_has_nothing_to_tell() -> None:
    assert list(dry_run.sentences(None)) == []


def test_the_rung_comes_first_and_then_why_those_before_were_left() -> None:
    told = DryRun(rung=Rung.REAL, left=("no kernel\x1b[31m", "no numpy"), guesses=())
    rung, meta, fake = dry_run.sentences(told)
    assert rung.startswith("a real forward")
    assert meta.startswith("not a dry run on meta: no kernel")
    assert "\x1b" not in meta
    assert fake.startswith("not a dry run over the real parameters: no numpy")


def test_the_rung_says_what_its_figures_rest_on() -> None:
    (rung,) = dry_run.sentences(DryRun(guesses=(GUESS,)))
    assert rung.endswith("figures rest on 1 guess")
