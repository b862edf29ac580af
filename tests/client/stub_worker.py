"""A worker as the real one, but for the engine: the target of an inspect names what it does.

Run by path as the worker's command; it needs no torch, so it starts in a tenth of a second.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

from nninspect.worker import streams

DEAF = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def prints() -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    print("without an end of line", end="")


def prints_bytes() -> None:
    os.write(1, b"\xff\xfe ok \xe2\x9c\x93 \x1b[31mred\n")


def floods() -> None:
    for _ in range(300):
        os.write(2, b"x" * 9_999 + b"\n")
    os.write(2, b"the last line\n")


def floods_forever() -> None:
    while True:
        os.write(2, b"x" * 9_999 + b"\n")


def exits() -> None:
    print("before the end")
    os._exit(7)


def exits_with_zero() -> None:
    os._exit(0)


def calls_sys_exit() -> None:
    sys.exit(5)


def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfaults() -> None:
    import ctypes

    ctypes.string_at(0)


def aborts() -> None:
    os.abort()


def is_big() -> str:
    return "x" * 20_000_000


def is_too_big() -> str:
    return "x" * 70_000_000


def writes_junk() -> None:
    os.write(_protocol, b"\x05\x00\x00\x00junk!")


def spins() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(600)


def hangs_in_c() -> None:
    """Holds the GIL: neither an interrupt nor the thread that reads gets in."""
    print("hanging")
    re.match(r"(a+)+$", "a" * 60 + "b")


def hangs_and_swallows() -> None:
    print("hanging")
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(600)


def kills_its_group() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)


def _linger() -> None:
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)
    os._exit(0)


def forks() -> None:
    if not os.fork():
        _linger()


def forks_into_its_own_session() -> None:
    if not os.fork():
        os.setsid()
        _linger()


def forks_a_daemon() -> None:
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        _linger()
    os.wait()


def forks_many() -> None:
    for _ in range(10):
        forks()
        forks_into_its_own_session()
        forks_a_daemon()


def starts_programs() -> None:
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["nohup", "sleep", "600"], start_new_session=True)
    subprocess.Popen("(trap '' TERM HUP; sleep 600) & sleep 600", shell=True)


def forks_and_returns_in_the_child() -> None:
    os.fork()


def forks_then_exits() -> None:
    forks_many()
    os._exit(7)


def forks_then_hangs_in_c() -> None:
    forks_many()
    hangs_in_c()


def _counts(progress: Any) -> None:
    for step in range(3):
        progress(f"step {step}", step / 3)


class Session:
    def inspect(self, setup: Any, *, reload: bool, progress: Any, deaths: Any) -> Any:
        _counts(progress)
        return inspection(setup, str(globals()[setup.target]() or setup.target))


def works() -> None:
    pass


if __name__ == "__main__":
    _requests, _protocol = streams.take()

    from nninspect.errors import WorkerMissing
    from nninspect.protocol.bench import BenchResult, BenchRow, Config, Run
    from nninspect.protocol.bench_plan import BenchProgress, Key
    from nninspect.protocol.findings import CHECKING, CheckResult
    from nninspect.protocol.layers import LayerRow, pack
    from nninspect.protocol.machine import Machine
    from nninspect.protocol.records import Environment, Inspection, Totals
    from nninspect.worker.engine import Engine
    from nninspect.worker.main import main

    NO_COUNTS = Totals(
        modules=1, parameters=0, trainable=0, buffers=0, parameter_bytes=0, buffer_bytes=0
    )

    def inspection(setup: Any, title: str) -> Inspection:
        rows = [LayerRow(name="", path="", type="Net", depth=0)]
        return Inspection(
            setup=setup, title=title, inputs_from="", layers=pack(rows), totals=NO_COUNTS
        )

    def bench(session: Session, setup: Any, plan: Any, progress: Any, keep: Any) -> BenchResult:
        """The batches in turn, in two rounds; the target names what happens at batch 8, in the
        warm-up, or in the second round where it ends in "_later"; without batches at once."""
        work = setup.target.removesuffix("_later")
        _counts(progress)
        if not plan.batches:
            globals()[work]()
        rows = tuple(row(setup, batch, plan) for batch in plan.batches)
        result = BenchResult(
            setup=setup,
            run=Run(id="", time_utc="", torch="", python="", seed=0),
            machine=Machine(host="", cpu="", isa="", cores_visible=1, quota_cores=None, threads=1),
            rows=rows,
        )
        for number in range(-1, 2):
            for batch in plan.batches:
                key = Key("cpu", batch)
                rounds = 2 if number >= 0 else 0
                at = BenchProgress(key=key, place=0, places=2, round=max(0, number), rounds=rounds)
                if any(each.key == key for each in plan.lost):
                    continue
                progress("timing" if rounds else "warming up", None, at)
                if batch == 8 and number == (1 if setup.target.endswith("_later") else -1):
                    globals()[work]()
            if number >= 0:
                keep(result)
        return result

    def row(setup: Any, batch: int, plan: Any) -> BenchRow:
        key = Key("cpu", batch)
        config = Config(
            target=setup.target,
            params=0,
            inputs=(),
            batch=batch,
            dtype="",
            device="cpu",
            mode="inference",
            threads=1,
        )
        error = next((each.error for each in plan.lost if each.key == key), None)
        return BenchRow(config=config, error=error)

    def check(session: Session, setup: Any, plan: Any, progress: Any) -> CheckResult:
        """The target names what happens in a rule, once, or each time where it ends in "_always";
        the title is what the plan says of it."""
        work = globals()[setup.target.removesuffix("_always")]
        _counts(progress)
        progress(f"{CHECKING}it", 0.0)
        if not plan.died or setup.target.endswith("_always"):
            work()
        return CheckResult(setup=setup, title=", ".join(plan.died))

    def load() -> Engine:
        if "refuse" in sys.argv:
            raise WorkerMissing("torch is not installed", "Type: pip install torch")
        if "slow" in sys.argv:
            time.sleep(1)
        if "die" in sys.argv:
            os._exit(9)
        environment = Environment(host="h", python="3", torch="0", pid=os.getpid(), devices=())
        return Engine(environment, Session(), bench, check)

    main(_requests, _protocol, load)
