"""Makes the pictures of this folder: the real app, on real models, in a real worker.

    make screenshots

Each scene opens a target, presses keys and waits until nothing is under way.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from nninspect.client.connection import Connection
from nninspect.protocol.records import InputSpec, Setup
from nninspect.ui.app import NninspectApp

FOLDER = Path(__file__).parent
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Scene:
    """One picture: what is opened, and what is pressed before it is taken."""

    name: str
    setup: Setup | None
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 36)


LENET = Setup(target="lenet.py:LeNet", inputs=(InputSpec((1, 3, 28, 28)),))

SCENES = (
    Scene("layers", Setup(target="resnet-small"), ("down", "down", "down")),
    Scene("picker", None, ("down",) * 7),
    Scene("failure", LENET),
    Scene("filter", Setup(target="transformer-encoder"), ("slash", *"linear", "enter")),
    Scene("ops", Setup(target="transformer-encoder"), ("slash", *"add", "enter", "n")),
    Scene("bench", Setup(target="cnn-digits"), ("b",)),
    Scene("doctor", Setup(target="broken-softmax-ce"), ("c",)),
    Scene("weights", Setup(target="resnet-small"), ("4",)),
    Scene("small", Setup(target="inception-block"), size=(60, 18)),
)


async def take(scene: Scene) -> None:
    """Play one scene and save its picture."""
    client = Connection()
    app = NninspectApp(client, scene.setup)
    async with app.run_test(size=scene.size) as pilot:
        await settle(pilot, app)
        for key in scene.keys:
            await pilot.press(key)
        await settle(pilot, app)
        app.save_screenshot(f"{scene.name}.svg", str(FOLDER))
    await client.close()


async def settle(pilot: Pilot[None], app: NninspectApp) -> None:
    """Wait until the worker is ready and every request has its answer."""
    session = app.get_default_screen().session
    for _ in range(int(PATIENCE_S / 0.1)):
        await pilot.pause(0.1)
        if session.environment is not None and not session.is_busy:
            await pilot.pause(0.3)
            return
    sys.exit("the app did not settle")


async def main() -> None:
    for scene in SCENES:
        await take(scene)
        print(f"{scene.name}.svg")


if __name__ == "__main__":
    os.chdir(FOLDER)
    os.environ.pop("NO_COLOR", None)
    with TemporaryDirectory() as home:  # nothing of who takes them is in the pictures
        os.environ |= {"XDG_STATE_HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        asyncio.run(main())
