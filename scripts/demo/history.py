"""Create state history: simulate hours in seconds, and backdate the recorded states."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
import sqlite3
import time

from .home_assistant import HomeAssistant
from .processes import say
from .simulator import Simulator

HISTORY_HOURS = 48
STEPS_PER_HOUR = 6

# Hours before the end at which both cars drive, in addition to their habits.
DRIVES = (31, 29, 6, 4)

# Hours before the end at which the first car starts charging.
CHARGES = 1


async def create_history(hass: HomeAssistant, simulator: Simulator) -> None:
    """Advance a simulator that started HISTORY_HOURS ago to now, and record states.

    At the end both cars are plugged in at home, and the first one is charging.
    """
    say(f"Creating {HISTORY_HOURS} hours of history")
    first, second = simulator.vehicle_ids
    moments = [(0.0, float(HISTORY_HOURS))]
    for step in range(HISTORY_HOURS * STEPS_PER_HOUR):
        hours_ago = HISTORY_HOURS - step / STEPS_PER_HOUR
        if hours_ago in DRIVES:
            await simulator.command(first, "drive")
            await simulator.command(second, "drive")
        if hours_ago == CHARGES:
            # It may be nearly full, depending on the time of day.
            await simulator.command(first, "level", percent=50)
            await simulator.command(first, "charge")
        moments.append((time.time(), hours_ago - 1 / STEPS_PER_HOUR))
        await simulator.advance(1 / STEPS_PER_HOUR)
        await poll(hass)
    # It may wait for cheap hours.
    await simulator.command(second, "plug-in")
    await poll(hass)
    await hass.program.stop()
    _move(hass.database, moments)
    await hass.start()


async def poll(hass: HomeAssistant) -> None:
    """Poll all cars by writing to them, as the action update_entity is debounced."""
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
    """Backdate the recorded states from each moment on by a number of hours."""
    ends = [moment for moment, _ in moments[1:]] + [time.time()]
    with closing(sqlite3.connect(database)) as connection, connection:
        for (start, hours), end in zip(moments, ends, strict=True):
            for column in ("last_updated_ts", "last_changed_ts", "last_reported_ts"):
                connection.execute(
                    f"UPDATE states SET {column} = {column} - ?"
                    f" WHERE {column} >= ? AND {column} < ?",
                    (hours * 3600, start, end),
                )
