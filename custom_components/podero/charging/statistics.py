"""Write energy and money per hour to Home Assistant's long-term statistics."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from homeassistant.components.recorder import DOMAIN as RECORDER_DOMAIN, get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    StatisticsRow,
    async_add_external_statistics,
    get_last_statistics,
    statistics_during_period,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.unit_conversion import EnergyConverter

from ..const import CURRENCY, DOMAIN
from .hours import Amounts

type Series = Literal["energy", "cost", "savings"]

# Energy is written last: if its rows exist, those of the others do too.
SERIES: Final[tuple[Series, ...]] = ("cost", "savings", "energy")

PAST: Final = timedelta(days=730)
"""How much history is imported at first."""

REWRITTEN: Final = timedelta(days=35)
"""How much history is read again to pick up corrections by the service."""

TOLERANCE: Final = 1e-6
"""Difference up to which two amounts are equal."""


class Row(NamedTuple):
    """A row of statistics: the amount of an hour, and the sum up to it."""

    state: float
    sum: float


def statistic_id(vehicle_id: str, series: Series) -> str:
    """Return the statistic id of a vehicle's series."""
    return f"{DOMAIN}:{vehicle_id.replace('-', '_')}_{series}"


class VehicleStatistics:
    """Update the statistics of one vehicle in the background.

    Without the recorder nothing is written.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        vehicle_id: str,
        name: str,
        since: datetime | None = None,
    ) -> None:
        """Use a vehicle's id and name. Rows before the hour of `since` are never changed."""
        self._hass = hass
        self._entry = entry
        self._vehicle_id = vehicle_id
        self._name = name
        self._since = since
        self._task: asyncio.Task[None] | None = None
        self._to_write: tuple[Mapping[datetime, Amounts], datetime] | None = None
        self._past_start: datetime | None = None
        """The start of the history to import, while the recorder has no row."""

        self._is_past_empty = False
        """Whether the history had nothing to import."""

    async def async_get_start(self, now: datetime) -> datetime:
        """Return the hour from which on to write.

        Without a row in the recorder it is two years ago, otherwise at most the hour of
        the newest row.
        """
        start = _hour(now - REWRITTEN)
        self._past_start = None
        if RECORDER_DOMAIN in self._hass.config.components:
            newest = await async_get_newest_hour(self._hass, self._vehicle_id)
            if newest is not None:
                # If the rows are deleted later, the history is imported again.
                self._is_past_empty = False
                start = max(min(start, newest), _hour(now - PAST))
            elif not self._is_past_empty:
                start = self._past_start = _hour(now - PAST)
        return self._limit(start)

    def _limit(self, start: datetime) -> datetime:
        """Return an hour, or a later one whose rows may be changed."""
        return start if self._since is None else max(start, _hour(self._since))

    @callback
    def async_write(self, hours: Mapping[datetime, Amounts], start: datetime) -> None:
        """Write the hours from `start` on, after a running write."""
        if RECORDER_DOMAIN not in self._hass.config.components:
            return
        self._to_write = hours, self._limit(start)
        if self._task is None or self._task.done():
            self._task = self._entry.async_create_background_task(
                self._hass, self._async_write(), f"{self._name} statistics"
            )

    async def _async_write(self) -> None:
        """Write the pending hours, and those that become pending meanwhile."""
        while self._to_write is not None:
            (hours, start), self._to_write = self._to_write, None
            await async_write_hours(
                self._hass, self._vehicle_id, self._name, hours, start
            )
            if self._past_start is not None and start <= self._past_start:
                # Rows of energy show that the history was imported.
                self._is_past_empty = not any(
                    amounts.energy for amounts in hours.values()
                )


def _hour(moment: datetime) -> datetime:
    """Return the start of an hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


async def async_get_newest_hour(
    hass: HomeAssistant, vehicle_id: str
) -> datetime | None:
    """Return the hour of a vehicle's newest row, or None without rows."""
    series = statistic_id(vehicle_id, "energy")
    last = await get_instance(hass).async_add_executor_job(
        get_last_statistics, hass, 1, series, False, {"state"}
    )
    rows = last.get(series)
    return datetime.fromtimestamp(rows[0]["start"], UTC) if rows else None


async def async_get_last_charge(
    hass: HomeAssistant, vehicle_id: str, since: datetime
) -> datetime | None:
    """Return the newest hour with energy from a moment on, or None if there is none."""
    series = statistic_id(vehicle_id, "energy")
    rows, _ = await get_instance(hass).async_add_executor_job(
        _read_rows, hass, series, _hour(since)
    )
    return max((hour for hour, row in rows.items() if row.state), default=None)


async def async_write_hours(
    hass: HomeAssistant,
    vehicle_id: str,
    vehicle_name: str,
    hours: Mapping[datetime, Amounts],
    since: datetime,
) -> None:
    """Correct the rows from an hour on, and wait until they are committed.

    Rows before the first incorrect one are not written.
    """
    recorder = get_instance(hass)
    translations = await async_get_translations(
        hass, hass.config.language, "common", [DOMAIN]
    )
    for series in SERIES:
        amounts = {
            hour: getattr(hours[hour], series) for hour in hours if hour >= since
        }
        series_id = statistic_id(vehicle_id, series)
        rows, sum_before = await recorder.async_add_executor_job(
            _read_rows, hass, series_id, since
        )
        if statistics := list(_changed(amounts, rows, sum_before)):
            is_energy = series == "energy"
            name = translations[f"component.{DOMAIN}.common.statistic_{series}"]
            metadata = StatisticMetaData(
                mean_type=StatisticMeanType.NONE,
                has_sum=True,
                name=name.replace("{vehicle}", vehicle_name),
                source=DOMAIN,
                statistic_id=series_id,
                unit_class=EnergyConverter.UNIT_CLASS if is_energy else None,
                unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR
                if is_energy
                else CURRENCY,
            )
            async_add_external_statistics(hass, metadata, statistics)
    # The next write reads these rows.
    await recorder.async_block_till_done()


def _read_rows(
    hass: HomeAssistant, series: str, since: datetime
) -> tuple[dict[datetime, Row], float]:
    """Return the rows from an hour on, and the sum before them."""
    found = statistics_during_period(
        hass, since, None, {series}, "hour", None, {"state", "sum"}
    ).get(series, [])
    # One row more than those, for the sum before them.
    last = get_last_statistics(hass, len(found) + 1, series, False, {"sum"}).get(
        series, []
    )
    before = [row for row in last if row["start"] < since.timestamp()]
    return (
        {datetime.fromtimestamp(row["start"], UTC): _row(row) for row in found},
        (before[0].get("sum") or 0.0) if before else 0.0,
    )


def _row(row: StatisticsRow) -> Row:
    return Row(row.get("state") or 0.0, row.get("sum") or 0.0)


def _changed(
    amounts: Mapping[datetime, float], rows: Mapping[datetime, Row], total: float
) -> Iterable[StatisticData]:
    """Yield the rows to write: all from the first incorrect one on.

    A row without an amount is written as 0: the recorder cannot delete single rows.
    """
    is_right = True
    for hour in sorted({*rows, *(hour for hour in amounts if amounts[hour])}):
        amount = amounts.get(hour, 0.0)
        total += amount
        row = rows.get(hour)
        is_right = is_right and row is not None and _is_same(row, amount, total)
        if not is_right:
            yield StatisticData(start=hour, state=amount, sum=total)


def _is_same(row: Row, amount: float, total: float) -> bool:
    return abs(row.state - amount) < TOLERANCE and abs(row.sum - total) < TOLERANCE
