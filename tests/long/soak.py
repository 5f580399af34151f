"""Poll for simulated days with random faults, and count objects that must not grow.

Time passes as fast as the machine allows: the clocks of the event loop, the integration,
the tokens and the cars are advanced together, some seconds at a time.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
import gc
import logging
from pathlib import Path
import random
from typing import Any
from unittest.mock import patch

import aiohttp
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import EntityPlatform
from homeassistant.helpers.storage import Store
from homeassistant.util.async_ import get_scheduled_timer_handles

from ..home import account_entry
from custom_components.podero.charging.watched import Span
from simulator import Fault, Server, Simulator

MODULE = "custom_components.podero"
STEP = 5
"""Seconds by which the clocks are advanced at once."""

MINUTES_OF_A_DAY = 24 * 60
FAULT_PROBABILITY = 0.1

FAULTS: tuple[dict[str, Any], ...] = (
    *({"status": status} for status in (400, 401, 403, 404, 429, 500, 502, 503, 504)),
    {"status": 429, "headers": {"Retry-After": "120"}},
    {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    {"body": b"<html>Sign in</html>", "content_type": "text/html"},
    {"body": b"[]"},
    {"body": b'{"battery_level": "full", "is_charging": 1, "news": {}}'},
    {"body": b" " * 3_000_000},
    *({"truncate_at": 0}, {"truncate_at": 700}, {"reset": True}),
    *({"delay": 0.5}, {"body_delay": 0.5}),
)


# Home Assistant 2026.8 leaks the platforms of every reload, the tests' storage mock keeps
# every store, and spans of charging are kept for longer than a run.
NOT_COUNTED = (EntityPlatform, Store, Span)


class Week:
    """The clocks of a run."""

    def __init__(self) -> None:
        """Start on a Monday."""
        self._passed = 0.0
        self._start = datetime(2026, 11, 2, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the monotonic clock's seconds."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Advance all clocks."""
        self._passed += seconds


class LogLines(logging.Handler):
    """Count the lines logged at info and above."""

    def __init__(self) -> None:
        """Start at zero."""
        super().__init__(logging.INFO)
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count the integration's lines, and errors of others that name it."""
        if record.name.startswith(MODULE) or (
            record.levelno >= logging.ERROR and "podero" in record.getMessage().lower()
        ):
            self.lines["exceptions" if record.exc_info else "lines"] += 1


