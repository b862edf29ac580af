"""The requests that a client is asked for, each as the message that it takes."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import TypeVar

from nninspect.client.pending import Result
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.messages import (
    Bench,
    Check,
    DescribeWeights,
    Inspect,
    ReadCheckpoint,
    ReadSource,
    Work,
)
from nninspect.protocol.records import Inspection, Setup
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

Wanted = TypeVar("Wanted")


class Asking(ABC):
    """The requests of `api.Client`, over one way to ask anything."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    @abstractmethod
    async def _ask(self, request: Work) -> Result:
        """Its answer; raises what the worker reports, and how the request ended otherwise."""

    async def inspect(self, setup: Setup, *, reload: bool = False) -> Inspection:
        request = Inspect(request_id=next(self._ids), setup=setup, reload=reload)
        return _answer(await self._ask(request), Inspection)

    async def bench(self, setup: Setup, plan: BenchPlan) -> BenchResult:
        request = Bench(request_id=next(self._ids), setup=setup, plan=plan)
        return _answer(await self._ask(request), BenchResult)

    async def weights(
        self, setup: Setup, path: str = "", *, below: bool = False
    ) -> tuple[TensorStats, ...]:
        request = DescribeWeights(request_id=next(self._ids), setup=setup, path=path, below=below)
        return _answer(await self._ask(request), tuple)

    async def source(self, setup: Setup, path: str) -> Source:
        request = ReadSource(request_id=next(self._ids), setup=setup, path=path)
        return _answer(await self._ask(request), Source)

    async def check(self, setup: Setup, plan: CheckPlan) -> CheckResult:
        request = Check(request_id=next(self._ids), setup=setup, plan=plan)
        return _answer(await self._ask(request), CheckResult)

    async def checkpoint(self, path: str) -> Checkpoint:
        request = ReadCheckpoint(request_id=next(self._ids), path=path)
        return _answer(await self._ask(request), Checkpoint)


def _answer(result: Result, kind: type[Wanted]) -> Wanted:
    """Of the kind that the request has; the protocol has one kind of answer for each."""
    assert isinstance(result, kind)
    return result
