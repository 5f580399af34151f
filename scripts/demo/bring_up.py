"""Start the simulator and Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
import fcntl
from importlib.metadata import version
import json
from pathlib import Path
import shutil
import signal

from aiohttp import ClientSession

from .home_assistant import HomeAssistant
from .processes import DemoError, free_port, say
from .simulator import Simulator

HOME_ASSISTANT_PORT = 8123
SIMULATOR_PORT = 8765


@contextmanager
def owned(directory: Path, *, is_fresh: bool) -> Iterator[bool]:
    """Lock a directory, empty it if `is_fresh`, and yield whether it is new."""
    directory.parent.mkdir(exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError("It runs already") from error
        if is_fresh:
            shutil.rmtree(directory, ignore_errors=True)
        is_new = not directory.exists()
        directory.mkdir(exist_ok=True)
        yield is_new


@asynccontextmanager
async def bring_up(
    directory: Path, port: int | None, speed: float, hours_ago: float = 0
) -> AsyncIterator[tuple[HomeAssistant, Simulator]]:
    """Run the simulator and Home Assistant, with their state in a directory.

    They resume from it, on the same ports if those are free. A new simulator starts
    some hours in the past. SIGINT and SIGTERM cancel the current task.
    """
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    ports_file = directory / "ports.json"
    ports = json.loads(ports_file.read_text()) if ports_file.exists() else {}
    hass_port = free_port(port or ports.get("home_assistant", HOME_ASSISTANT_PORT))
    simulator_port = free_port(ports.get("simulator", SIMULATOR_PORT))
    ports = {"home_assistant": hass_port, "simulator": simulator_port}
    ports_file.write_text(json.dumps(ports))
    async with ClientSession() as session:
        say("Starting the simulator")
        cloud = Simulator(directory, simulator_port, session)
        async with cloud.running(speed, hours_ago) as simulator:
            say(f"Starting Home Assistant {version('homeassistant')}")
            home = HomeAssistant(directory, hass_port, session)
            async with home.running() as hass:
                yield hass, simulator
