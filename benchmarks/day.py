"""What a day of readings adds to the recorder's database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
import sqlite3
from unittest.mock import patch

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .contenders import PODERO, Bench, podero, restful_integration
from .home import commit, run_home
from .readings import NOON, READINGS_A_DAY, Document, copies, vehicle_ids
from .server import Server
from .shown import COMPUTED, DEFAULT

_PERIOD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a day added: rows of states, their bytes, and rows of statistics."""

    rows: int
    size: int
    statistics: int


async def record_day(server: Server, name: str, day: Iterable[Document]) -> Recorded:
    """Let a contender poll for a day."""
    vehicles, now = vehicle_ids(1), NOON
    server.serve(copies(day, vehicles))

    def simulated_now() -> datetime:
        return now

    async with run_home(with_recorder=True) as hass:
        with patch.object(dt_util, "utcnow", simulated_now):
            bench = Bench(hass, server.url, vehicles)
            contender = await (
                podero(bench) if name == PODERO else restful_integration(bench, name)
            )
            rows, size = await _states(hass)
            # The setup has read the first reading of the day.
            for _ in range(READINGS_A_DAY - 1):
                now += _PERIOD
                await contender.poll()
                await commit(hass)
        rows_after, size_after = await _states(hass)
        return Recorded(rows_after - rows, size_after - size, await _statistics(hass))


def reported_changes(day: Iterable[Document]) -> int:
    """Count how often a field shown by default changed."""
    documents = list(day)
    fields = {shown.field for shown in DEFAULT if shown.key not in COMPUTED}
    return sum(
        before[field] != after[field]
        for before, after in pairwise(documents)
        for field in fields
    )


async def _states(hass: HomeAssistant) -> tuple[int, int]:
    """Return the rows of states, and the size of the database in bytes."""
    await hass.async_block_till_done()
    rows, size = await _query(
        hass,
        "SELECT (SELECT count(*) FROM states), page_count * page_size"
        " FROM pragma_page_count(), pragma_page_size()",
    )
    return rows, size


async def _statistics(hass: HomeAssistant) -> int:
    """Compile the statistics of a day, and return the number of rows."""
    start = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    for period in range(READINGS_A_DAY):
        get_instance(hass).queue_task(StatisticsTask(start + period * _PERIOD, False))
    (rows,) = await _query(
        hass,
        "SELECT (SELECT count(*) FROM statistics_short_term)"
        " + (SELECT count(*) FROM statistics)",
    )
    return rows


async def _query(hass: HomeAssistant, query: str) -> tuple[int, ...]:
    await commit(hass)
    database = Path(hass.config.path("home-assistant_v2.db"))

    def ask() -> tuple[int, ...]:
        with sqlite3.connect(database) as connection:
            answer: tuple[int, ...] = connection.execute(query).fetchone()
        connection.close()
        return answer

    return await hass.async_add_executor_job(ask)
