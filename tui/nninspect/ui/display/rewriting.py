"""A driver that writes something else than it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from textual.driver import Driver


def rewriting(driver: type[Driver], change: Callable[[str], str]) -> type[Driver]:
    """The driver, with everything that it writes changed."""

    def write(self: Driver, data: str) -> None:
        driver.write(self, change(data))

    return cast("type[Driver]", type(driver.__name__, (driver,), {"write": write}))
