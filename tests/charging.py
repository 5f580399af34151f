"""What the tests of charging sessions share: a car whose sessions are known."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .home import Home
from custom_components.podero.charging.statistics import Series, statistic_id
from simulator import Car
from simulator.sessions import Session

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moment(text: str) -> datetime:
    """Return a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def park(car: Car) -> None:
    """Have a car that is not plugged in, and never was."""
    car.unplug()
    car.life.sessions.clear()


def add_session(
    car: Car, start: datetime, hours: float, energy: float, **corrections: Any
) -> Session:
    """Add a completed session at home, at 0.20 EUR a kWh, of which 0.05 are saved."""
    session = Session(
        id=f"{len(car.life.sessions)} {start:%Y-%m-%d %H:%M}",
        plug_in_time=start,
        initial_soc_pct=40,
        target_soc_pct=80,
        charge_deadline=None,
        is_at_home=True,
        energy_kwh=energy,
        cost_eur=energy * 0.2,
        savings_eur=energy * 0.05,
        final_soc_pct=80,
        unplug_time=start + timedelta(hours=hours),
        corrections=corrections,
    )
    car.life.sessions.append(session)
    return session


def asked(home: Home, end: str) -> Iterator[dict[str, str]]:
    """Yield the query of each request for something of a car."""
    for request in home.simulator.requests:
        if request.path.endswith(end):
            yield {key: f"{value}" for key, value in request.query.items()}


async def recorded(
    hass: HomeAssistant, car: Car, series: Series = "energy"
) -> dict[datetime, float]:
    """Return what is recorded of each hour; the sums have to add it up."""
    key = statistic_id(car.id, series)
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        EARLIEST,
        None,
        {key},
        "hour",
        None,
        {"state", "sum"},
    )
    total = 0.0
    hours = {}
    for row in found.get(key, []):
        total += row["state"] or 0.0
        assert row["sum"] == pytest.approx(total)
        if row["state"]:
            hours[dt_util.utc_from_timestamp(row["start"])] = row["state"]
    return hours
