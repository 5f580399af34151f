"""A real Home Assistant watches two cars for a month: its triggers miss and invent nothing.

Each poll is a minute of the cars' lives. Home Assistant is restarted and killed, the
account is reloaded and disabled, the cloud fails, is slow or lacks values, and people use
the cars: at random, and also while Home Assistant starts, stops, or is down.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from random import Random
import time
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientSession
import pytest

from scripts.demo.processes import free_port, say
from scripts.demo.sign_up import sign_up

from .cloud import Cloud
from .downtime import MOST_TOLD, Downtime
from .home import Home
from .mishaps import MINUTES_A_DAY
from .truth import Comparison, Watch

INTERRUPTIONS = ("restarts", "power cuts", "reloads", "times disabled")
HOURS_BETWEEN_INTERRUPTIONS = (6, 30)
PORT = 18200

IN_FLIGHT = 0.3
"""Seconds after which a reading that was served is taken, and its events are logged."""

STARTING_DELAY = 0.1
"""Seconds for a reading while Home Assistant starts, so that it is not days."""

MEMORY_AGE = timedelta(minutes=59)
"""How old the memory may be when the power is cut, though nothing happened."""


class Month:
    """Some days with their interruptions."""

    def __init__(self, days: int, seed: int, directory: Path) -> None:
        """Be the same for the same seed, but for the moments when Home Assistant stops."""
        self.counts: Counter[str] = Counter()
        self.wrong: list[tuple[str, Comparison | None, Comparison]] = []
        """After which interruption, and the comparisons before and after it."""

        self._end = days * MINUTES_A_DAY
        self._random = Random(seed)
        self._directory = directory
        # Of its own, for another one may run beside it.
        self._port = PORT + 10 * seed
        self._cloud = Cloud(seed, self._read)
        self._watches = {car_id: Watch() for car_id in self._cloud.car_ids}
        self._last = "the start"
        self._before: dict[str, Comparison] = {}

    def _read(self, car_id: str, document: Mapping[str, Any], at: float) -> None:
        self._watches[car_id].readings.append((at, document))

    async def live(self) -> None:
        """Watch the cars until the end."""
        async with ClientSession() as session, self._cloud.server as server:
            home = Home(self._directory, free_port(self._port), session)
            async with home.running():
                account = self._cloud.simulator.account
                podero: Any = SimpleNamespace(
                    url=server.url,
                    vehicle_ids=self._cloud.car_ids,
                    account=asdict(account),
                )
                await sign_up(home, podero)
                await home.wait_until_loaded(self._cloud.simulator)
                await home.automate(self._cloud.car_ids)
                while self._cloud.minutes < self._end:
                    await self._live_until_interrupted(home)
        self.counts["readings"] = self._cloud.readings
        self.counts += self._cloud.mishaps.counts

    async def _live_until_interrupted(self, home: Home) -> None:
        """Live for some hours, then interrupt Home Assistant or the account, and start again."""
        hours = self._random.uniform(*HOURS_BETWEEN_INTERRUPTIONS)
        minute = min(self._cloud.minutes + round(hours * 60), self._end)
        await self._cloud.run_until(minute)
        interruption = self._random.choice(INTERRUPTIONS)
        downtime = Downtime.choose(self._random)
        if interruption == "reloads" or minute == self._end:
            downtime = Downtime(0)
        elif interruption == "power cuts" and not downtime.is_too_long:
            # As old as the memory is by then, it is too old any later.
            downtime = Downtime(min(downtime.minutes, MOST_TOLD - 60))
        certain_until = time.monotonic() - IN_FLIGHT
        match interruption:
            case "restarts":
                await home.program.stop()
            case "power cuts":
                await self._stand_still()
                certain_until = time.monotonic()
                await home.program.kill()
            case "times disabled":
                await home.disable()
                await asyncio.sleep(IN_FLIGHT)
            case "reloads":
                await self._stand_still()
                certain_until = time.monotonic()
        self._close(home, certain_until, downtime)
        if minute == self._end:
            return
        self.counts[interruption] += 1
        self._last = f"{interruption} of {downtime.minutes} min"
        self._cloud.live(downtime.minutes)
        age = timedelta(minutes=downtime.minutes)
        match interruption:
            case "reloads":
                await home.reload()
            case "times disabled":
                home.age_memory(age)
                self._cloud.run(delay=STARTING_DELAY)
                await home.disable(disabled_by=None)
            case _:
                if interruption == "power cuts":
                    age += MEMORY_AGE * self._random.random()
                home.age_memory(age)
                self._let_the_cloud_recover()
                self._cloud.run(delay=STARTING_DELAY)
                await home.start()
        await home.wait_until_loaded(self._cloud.simulator)

    async def _stand_still(self) -> None:
        """Stop the cars' time until all that was served is taken."""
        self._cloud.stop()
        await asyncio.sleep(IN_FLIGHT)

    def _let_the_cloud_recover(self) -> None:
        """Clear the faults, though the cloud may be down when Home Assistant comes up."""
        self._cloud.simulator.clear_faults()
        if self._random.random() < 0.3:
            self._cloud.simulator.add_fault(kind="vehicle", status=503, count=2)

    def _close(self, home: Home, certain_until: float, downtime: Downtime) -> None:
        """Compare what was fired until the interruption."""
        for car_id, event in home.fired():
            self._watches[car_id].fired.append(event)
        for car_id, watch in self._watches.items():
            comparison = watch.close(certain_until, is_too_long=downtime.is_too_long)
            self.counts += comparison.counts
            before = self._before.get(car_id)
            if comparison.errors:
                self.wrong.append((self._last, before, comparison))
            self._before[car_id] = comparison
        numbers = ", ".join(
            f"{self.counts[name]} {name}"
            for name in ("events", "told afterwards", "fired", "false", "missed")
        )
        say(f"day {self._cloud.minutes / MINUTES_A_DAY:4.1f}  {numbers}")


@pytest.mark.usefixtures("socket_enabled")
async def test_month(
    tmp_path: Path,
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """No event is false, none is missed, each is told once."""
    month = Month(pytestconfig.getoption("days") or 30, seed, tmp_path)
    await month.live()
    record_property("events", dict(month.counts))
    assert not month.wrong
    assert month.counts["fired"] == month.counts["events"] > 0
