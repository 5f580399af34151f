"""Sessions in the recorder: each hour has the energy charged in it."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from logging import INFO
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from homeassistant.components.recorder import get_instance

from . import charging
from .charging import HOUR, add_session, asked, moment, park, recorded
from .home import Home
from .support import complaints
from custom_components.podero.charging.statistics import async_get_newest_hour
from simulator.faults import Fault

NOW = moment("2026-11-20T12:00:00")
EVENING = moment("2026-11-18T22:00:00")


@pytest.fixture(autouse=True)
def _use_custom_integrations(
    recorder_mock: Any, enable_custom_integrations: None
) -> None:
    """Start the recorder before Home Assistant."""


@pytest.fixture
async def home(home: Home, freezer: FrozenDateTimeFactory) -> AsyncGenerator[Home]:
    """Return an account with a car that was never plugged in."""
    freezer.move_to(NOW)
    for car in home.simulator.vehicles:
        park(car)
    return home


async def settle(home: Home) -> None:
    """Wait until all is read and recorded."""
    await home.settle()
    await async_wait_recording_done(home.hass)
    await home.settle()


async def set_up(home: Home) -> None:
    await home.set_up()
    await settle(home)


async def live(
    home: Home, freezer: FrozenDateTimeFactory, time: timedelta, step: float = 60
) -> None:
    """Poll for a while, and wait until all is recorded."""
    await charging.live(home, freezer, time, step)
    await async_wait_recording_done(home.hass)
    await home.settle()


async def test_two_years_are_recorded_at_first(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Old sessions are read in the background, in few requests, and logged."""
    for day in range(700):
        add_session(home.car, EVENING - timedelta(days=day), 4, 8)
    add_session(home.car, NOW - timedelta(days=800), 4, 8)
    await set_up(home)
    hours = await recorded(home.hass, home.car)
    assert len(hours) == 700 * 4
    assert min(hours) == EVENING - timedelta(days=699)
    assert sum(hours.values()) == pytest.approx(700 * 8, abs=0.001)
    costs = await recorded(home.hass, home.car, "cost")
    assert sum(costs.values()) == pytest.approx(700 * 8 * 0.2)
    savings = await recorded(home.hass, home.car, "savings")
    assert sum(savings.values()) == pytest.approx(700 * 8 * 0.05)
    queries = list(asked(home, "/sessions"))
    assert queries[0]["from"] == f"{NOW - timedelta(days=730):%Y-%m-%d}"
    assert queries[-1]["to"] == f"{NOW:%Y-%m-%d}"
    assert len(queries) == 4
    told = [line for line in complaints(caplog, INFO) if "charging sessions" in line]
    assert told[-1] == "Car 1: read 700 charging sessions up to 2026-11-20"
    assert complaints(caplog) == []


async def test_all_pages_are_read(home: Home) -> None:
    for index in range(450):
        add_session(home.car, EVENING - timedelta(hours=6 * index), 1, 2)
    await set_up(home)
    hours = await recorded(home.hass, home.car)
    assert sum(hours.values()) == pytest.approx(900)
    assert {query["offset"] for query in asked(home, "/sessions")} == {
        "0",
        "200",
        "400",
    }


async def test_cars_do_not_mix(home: Home) -> None:
    home = home.with_vehicles(0, 1)
    first, second = home.simulator.vehicles
    add_session(first, EVENING, 2, 8)
    add_session(second, EVENING + HOUR, 2, 3)
    await set_up(home)
    assert await recorded(home.hass, first) == {EVENING: 4, EVENING + HOUR: 4}
    assert await recorded(home.hass, second) == {
        EVENING + HOUR: 1.5,
        EVENING + 2 * HOUR: 1.5,
    }


async def test_sessions_away_from_home_are_not_recorded(home: Home) -> None:
    add_session(home.car, EVENING, 2, 8)
    add_session(home.car, EVENING + 4 * HOUR, 2, 50, is_at_home=False)
    add_session(home.car, EVENING + 7 * HOUR, 1, 3, is_at_home=None)
    await set_up(home)
    assert sum((await recorded(home.hass, home.car)).values()) == pytest.approx(11)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("by", ["plug_in_time", "unplug_time"])
