"""An accelerator that this process can use no more, as after a failed assertion on it.

Every later call on it raises, and only another process can go on. An accelerator also fails late:
the call that is under way when it tells is not the one that did it, unless each is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

import torch

from nninspect.protocol.flight import LOST_DEVICE


def waiting_for(device: torch.device) -> Callable[[], None] | None:
    """Returns once the device has done all it was given; raises what failed on it. None for a
    device that is never behind."""
    if device.type in ("cpu", "meta"):
        return None
    return lambda: torch.accelerator.synchronize(device)


def lost(device: torch.device, wait: Callable[[], None] | None = None) -> str:
    """What it says, where this process can use it no more; "" of one that works."""
    wait = wait or waiting_for(device)
    try:
        if wait is not None:
            wait()
    except RuntimeError as error:
        return str(error).strip().partition("\n")[0]
    return ""


def end_if_lost(device: torch.device, wait: Callable[[], None] | None = None) -> None:
    """End this process, where it can use the device no more, by what waits for the device."""
    if said := lost(device, wait):
        end(device, said)


def end(device: torch.device, said: str) -> NoReturn:
    """End this process, which can't use the device any more for what is said.

    At once, as no restoring could succeed: the client shows in a new process how far this one
    came, as of any that died. See `protocol.flight`.
    """
    os.write(2, f"{device} can't be used any more: {said}\n".encode())
    os._exit(LOST_DEVICE)


def end_if_any_lost() -> None:
    """The same of each GPU that this process holds memory on; another would be started up."""
    if torch.cuda.is_initialized():
        for index in range(torch.cuda.device_count()):
            if torch.cuda.memory_reserved(index):
                end_if_lost(torch.device("cuda", index))