@dataclass(frozen=True)
class Day:
    """What exists at the end of a day, and what happened on it."""

    polls: int
    faults: int
    memory_kib: int
    objects: int
    tasks: int
    timers: int
    listeners: int
    sockets: int
    log_lines: int
    exceptions: int

    @classmethod
    def take(
        cls, hass: HomeAssistant, happened: Counter[str], log: Counter[str]
    ) -> Day:
        """Count what exists now."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        sockets = [
            entry
            for entry in Path("/proc/self/fd").iterdir()
            if entry.is_symlink() and "socket" in str(entry.readlink())
        ]
        return cls(
            polls=happened["polls"],
            faults=happened["faults"],
            memory_kib=pages * 4,
            objects=sum(map(_is_counted, gc.get_objects())),
            tasks=len(asyncio.all_tasks()),
            timers=sum(
                not timer.cancelled()
                for timer in get_scheduled_timer_handles(hass.loop)
            ),
            listeners=sum(hass.bus.async_listeners().values()),
            sockets=len(sockets),
            log_lines=log.total(),
            exceptions=log["exceptions"],
        )


def _is_counted(thing: object) -> bool:
    """Return whether an object is the integration's or Home Assistant's."""
    module = str(type(thing).__module__)
    return module.startswith(
        ("custom_components.", "homeassistant.")
    ) and not isinstance(thing, NOT_COUNTED)


class Soak:
    """An account with two cars, and random events."""

    def __init__(self, hass: HomeAssistant, server: Server, seed: int) -> None:
        """Use the first two cars of a server, and random events from a seed."""
        self._hass = hass
        self._server = server
        self._cloud = server.simulator
        self._chance = random.Random(seed)
        self._entry: MockConfigEntry = account_entry(server, 0, 1)
        self._fault: Fault | None = None
        self._minutes_of_fault = 0
        self.happened: Counter[str] = Counter()

    async def set_up(self) -> None:
        """Set the account up."""
        self._entry.add_to_hass(self._hass)
        assert await self._hass.config_entries.async_setup(self._entry.entry_id)
        await self._hass.async_block_till_done()

    async def end(self) -> None:
        """Remove the account."""
        await self._hass.config_entries.async_remove(self._entry.entry_id)

    async def live(self, week: Week) -> None:
        """Simulate a minute."""
        self._break_or_repair()
        hour, minute = week.now().hour, week.now().minute
        if minute == 7:
            self._cloud.revoke_tokens(refresh_tokens=hour % 2 == 0)
        if (hour, minute) in {(4, 30), (16, 30)}:
            await self._hass.config_entries.async_reload(self._entry.entry_id)
        if minute == 40 and self._entry.state is ConfigEntryState.LOADED:
            with suppress(HomeAssistantError):
                await next(
                    iter(self._entry.runtime_data.coordinators.values())
                ).async_start_boost()
        if (hour, minute) == (12, 0):
            await self._server.stop()
        if (hour, minute) == (12, 10):
            await self._server.start()
        for _ in range(60 // STEP):
            week.advance(STEP)
            # Let due timers fire, then wait for what they started.
            await asyncio.sleep(0)
            await self._hass.async_block_till_done(wait_background_tasks=True)
        self._abort_reauthentication()
        self.happened["polls"] += len(self._cloud.requests)
        self._cloud.requests.clear()

    def _break_or_repair(self) -> None:
        """Add a fault at random, and clear it after some minutes."""
        self._minutes_of_fault -= 1
        if self._fault is not None and self._minutes_of_fault <= 0:
            self._cloud.clear_faults()
            self._fault = None
        if self._fault is None and self._chance.random() < FAULT_PROBABILITY:
            kind = self._chance.choice([None, "token", "vehicle"])
            options = self._chance.choice(FAULTS)
            self._fault = self._cloud.add_fault(kind=kind, **options)
            self._minutes_of_fault = self._chance.randint(1, 8)
            self.happened["faults"] += 1

    def _abort_reauthentication(self) -> None:
        """Abort reauth flows, which a 401 for all requests starts, and reload."""
        flows = self._hass.config_entries.flow
        for flow in flows.async_progress_by_handler(self._entry.domain):
            flows.async_abort(flow["flow_id"])
            self._cloud.clear_faults()
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)


@contextmanager
def clocks_of(week: Week) -> Iterator[None]:
    """Patch all clocks with those of a run."""
    loop = asyncio.get_running_loop()
    loop_time = loop.time
    with (
        patch.object(loop, "time", lambda: loop_time() + week.monotonic()),
        patch("homeassistant.util.dt.utcnow", week.now),
        patch(f"{MODULE}.api.auth.time", week),
        patch(f"{MODULE}.coordinator.monotonic", week.monotonic),
        patch(f"{MODULE}.coordinator.RETRY_DELAY", 0),
        patch(
            f"{MODULE}.api.transport.REQUEST_TIMEOUT", aiohttp.ClientTimeout(total=0.1)
        ),
    ):
        yield


async def soak(
    hass: HomeAssistant, days: int, seed: int, minutes: int = MINUTES_OF_A_DAY
) -> list[Day]:
    """Return the counts of each day."""
    week = Week()
    log = LogLines()
    result: list[Day] = []
    # pytest's own handlers keep all records, which would count as growth.
    with clocks_of(week), patch.object(logging.getLogger(), "handlers", [log]):
        async with Server(Simulator(speed=1, now=week.now)) as server:
            run = Soak(hass, server, seed)
            await run.set_up()
            for _ in range(days):
                run.happened.clear()
                log.lines.clear()
                for _ in range(minutes):
                    await run.live(week)
                result.append(Day.take(hass, run.happened, log.lines))
            await run.end()
    return result


def grown(days: list[Day]) -> list[str]:
    """Return the names of what grew from the first day to the last one."""
    first, last = days[0], days[-1]
    limits = {
        "memory_kib": first.memory_kib * 1.1,
        "objects": first.objects * 1.02 + 50,
        "tasks": first.tasks + 2,
        "timers": first.timers + 4,
        "listeners": first.listeners + 2,
        "sockets": first.sockets + 4,
        "log_lines": first.log_lines * 2,
        "exceptions": 0,
    }
    return [name for name, limit in limits.items() if getattr(last, name) > limit]


def as_table(days: Sequence[Day]) -> str:
    """Return the days as a table in Markdown."""
    names = [field.name for field in fields(Day)]
    rows = [
        ["day", *names],
        ["---"] * (1 + len(names)),
        *(
            [str(number), *map(str, vars(day).values())]
            for number, day in enumerate(days, 1)
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