async def test_corrections_are_recorded_overnight(
    home: Home, freezer: FrozenDateTimeFactory, by: Any, is_restarted: bool
) -> None:
    """Sessions that are corrected, deleted or added change only their hours."""
    car = home.car
    car.lists_sessions_by = by
    add_session(car, NOW - timedelta(days=60), 4, 8)
    # It began before the days that are read again, and ends within them.
    add_session(car, NOW - timedelta(days=45), 20 * 24, 48)
    up = add_session(car, EVENING - timedelta(days=4), 4, 8)
    down = add_session(car, EVENING - timedelta(days=3), 4, 8)
    shorter = add_session(car, EVENING - timedelta(days=2), 4, 8)
    deleted = add_session(car, EVENING - timedelta(days=1), 4, 8)
    add_session(car, EVENING, 4, 8)
    await set_up(home)
    before = await recorded(home.hass, car)
    assert sum(before.values()) == pytest.approx(96, abs=0.001)

    car.correct_session(up, energy_charged_kwh=12)
    car.correct_session(down, energy_charged_kwh=2, actual_cost_eur=-0.5)
    end = shorter.plug_in_time + 2 * HOUR
    car.correct_session(
        shorter, energy_charged_kwh=4, unplug_time=f"{end:%Y-%m-%dT%H:%M:%SZ}"
    )
    car.delete_session(deleted)
    add_session(car, EVENING - timedelta(days=5), 4, 8)
    if is_restarted:
        await home.unload()
        await home.load()
        await settle(home)
    else:
        # A list without a known session is believed the second time.
        for seconds in (24 * 3600, 10 * 60):
            freezer.tick(seconds)
            await home.refresh()
            await settle(home)
    after = await recorded(home.hass, car)
    assert sum(after.values()) == pytest.approx(8 + 48 + 12 + 2 + 4 + 8 + 8, abs=0.001)
    for start, energies in (
        (EVENING - timedelta(days=5), [2, 2, 2, 2]),
        (EVENING - timedelta(days=4), [3, 3, 3, 3]),
        (EVENING - timedelta(days=3), [0.5, 0.5, 0.5, 0.5]),
        (EVENING - timedelta(days=2), [2, 2, 0, 0]),
        (EVENING - timedelta(days=1), [0, 0, 0, 0]),
        (EVENING, [2, 2, 2, 2]),
    ):
        hours = [after.get(start + index * HOUR, 0.0) for index in range(4)]
        assert hours == pytest.approx(energies), start
    costs = await recorded(home.hass, car, "cost")
    assert sum(costs.values()) == pytest.approx(
        (8 + 48 + 12 + 4 + 8 + 8) * 0.2 - (12 - 8) * 0.2 + (8 - 4) * 0.2 - 0.5
    )
    # Only recent days are read.
    assert len(list(asked(home, "/sessions"))) == (5 if is_restarted else 6)


