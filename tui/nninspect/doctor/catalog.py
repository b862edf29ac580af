"""Which rules there are: every `Rule` in a module of the package `rules`."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from nninspect.doctor import rules
from nninspect.doctor.rule import Rule


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule, by code. Raises ValueError where two have the same code."""
    names = [module.name for module in pkgutil.iter_modules(rules.__path__, f"{rules.__name__}.")]
    found = sorted((kind for name in names for kind in _rules_of(name)), key=lambda r: r.code)
    codes = [rule.code for rule in found]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise ValueError(f"two rules have the code {twice.pop()}")
    return tuple(found)


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> list[type[Rule]]:
    """The rules that a selection of codes, or of beginnings of codes, leaves."""
    selected, ignored = tuple(select), tuple(ignore)
    return [
        rule
        for rule in all_rules()
        if (not selected or rule.code.startswith(selected)) and not rule.code.startswith(ignored)
    ]


def _rules_of(name: str) -> list[type[Rule]]:
    module = import_module(name)
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [
        kind
        for kind in kinds
        if kind.__module__ == name and issubclass(kind, Rule) and not inspect.isabstract(kind)
    ]
