"""Give the demo a past: cars that live days in seconds, and states recorded when they were."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
import sqlite3
import time

from .home_assistant import HomeAssistant
from .processes import say
from .simulator import Simulator

STEPS_PER_HOUR = 6

# How many hours before the end both cars are driven, whatever day of the week it is.
DRIVES = (31, 29, 6, 4)


async def live_through(hass: HomeAssistant, simulator: Simulator, hours: int) -> None:
    """Let cars whose lives began some hours ago live until now, and read them on the way.

    In the end both are plugged in at home, and the first one charges.
    """
    say(f"Living through {hours} hours")
    first, second = simulator.vehicle_ids
    drives = {(hours - before) * STEPS_PER_HOUR for before in DRIVES}
    moments = [(0.0, float(hours))]
    for step in range(1, hours * STEPS_PER_HOUR + 1):
        if step in drives:
            await simulator.tell(first, "drive")
            await simulator.tell(second, "drive")
        moments.append((time.time(), hours - step / STEPS_PER_HOUR))
        await simulator.advance(1 / STEPS_PER_HOUR)
        await read(hass)
    if (await simulator.read(first))["battery_level"] > 70:
        # At some times of day it has been charged by now, or nearly so.
        await simulator.tell(first, "level", percent=60)
    await simulator.tell(first, "charge")
    await simulator.tell(second, "stop-charging")
    await read(hass)
    await hass.program.stop()
    _move(hass.database, moments)
    await hass.start()


async def read(hass: HomeAssistant) -> None:
    """Have all cars read now: who only asks for it is kept waiting, who writes is not."""
    await hass.post(
        "/api/services/switch/turn_on",
        {
            "entity_id": [
                entity.entity_id
                for entity in await hass.entities()
                if entity.name == "switch.smart_optimization"
            ]
        },
    )


def _move(database: Path, moments: Sequence[tuple[float, float]]) -> None:
    """Move what was recorded to when it was: from each moment on, so many hours back."""
    ends = [moment for moment, _ in moments[1:]] + [time.time()]
    with closing(sqlite3.connect(database)) as connection, connection:
        for (start, hours), end in zip(moments, ends, strict=True):
            for column in ("last_updated_ts", "last_changed_ts", "last_reported_ts"):
                connection.execute(
                    f"UPDATE states SET {column} = {column} - ?"
                    f" WHERE {column} >= ? AND {column} < ?",
                    (hours * 3600, start, end),
                )
