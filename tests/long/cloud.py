"""A simulator in which each reading of the first car takes some time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import json
import time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .mishaps import Mishaps
from simulator import Server, Simulator

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
"""The simulated start: a fixed time, so that a seed always gives the same events."""

type OnReading = Callable[[str, Mapping[str, Any], float], None]
"""Called with a car's id, a document, and the monotonic time when it was served."""


class Cloud:
    """A simulator with two cars and random events, which reports each complete reading."""

    def __init__(
        self, seed: int, on_reading: OnReading, *, minutes_per_reading: int = 1
    ) -> None:
        """Create the cars; their time does not advance before `run`."""
        self.simulator = Simulator(seed=seed, now=lambda: START)
        # The innermost middleware sees the answer after a fault was applied.
        self.server = Server(self.simulator, middlewares=[self._observe])
        self.mishaps = Mishaps(self.simulator, seed)
        self.minutes = 0
        self.readings = 0
        self._is_running = False
        self._delay = 0.0
        self._wake_at = 0
        self._awake = asyncio.Event()
        self._minutes_per_reading = minutes_per_reading
        self._on_reading = on_reading

    @property
    def car_ids(self) -> list[str]:
        """Return the ids of both cars."""
        return [car.id for car in self.simulator.vehicles]

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.simulator.clock.now()

    def live(self, minutes: int) -> None:
        """Advance the time at once."""
        for _ in range(minutes):
            self.simulator.advance(MINUTE)
            self.mishaps.minute()
            self.minutes += 1
        if self.minutes >= self._wake_at:
            self._awake.set()

    def run(self, *, delay: float = 0) -> None:
        """Advance the time with each reading, which is delayed by some real seconds."""
        self._is_running = True
        self._delay = delay

    def stop(self) -> None:
        """Stop advancing the time."""
        self._is_running = False
        # Nothing changes now: poll less often.
        self._delay = 0.02

    async def run_until(self, minute: int) -> None:
        """Advance the time with the readings until a minute."""
        self._wake_at = minute
        self._awake.clear()
        self.run()
        await self._awake.wait()

    @web.middleware
    async def _observe(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        car_id = request.path.rpartition("/electric-vehicles/")[2]
        if car_id not in self.car_ids:
            return await handler(request)
        await asyncio.sleep(self._delay)
        if self._is_running and car_id == self.car_ids[0]:
            self.live(self._minutes_per_reading)
        response = await handler(request)
        if response.status == 200 and isinstance(response, web.Response):
            self._report(car_id, response)
        return response

    def _report(self, car_id: str, response: web.Response) -> None:
        try:
            document = json.loads(response.text or "")
        except ValueError:
            return
        if isinstance(document, dict) and "id" in document:
            self.readings += 1
            self._on_reading(car_id, document, time.monotonic())
