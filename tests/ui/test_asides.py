"""What is told of one module at a time, while the cursor moves on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.message import Message

from nninspect.protocol.records import Setup
from nninspect.ui import asides
from nninspect.ui.asides import Asides
from nninspect.ui.messages import Described

SETUP = Setup(target="net")


class SlowClient:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()

    async def weights(self, setup: Setup, path: str) -> tuple[()]:
        self.asked.append(path)
        await self.may_answer.wait()
        return ()

    async def source(self, setup: Setup, path: str) -> Any:
        return None


class Watched:
    """Asides, whom they ask, and the paths of what they told."""

    def __init__(self) -> None:
        self.client = SlowClient()
        self.told: list[str] = []
        self.asides = Asides(self.client, self._tell)  # type: ignore[arg-type]

    def _tell(self, message: Message) -> None:
        assert isinstance(message, Described)
        self.told.append(message.path)

    async def settle(self) -> None:
        """Until all is told, or an answer is waited for."""
        asked = len(self.client.asked)
        while self.asides.is_busy:
            if len(self.client.asked) > asked and not self.client.may_answer.is_set():
                return
            await asyncio.sleep(0)


async def test_an_answer_too_late_for_a_cursor_gone_back_is_not_told() -> None:
    watched = Watched()
    watched.client.may_answer.set()
    watched.asides.want(SETUP, "")
    await watched.settle()

    watched.client.may_answer.clear()
    watched.asides.want(SETUP, "stem")
    await watched.settle()
    watched.asides.want(SETUP, "")
    watched.client.may_answer.set()
    await watched.settle()
    assert watched.told == ["", ""]


async def test_a_module_that_was_passed_over_is_known_by_its_late_answer() -> None:
    watched = Watched()
    watched.asides.want(SETUP, "stem")
    await watched.settle()
    watched.asides.want(SETUP, "head")
    watched.client.may_answer.set()
    await watched.settle()
    watched.asides.want(SETUP, "stem")
    assert watched.told == ["head", "stem"]
    assert watched.client.asked == ["stem", "head"]


async def test_going_back_to_a_known_module_before_anything_was_asked_asks_for_nothing() -> None:
    watched = Watched()
    watched.client.may_answer.set()
    watched.asides.want(SETUP, "")
    await watched.settle()
    watched.asides.want(SETUP, "stem")
    watched.asides.want(SETUP, "")
    await watched.settle()
    watched.asides.want(SETUP, "head")
    await watched.settle()
    assert watched.told == ["", "", "head"]
    assert watched.client.asked == ["", "head"]


async def test_a_cursor_that_moves_on_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        pauses.extend([seconds] * (seconds == asides.PAUSE_S))
        await sleep(0)

    monkeypatch.setattr(asides, "PAUSE_S", 1.25)
    monkeypatch.setattr(asyncio, "sleep", counted)
    watched = Watched()
    watched.client.may_answer.set()
    watched.asides.want(SETUP, "stem")
    await sleep(0)
    watched.asides.want(SETUP, "head")
    await watched.settle()
    assert watched.client.asked == ["head"]
    assert len(pauses) == 2
