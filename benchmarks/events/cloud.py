"""The simulator, in which time passes with each reading of the first car."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import json
import socket
import time
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from scripts.demo.processes import LOOPBACK

from .mishaps import Mishaps
from simulator import Server, Simulator

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
"""When the cars' lives begin, whenever they are looked at: a seed is a life."""

type OnReading = Callable[[str, dict[str, Any], float], None]


class Cloud:
    """Serve the cars, and tell of each reading that was served whole."""

    def __init__(
        self, seed: int, on_reading: OnReading, *, minutes_per_reading: int = 1
    ) -> None:
        """Have two cars whose time stands still at first."""
        self.simulator = Simulator(seed=seed, now=lambda: START)
        self.mishaps = Mishaps(self.simulator, seed)
        self.is_running = False
        self.minutes = 0
        self.readings = 0
        self._wake_at = 0
        self._awake = asyncio.Event()
        self._minutes_per_reading = minutes_per_reading
        self._on_reading = on_reading
        self.server = Server(self.simulator, middlewares=[self._observe])

    async def __aenter__(self) -> Self:
        """Start."""
        await self.server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.server.stop()

    def live(self, minutes: int) -> None:
        """Let some time pass."""
        for _ in range(minutes):
            self.simulator.advance(MINUTE)
            self.mishaps.minute()
            self.minutes += 1
        if self.minutes >= self._wake_at:
            self._awake.set()

    async def wait_until(self, minute: int) -> None:
        """Let time pass with the readings until a minute."""
        self._wake_at = minute
        self._awake.clear()
        self.is_running = True
        await self._awake.wait()

    @web.middleware
    async def _observe(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        car_id = request.path.rpartition("/electric-vehicles/")[2]
        cars = [car.id for car in self.simulator.vehicles]
        if car_id not in cars:
            return await handler(request)
        if not self.is_running:
            # Nobody is in a hurry while nothing happens.
            await asyncio.sleep(0.02)
        elif car_id == cars[0]:
            self.live(self._minutes_per_reading)
        response = await handler(request)
        if response.status == 200 and isinstance(response, web.Response):
            self._tell(car_id, response)
        return response

    def _tell(self, car_id: str, response: web.Response) -> None:
        try:
            document = json.loads(response.text or "")
        except ValueError:
            return
        if isinstance(document, dict):
            self.readings += 1
            self._on_reading(car_id, document, time.monotonic())


def any_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
