"""Let a real Home Assistant watch two cars for a month, and count what its triggers miss.

Each poll is a minute of the cars' lives. Home Assistant is restarted and killed, the account
reloaded, the cloud fails, is slow or does not know, and people lay hands on the cars: at random.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
import sys
from tempfile import TemporaryDirectory
import time
from types import SimpleNamespace
from typing import Any, override

from aiohttp import ClientSession, WSMsgType

from scripts.demo.home_assistant import START_SECONDS, HomeAssistant
from scripts.demo.processes import Program, say
from scripts.demo.sign_up import ENTRIES, sign_up

from .cloud import Cloud, any_port
from .mishaps import MINUTES_A_DAY
from .truth import Run

TRIGGERS = (
    "plugged_in",
    "unplugged",
    "charging_started",
    "charging_stopped",
    "charging_interrupted",
    "fully_charged",
)
FIRED = "benchmark_fired"
INTERRUPTIONS = ("graceful restarts", "kills", "reloads")
HOURS_BETWEEN_INTERRUPTIONS = (6, 30)
LONGEST_ABSENCE = 45
"""Minutes that may pass without Home Assistant."""

ATTACH = 2.0
IN_FLIGHT = 0.1
"""Seconds that an answer may take to be heard."""


class MortalProgram(Program):
    """A program that can be killed."""

    async def kill(self) -> None:
        """Kill it where it stands."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


class Home(HomeAssistant):
    """A Home Assistant in a hurry."""

    program: MortalProgram

    def __init__(self, directory: Path, port: int, session: ClientSession) -> None:
        """Keep its configuration and its log in a directory."""
        super().__init__(directory, port, session)
        self.program = MortalProgram("Home Assistant", directory / "home-assistant.log")

    @override
    def _configure(self) -> None:
        super()._configure()
        configuration = self._config / "configuration.yaml"
        quiet = configuration.read_text().replace("podero: debug", "podero: fatal")
        configuration.unlink()
        configuration.write_text(quiet)

    @override
    async def _start(self) -> None:
        await self.program.start(
            *(sys.executable, "-m", "benchmarks.events.hurry"),
            *("--config", str(self._config)),
            "--log-no-color",
        )

    async def reload(self) -> None:
        """Reload the account."""
        (entry,) = await self.get(ENTRIES)
        path = f"/api/config/config_entries/entry/{entry['entry_id']}/reload"
        await self.post(path, {})

    async def is_loaded(self) -> bool | None:
        """Tell whether the account works, None where not yet."""
        (entry,) = await self.get(ENTRIES)
        return entry["state"] == "loaded" or None

    @asynccontextmanager
    async def listen(self, fired: Any) -> AsyncIterator[None]:
        """Tell of each firing, by the car and the event."""
        token = self._headers["Authorization"].removeprefix("Bearer ")
        async with self._session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token})
            await socket.receive_json()
            await socket.send_json(
                {"id": 1, "type": "subscribe_events", "event_type": FIRED}
            )
            await socket.receive_json()

            async def hear() -> None:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        answer = message.json()
                        for event in answer if isinstance(answer, list) else [answer]:
                            data = event["event"]["data"]
                            fired(data["car"], data["event"])

            hearing = asyncio.create_task(hear())
            try:
                yield
                await asyncio.sleep(IN_FLIGHT)
            finally:
                hearing.cancel()


