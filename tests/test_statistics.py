"""What was charged per hour, as it stands in the recorder."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from time import sleep
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from homeassistant.components.recorder import (
    get_instance,
    statistics as recorder_statistics,
)
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    get_metadata,
    import_statistics,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .charging import read_statistics, recorded_hours
from custom_components.podero.charging.hours import Amounts
from custom_components.podero.charging.statistics import (
    SERIES,
    Series,
    VehicleStatistics,
    async_get_newest_hour,
    async_write_hours,
    statistic_id,
)

CAR = "1a2b3c4d-0000-4000-8000-000000000001"
OTHER_CAR = "1a2b3c4d-0000-4000-8000-000000000002"
EVENING = datetime(2026, 11, 10, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _use_custom_integrations(
    recorder_mock: Any, enable_custom_integrations: None
) -> None:
    """Start the recorder before Home Assistant."""


def hours(*energies: float, start: datetime = EVENING) -> dict[datetime, Amounts]:
    """Return hours in a row, at 0.20 EUR a kWh, of which a fourth was saved."""
    return {
        start + timedelta(hours=index): Amounts(energy, energy * 0.2, energy * -0.05)
        for index, energy in enumerate(energies)
    }


async def write(
    hass: HomeAssistant,
    amounts: Mapping[datetime, Amounts],
    since: datetime = EVENING,
    car: str = CAR,
) -> None:
    await async_write_hours(hass, car, "Zoe", amounts, since)
    await async_wait_recording_done(hass)


async def rows(
    hass: HomeAssistant, series: Series = "energy", car: str = CAR
) -> dict[datetime, Any]:
    """Return the state of each recorded hour, to be compared as an approximate value."""
    stored = await recorded_hours(hass, car, series)
    return {hour: pytest.approx(state) for hour, state in stored.items()}


def energies(*values: float, start: datetime = EVENING) -> dict[datetime, float]:
    return {start + timedelta(hours=index): value for index, value in enumerate(values)}


async def test_each_hour_has_its_energy_and_money(hass: HomeAssistant) -> None:
    assert await async_get_newest_hour(hass, CAR) is None
    await write(hass, hours(2, 0, 8))
    assert await rows(hass) == {EVENING: 2, EVENING + timedelta(hours=2): 8}
    assert await rows(hass, "cost") == {EVENING: 0.4, EVENING + timedelta(hours=2): 1.6}
    assert list((await rows(hass, "savings")).values()) == [-0.1, -0.4]
    assert await async_get_newest_hour(hass, CAR) == EVENING + timedelta(hours=2)


async def test_a_car_with_a_new_id_continues_them(hass: HomeAssistant) -> None:
    """What was written before it had that id is left alone, however far back is read."""
    await write(hass, hours(2, 3, 4))
    since = EVENING + timedelta(hours=2, minutes=30)
    entry = MockConfigEntry()
    statistics = VehicleStatistics(hass, entry, CAR, "Zoe", since)
    start = await statistics.async_get_start(EVENING + timedelta(days=1))
    assert start == EVENING + timedelta(hours=2)
    # Of the new id no earlier sessions are listed.
    statistics.async_write(hours(7, start=EVENING + timedelta(hours=3)), start)
    await hass.async_block_till_done(wait_background_tasks=True)
    await async_wait_recording_done(hass)
    assert await rows(hass) == energies(2, 3, 0, 7)


async def test_statistics_are_named_after_the_car(hass: HomeAssistant) -> None:
    await write(hass, hours(2))
    metadata = await get_instance(hass).async_add_executor_job(
        lambda: get_metadata(hass, statistic_source="podero")
    )
    assert {
        key: (data["name"], data["unit_of_measurement"], data["unit_class"])
        for key, (_, data) in metadata.items()
    } == {
        "podero:1a2b3c4d_0000_4000_8000_000000000001_energy": ("Zoe charged", "kWh", "energy"),
        "podero:1a2b3c4d_0000_4000_8000_000000000001_cost": ("Zoe charging cost", "EUR", None),
        "podero:1a2b3c4d_0000_4000_8000_000000000001_savings": ("Zoe saved", "EUR", None),
    }  # fmt: skip


async def test_a_second_time_writes_nothing(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(hass, hours(2, 8, 8))
    monkeypatch.setattr(
        "custom_components.podero.charging.statistics.async_add_external_statistics",
        lambda *_: pytest.fail("written again"),
    )
    await write(hass, hours(2, 8, 8))
    await write(hass, hours(2, 8, 8), EVENING + timedelta(hours=1))
    await write(hass, {}, EVENING + timedelta(hours=3))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((2, 8, 8, 0, 0, 5), (3, 9, 9, 0, 0, 5), id="up"),
        pytest.param((3, 9, 9, 0, 0, 5), (2, 8, 8, 0, 0, 5), id="down"),
        pytest.param((2, 8, 8, 0, 0, 5), (2, 8, 0, 0, 0, 5), id="shorter"),
        pytest.param((0, 8, 8, 0, 0, 5), (2, 8, 8, 1, 0, 5), id="longer"),
        pytest.param((2, 8, 8, 0, 0, 5), (0, 0, 0, 0, 0, 5), id="deleted"),
        pytest.param((2, 8, 8, 0, 0, 5), (2, 8, 8, 0, 0, 0), id="the last one deleted"),
        pytest.param((2, 8, 8, 0, 0, 5), (0, 0, 0, 0, 0, 0), id="all deleted"),
        pytest.param((2, 8, 8), (2, 8, 8, 0, 0, 5), id="one more"),
    ],
)
async def test_a_correction_stays_where_it_belongs(
    hass: HomeAssistant, before: tuple[float, ...], after: tuple[float, ...]
) -> None:
    """The hours of other sessions keep what they have, and the sums add up."""
    earlier = EVENING - timedelta(days=40)
    await write(hass, hours(4, 4, start=earlier), earlier)
    await write(hass, hours(*before))
    await write(hass, hours(*after))
    expected = energies(4, 4, start=earlier) | energies(*after)
    stored = await rows(hass)
    assert {hour: energy for hour, energy in stored.items() if energy != 0} == {
        hour: energy for hour, energy in expected.items() if energy
    }
    cost = sum(value.expected for value in (await rows(hass, "cost")).values())
    assert cost == pytest.approx((8 + sum(after)) * 0.2)


async def test_a_slow_recorder_is_waited_for(hass: HomeAssistant) -> None:
    """Else the rows of a session that became shorter would not be known."""

    def import_slowly(*args: Any) -> bool:
        sleep(0.05)
        return import_statistics(*args)

    with patch.object(recorder_statistics, "import_statistics", import_slowly):
        for amounts in (hours(2, 8, 8), hours(0, 4, 4), hours(3, 9)):
            await async_write_hours(hass, CAR, "Zoe", amounts, EVENING)
    assert await rows(hass) == energies(3, 9, 0)


async def test_cars_do_not_mix(hass: HomeAssistant) -> None:
    await write(hass, hours(2, 8))
    await write(hass, hours(5, 1), car=OTHER_CAR)
    await write(hass, hours(1, 7))
    assert await rows(hass) == energies(1, 7)
    assert await rows(hass, car=OTHER_CAR) == energies(5, 1)


async def test_a_purged_recorder_is_filled_again(hass: HomeAssistant) -> None:
    await write(hass, hours(2, 8))
    get_instance(hass).async_clear_statistics(
        [statistic_id(CAR, series) for series in SERIES]
    )
    await async_wait_recording_done(hass)
    assert await async_get_newest_hour(hass, CAR) is None
    await write(hass, hours(2, 8))
    assert await rows(hass) == energies(2, 8)


async def test_rows_of_an_earlier_installation_are_continued(
    hass: HomeAssistant,
) -> None:
    """What lies before stays, wrong sums are mended, and what is to come is emptied."""
    future = EVENING + timedelta(days=300)
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name="Zoe",
        source="podero",
        statistic_id=statistic_id(CAR, "energy"),
        unit_class="energy",
        unit_of_measurement="kWh",
    )
    earlier = [
        StatisticData(start=EVENING - timedelta(days=300), state=100, sum=100),
        StatisticData(start=EVENING, state=8, sum=8),
        StatisticData(start=EVENING + timedelta(hours=1), state=9, sum=0),
        StatisticData(start=future, state=9, sum=500),
    ]
    async_add_external_statistics(hass, metadata, earlier)
    await async_wait_recording_done(hass)
    await write(hass, hours(2, 8, 1))
    before = {EVENING - timedelta(days=300): 100}
    assert await rows(hass) == before | energies(2, 8, 1) | {future: 0}


@pytest.mark.parametrize(
    ("zone", "evening"),
    [
        ("Europe/Berlin", datetime(2026, 10, 24, 20)),
        ("Europe/Berlin", datetime(2026, 3, 28, 20)),
        ("Asia/Kolkata", datetime(2026, 11, 10, 20)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 20)),
        ("America/St_Johns", datetime(2026, 10, 31, 20)),
    ],
)
async def test_days_add_up(hass: HomeAssistant, zone: str, evening: datetime) -> None:
    """As the Energy dashboard shows them, when the clock is changed and in odd zones."""
    await hass.config.async_set_time_zone(zone)
    start = evening.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(minute=0)
    charged = hours(*range(1, 15), start=start)
    await write(hass, charged, start)
    days = await read_statistics(hass, CAR, "energy", "change", period="day")
    expected: Counter[date] = Counter()
    for hour, amounts in charged.items():
        expected[hour.astimezone(ZoneInfo(zone)).date()] += amounts.energy
    assert {
        dt_util.as_local(dt_util.utc_from_timestamp(row["start"])).date(): row["change"]
        for row in days
    } == pytest.approx(expected)
