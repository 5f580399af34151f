"""Charging sessions of a car, and their statistics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import (
    StatisticsRow,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .home import Home
from custom_components.podero.charging.statistics import Series, statistic_id
from simulator import Car
from simulator.sessions import Session

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

type Period = Literal["hour", "day"]
type StatisticType = Literal["change", "state", "sum"]


def moment(text: str) -> datetime:
    """Return a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def park(car: Car) -> None:
    """Unplug a car, and delete its sessions."""
    car.unplug()
    car.life.sessions.clear()


def add_session(
    car: Car, start: datetime, hours: float, energy: float, **corrections: Any
) -> Session:
    """Add a completed session at home that costs 0.20 EUR and saves 0.05 EUR a kWh."""
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
    """Yield the query of each request to a path with this end."""
    for request in home.simulator.requests:
        if request.path.endswith(end):
            yield {key: f"{value}" for key, value in request.query.items()}


async def live(
    home: Home, freezer: FrozenDateTimeFactory, time: timedelta, step: float = 60
) -> None:
    """Poll for some time."""
    end = freezer() + time
    while freezer() < end:
        freezer.tick(step)
        await home.refresh()
        await home.settle()


async def read_statistics(
    hass: HomeAssistant,
    car_id: str,
    series: Series,
    *types: StatisticType,
    period: Period = "hour",
) -> list[StatisticsRow]:
    """Return the rows of a car's statistics."""
    key = statistic_id(car_id, series)
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        EARLIEST,
        None,
        {key},
        period,
        None,
        {*types},
    )
    return found.get(key, [])


async def recorded_hours(
    hass: HomeAssistant, car_id: str, series: Series = "energy"
) -> dict[datetime, float]:
    """Return the state of each recorded hour, whose sums have to add up."""
    total = 0.0
    hours = {}
    for row in await read_statistics(hass, car_id, series, "state", "sum"):
        state = row["state"] or 0.0
        total += state
        assert row["sum"] == pytest.approx(total)
        hours[dt_util.utc_from_timestamp(row["start"])] = state
    return hours


async def recorded(
    hass: HomeAssistant, car: Car, series: Series = "energy"
) -> dict[datetime, float]:
    """Return the state of each recorded hour of a car that is not 0."""
    hours = await recorded_hours(hass, car.id, series)
    return {hour: state for hour, state in hours.items() if state}