class Month:
    """Count what happens in some days."""

    def __init__(self, days: int, seed: int, directory: Path) -> None:
        """Be the same for the same seed, but for the moments when Home Assistant stops."""
        self.counts: Counter[str] = Counter()
        self._end = days * MINUTES_A_DAY
        self._random = Random(seed)
        self._directory = directory
        self._runs: dict[str, Run] = {}
        self._since = time.monotonic()
        self._last = "the start"
        self._cloud = Cloud(seed, self._read)

    def _read(self, car_id: str, document: dict[str, Any], at: float) -> None:
        self._runs.setdefault(car_id, Run()).read(document, at)

    def _fire(self, car_id: str, event: str) -> None:
        self._runs.setdefault(car_id, Run()).fired.append(event)

    def _close(self, certain_until: float) -> None:
        """Settle what went on until the integration stopped."""
        for run in self._runs.values():
            tally = run.tally(certain_until)
            self.counts += tally
            if tally["false"] or tally["missed"]:
                shown = [(round(at - self._since, 2), event) for at, event in run.shown]
                say(
                    f"  after {self._last} at {self._since:.1f} s: {shown}, fired {run.fired}"
                )
        self._runs = {}
        self._since = time.monotonic()

    async def live(self) -> None:
        """Live through it."""
        async with (
            ClientSession() as session,
            self._cloud,
            Home(self._directory, any_port(), session) as home,
        ):
            account = self._cloud.simulator.account
            podero: Any = SimpleNamespace(
                url=self._cloud.server.url,
                vehicle_ids=[car.id for car in self._cloud.simulator.vehicles],
                account={
                    name: getattr(account, name)
                    for name in ("username", "password", "organization_id", "user_id")
                },
            )
            await sign_up(home, podero, known_port=None)
            await self._automate(home, podero.vehicle_ids)
            while self._cloud.minutes < self._end:
                await self._live_until_interrupted(home)
            self.counts["readings"] = self._cloud.readings
            self.counts += self._cloud.mishaps.counts

    async def _automate(self, home: Home, car_ids: list[str]) -> None:
        """Have an automation for each trigger and car, each car targeted in its own way."""
        label = await home.command("config/label_registry/create", name="Cars")
        for car_id in car_ids:

            async def find(car_id: str = car_id) -> dict[str, Any] | None:
                for device in await home.command("config/device_registry/list"):
                    if ["podero", car_id] in device["identifiers"]:
                        return dict(device)
                return None

            device = await home.program.wait_until(find, START_SECONDS)
            target = {"device_id": device["id"]}
            if car_id != car_ids[0]:
                target = {"label_id": label["label_id"]}
                await home.command(
                    "config/device_registry/update",
                    device_id=device["id"],
                    labels=[label["label_id"]],
                )
            for trigger in TRIGGERS:
                await home.post(
                    f"/api/config/automation/config/{trigger}_{car_id}",
                    {
                        "alias": f"{trigger} {car_id}",
                        "mode": "parallel",
                        "max": 100,
                        "triggers": [
                            {"trigger": f"podero.{trigger}", "target": target}
                        ],
                        "actions": [
                            {
                                "event": FIRED,
                                "event_data": {"car": car_id, "event": trigger},
                            }
                        ],
                    },
                )

    async def _live_until_interrupted(self, home: Home) -> None:
        """Live for a while, until Home Assistant or the account goes down and comes back."""
        hours = self._random.uniform(*HOURS_BETWEEN_INTERRUPTIONS)
        minute = min(self._cloud.minutes + round(hours * 60), self._end)
        interruption = self._random.choice(INTERRUPTIONS)
        async with home.listen(self._fire):
            await self._cloud.wait_until(minute)
            if minute == self._end or interruption == "reloads":
                self._cloud.is_running = False
                await asyncio.sleep(IN_FLIGHT)
                certain_until = time.monotonic()
            elif interruption == "kills":
                await home.program.kill()
                certain_until = time.monotonic() - IN_FLIGHT
            else:
                certain_until = time.monotonic() - IN_FLIGHT
                await home.program.stop()
            self._cloud.is_running = False
        self._close(certain_until)
        say(f"day {self._cloud.minutes / MINUTES_A_DAY:4.1f}  {self._summary()}")
        if minute < self._end:
            await self._come_back(home, interruption)

    async def _come_back(self, home: Home, interruption: str) -> None:
        self.counts[interruption] += 1
        self._last = interruption
        self._cloud.simulator.clear_faults()
        if interruption == "reloads":
            await home.reload()
        else:
            self._cloud.live(self._random.randint(1, LONGEST_ABSENCE))
            self._cloud.simulator.clear_faults()
            # Sometimes the cloud is down when Home Assistant comes up.
            if self._random.random() < 0.3:
                self._cloud.simulator.add_fault(kind="vehicle", status=503, count=2)
            await home.start()
        await home.program.wait_until(home.is_loaded, START_SECONDS)
        # Automations listen a moment after Home Assistant says that it has started.
        await asyncio.sleep(ATTACH)

    def _summary(self) -> str:
        return ", ".join(
            f"{self.counts[name]} {name.replace('_', ' ')}"
            for name in ("changes", "fired", "false", "missed", "cut_off")
        )

    def report(self) -> bool:
        """Print all counts, and return whether all is well."""
        for name, count in sorted(self.counts.items()):
            say(f"{count:8}  {name.replace('_', ' ')}")
        say(self._summary())
        return not (self.counts["false"] or self.counts["missed"])


def main() -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        month = Month(options.days, options.seed, Path(directory))
        asyncio.run(month.live())
    return 0 if month.report() else 1


if __name__ == "__main__":
    sys.exit(main())