async def test_an_empty_list_is_not_believed_at_once(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    car = home.car
    for day in range(10):
        add_session(car, EVENING - timedelta(days=day), 4, 8)
    await set_up(home)
    month = home.history("sensor.car_1_charged_this_month")
    home.simulator.add_fault(
        Fault(kind="sessions", body=b'{"total": 0, "items": []}', count=1)
    )
    freezer.tick(24 * 3600)
    await home.refresh()
    await settle(home)
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(80)
    add_session(car, NOW + HOUR, 1, 5)
    await live(home, freezer, timedelta(minutes=11))
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(85)
    assert month == ["85.0"]


async def test_a_session_of_months_is_recorded_to_its_end(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """The service may list a session by its start, long before the days that are rewritten."""
    add_session(home.car, NOW - timedelta(days=50), 24 * 45, 40)
    await set_up(home)
    for _ in range(40):
        freezer.tick(24 * 3600)
        await home.refresh()
        await settle(home)
    assert sum((await recorded(home.hass, home.car)).values()) == pytest.approx(40)


async def test_a_night_is_recorded_as_it_was_seen(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """A charge from 23:10 to 01:40 with a pause, read 10 minutes after the car is unplugged."""
    freezer.move_to("2026-11-19T21:00:00+00:00")
    car = home.car
    await set_up(home)
    session = add_session(car, moment("2026-11-19T21:30:00"), 9, 20)
    car.life.sessions.clear()
    parts = (
        ("21:30", "23:10", False),
        ("23:10", "23:40", True),
        ("23:40", "00:20", False),
        ("00:20", "01:40", True),
        ("01:40", "06:30", False),
    )
    for _, end, is_charging in parts:
        while f"{freezer():%H:%M}" != end:
            car.override(
                is_plugged_in=True,
                is_charging=is_charging,
                charge_rate_w=10900 if is_charging else 0,
            )
            freezer.tick(60)
            await home.refresh()
            if is_charging and f"{freezer():%M}" == "30":
                # What polls have seen survives a reload.
                await home.reload()
                await settle(home)
        car.override(is_plugged_in=True, is_charging=is_charging)
    car.override(is_plugged_in=False, is_charging=False)
    car.life.sessions.append(session)
    await live(home, freezer, timedelta(minutes=12))
    # 110 minutes of charging.
    assert await recorded(home.hass, car) == pytest.approx(
        {
            moment("2026-11-19T23:00:00"): 20 * 30 / 110,
            moment("2026-11-20T00:00:00"): 20 * 40 / 110,
            moment("2026-11-20T01:00:00"): 20 * 40 / 110,
        },
        abs=0.2,
    )


async def test_a_running_session_grows(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """A running session is recorded every quarter of an hour, also until it is listed."""
    car = home.car
    await set_up(home)
    car.plug_in()
    assert car.life.session is not None
    session = car.life.session
    car.override(is_charging=True, charge_rate_w=10000)
    for quarter in range(1, 5):
        session.energy_kwh = 2.5 * quarter
        session.cost_eur = 0.5 * quarter
        await live(home, freezer, timedelta(minutes=15))
    energy = sum((await recorded(home.hass, car)).values())
    assert 7.5 <= energy <= 10
    assert home.state("sensor.car_1_charged_this_month") == f"{energy}"
    session.energy_kwh = 10
    await live(home, freezer, timedelta(minutes=16))
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(10)
    # The service is slow to list it.
    car.override(is_plugged_in=False, is_charging=False)
    car.life.sessions.clear()
    await live(home, freezer, timedelta(minutes=15))
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(10)
    assert home.state("sensor.car_1_session_energy") == "10.0"
    # It is never listed: it was none.
    await live(home, freezer, timedelta(hours=54), step=1800)
    assert await recorded(home.hass, car) == {}


@pytest.mark.parametrize("is_unplugged", [False, True])
async def test_a_session_that_is_not_answered_after_a_restart(
    home: Home, freezer: FrozenDateTimeFactory, is_unplugged: bool
) -> None:
    """One that runs, or that ended and is not listed yet, is still counted."""
    car = home.car
    add_session(car, EVENING, 4, 8)
    car.plug_in()
    session = car.life.session
    assert session is not None
    session.corrections["plug_in_time"] = f"{NOW - 4 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    session.corrections["energy_charged_kwh"] = 20.0
    await set_up(home)
    if is_unplugged:
        car.unplug()
        car.life.sessions.remove(session)
        await live(home, freezer, timedelta(minutes=2))
    else:
        home.simulator.add_fault(Fault(kind="current_session", status=500))
    for is_restarted in (False, True):
        if is_restarted:
            await home.reload()
            await settle(home)
        assert sum((await recorded(home.hass, car)).values()) == pytest.approx(28)
        assert home.state("sensor.car_1_charged_this_month") == "28.0"
        assert home.state("sensor.car_1_session_energy") == "20.0"


async def test_a_session_that_is_listed_under_another_id(
    home: Home, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """While it ran it had none: it is the same, by its start."""
    car = home.car
    car.plug_in()
    session = car.life.session
    assert session is not None
    session.corrections["plug_in_time"] = f"{NOW - 4 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    session.corrections |= {"energy_charged_kwh": 20.0, "id": None}
    await set_up(home)
    car.unplug()
    session.corrections |= {"energy_charged_kwh": 25.0, "id": "a"}
    await live(home, freezer, timedelta(minutes=12))
    assert home.state("sensor.car_1_session_energy") == "25.0"
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(25)
    assert not complaints(caplog)


@pytest.mark.parametrize("is_running", [False, True])
async def test_a_wrong_start_costs_no_history(
    home: Home, freezer: FrozenDateTimeFactory, is_running: bool
) -> None:
    """What is not listed any more is not written, even if a session is said to reach there."""
    car = home.car
    car.lists_sessions_by = "unplug_time"
    for day in range(0, 300, 10):
        add_session(car, EVENING - timedelta(days=day), 4, 8)
    await set_up(home)
    start = NOW - timedelta(days=250)
    if is_running:
        car.plug_in()
        assert car.life.session is not None
        car.life.session.corrections["plug_in_time"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        car.life.session.corrections["energy_charged_kwh"] = 0.0
    else:
        add_session(car, start, 24 * 230, 0)
    for seconds in (24 * 3600, 900):
        freezer.tick(seconds)
        await home.refresh()
        await settle(home)
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(240)


async def test_faulty_sessions_cost_themselves(
    home: Home, freezer: FrozenDateTimeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Each invalid session is logged once."""
    car = home.car
    add_session(car, EVENING, 2, 8)
    add_session(car, EVENING + timedelta(hours=5), 2, 3)
    text = f"{EVENING - HOUR:%Y-%m-%dT%H:%M:%SZ}"
    add_session(car, EVENING - timedelta(days=2), 1, 7, unplug_time=None)
    add_session(
        car,
        EVENING,
        1,
        7,
        unplug_time=text,
        inferred_session_end=None,
        plug_in_time=f"{EVENING + 9 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
    )
    add_session(car, EVENING - timedelta(days=3), 1, -7)
    add_session(car, EVENING - timedelta(days=4), 1, 99999)
    add_session(car, EVENING - timedelta(days=5), 1, 7, plug_in_time="yesterday")
    add_session(
        car,
        NOW - HOUR,
        1,
        7,
        plug_in_time=f"{NOW + timedelta(days=5):%Y-%m-%dT%H:%M:%SZ}",
        unplug_time=f"{NOW + timedelta(days=6):%Y-%m-%dT%H:%M:%SZ}",
    )
    twice = add_session(car, EVENING - timedelta(days=6), 1, 4)
    car.life.sessions.append(twice)
    await set_up(home)
    assert sum((await recorded(home.hass, car)).values()) == pytest.approx(8 + 3 + 4)
    assert sorted(line.partition("faulty: ")[2] for line in complaints(caplog)) == [
        "it ends before it starts",
        "it has no end",
        "it has no start",
        "it is listed twice, and counted once",
        "it starts in the future",
        "its energy is negative",
        "its energy or money is out of range",
    ]
    caplog.clear()
    freezer.tick(24 * 3600)
    await home.refresh()
    await settle(home)
    assert len(list(asked(home, "/sessions"))) == 5
    assert complaints(caplog) == []


async def test_a_recorder_that_lost_all_is_filled_again(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    add_session(home.car, NOW - timedelta(days=300), 4, 8)
    await set_up(home)
    vehicle_id = home.car.id
    assert await async_get_newest_hour(home.hass, vehicle_id) is not None
    freezer.tick(24 * 3600)
    await home.refresh()
    await settle(home)
    get_instance(home.hass).async_clear_statistics(
        [f"podero:{vehicle_id.replace('-', '_')}_energy"]
    )
    await async_wait_recording_done(home.hass)
    freezer.tick(24 * 3600)
    await home.refresh()
    await settle(home)
    assert sum((await recorded(home.hass, home.car)).values()) == pytest.approx(8)


async def test_a_long_absence_is_made_up_for(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant was down for a hundred days: nothing is missing afterwards."""
    add_session(home.car, EVENING, 4, 8)
    await set_up(home)
    await home.unload()
    for day in range(1, 100):
        add_session(home.car, EVENING + timedelta(days=day), 4, 8)
    freezer.tick(100 * 24 * 3600)
    await home.load()
    await settle(home)
    assert sum((await recorded(home.hass, home.car)).values()) == pytest.approx(800)


@pytest.mark.parametrize("is_planned", [False, True])
@pytest.mark.parametrize("is_file_lost", [False, True])
async def test_a_car_that_was_away(
    home: Home,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    is_planned: bool,
    is_file_lost: bool,
) -> None:
    """Its last session before stays as it was recorded when it is plugged in again.

    Even if it is no longer known when it charged, the energy does not change.
    """
    car = home.car
    await set_up(home)
    car.override(is_plugged_in=True, is_charging=True, charge_rate_w=10000)
    await live(home, freezer, timedelta(hours=3), step=240)
    car.override(is_charging=False, charge_rate_w=0)
    await live(home, freezer, timedelta(hours=10), step=240)
    car.override(is_plugged_in=False)
    plan = {
        "desired_charging_start_time": f"{NOW + 8 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
        "desired_charging_end_time": f"{NOW + 11 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
    }
    add_session(car, NOW, 13, 30, **plan if is_planned else {})
    await live(home, freezer, timedelta(minutes=80), step=240)
    before = await recorded(home.hass, car)
    assert sum(before.values()) == pytest.approx(30)
    for _ in range(45):
        freezer.tick(24 * 3600)
        await home.refresh()
        await home.settle()
    await home.unload()
    if is_file_lost:
        (subentry_id,) = home.entry.subentries
        del hass_storage[f"podero.{subentry_id}.charging"]
    await home.load()
    car.override(is_plugged_in=True)
    await live(home, freezer, timedelta(minutes=20))
    after = await recorded(home.hass, car)
    if not is_file_lost:
        assert after == before
    assert sum(after.values()) == pytest.approx(30)


@pytest.mark.parametrize("sessions", [0, 1])
async def test_without_energy_the_past_is_asked_for_once(
    home: Home, freezer: FrozenDateTimeFactory, sessions: int
) -> None:
    for _ in range(sessions):
        add_session(home.car, EVENING, 1, 10, energy_charged_kwh=None)
    await set_up(home)
    assert len(list(asked(home, "/sessions"))) == 4
    for _ in range(3):
        freezer.tick(24 * 3600)
        await home.refresh()
        await settle(home)
    assert len(list(asked(home, "/sessions"))) == 7
