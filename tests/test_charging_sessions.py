"""Sessions, plan and policy in the entities, without a recorder."""

from datetime import timedelta
from http import HTTPStatus
import json
from logging import INFO
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import CoreState, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .charging import HOUR, add_session, live, moment, park
from .home import Home
from .support import complaints
from custom_components.podero.charging.events import ChargingEvent
from custom_components.podero.charging.schedule import Endpoint
from custom_components.podero.const import DOMAIN
from custom_components.podero.coordinator import SIGNAL_CHARGING_EVENT
from custom_components.podero.diagnostics import async_get_config_entry_diagnostics

NOW = moment("2026-11-20T12:00:00")
SESSION_SENSORS = {
    "session_energy",
    "charged_this_month",
    "cost_this_month",
    "planned_end",
    "planned_start",
    "saved_this_month",
    "session_savings",
    "session_cost",
}
ENDPOINTS = ("charge_policy", "current_session", "sessions")
NO_OFFER = [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED]


@pytest.fixture
async def home(home: Home, freezer: FrozenDateTimeFactory) -> Home:
    """Return an account in Vienna with a car that was never plugged in."""
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    freezer.move_to(NOW)
    for car in home.simulator.vehicles:
        park(car)
    return home


def states(home: Home) -> dict[str, str]:
    """Return what the sensors of sessions show."""
    return {name: home.state(f"sensor.car_1_{name}") for name in SESSION_SENSORS}


def others(home: Home) -> int:
    """Return the number of requests other than polls."""
    return len(home.simulator.requests) - len(home.poll_requests())


# What is shown.


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_month_and_last_session(home: Home) -> None:
    """The month begins at midnight of Home Assistant's time zone."""
    car = home.car
    # It begins at 23:00 UTC in Vienna.
    add_session(car, moment("2026-10-31T21:00:00"), 4, 8)
    add_session(car, moment("2026-11-03T21:00:00"), 4, 10)
    add_session(car, moment("2026-11-05T21:00:00"), 4, 30, is_at_home=False)
    add_session(car, moment("2026-11-18T21:00:00"), 4, 5.5, actual_savings_eur=None)
    await home.set_up()
    assert states(home) == {
        "charged_this_month": "19.5",
        "cost_this_month": "3.9",
        "saved_this_month": "0.7",
        "session_energy": "5.5",
        "session_cost": "1.1",
        "session_savings": STATE_UNKNOWN,
        "planned_start": STATE_UNKNOWN,
        "planned_end": STATE_UNKNOWN,
    }
    month = home.get_state("sensor.car_1_cost_this_month")
    assert month.attributes["last_reset"] == "2026-11-01T00:00:00+01:00"
    assert month.attributes["unit_of_measurement"] == "EUR"


@pytest.mark.parametrize("energy", [8.0, 0.0])
async def test_a_new_month_begins_at_zero(
    home: Home, freezer: FrozenDateTimeFactory, energy: float
) -> None:
    """Also after a month without charging, whose total is the same."""
    freezer.move_to("2026-11-30T22:58:00+00:00")
    add_session(home.car, moment("2026-11-30T18:00:00"), 4, energy)
    await home.set_up()
    assert home.state("sensor.car_1_charged_this_month") == str(energy)
    await live(home, freezer, timedelta(minutes=3))
    month = home.get_state("sensor.car_1_charged_this_month")
    assert float(month.state) == 0
    assert month.attributes["last_reset"] == "2026-12-01T00:00:00+01:00"


@pytest.mark.parametrize(
    ("earlier", "later", "cost"),
    [
        # The month's sessions decide, not those of the month before.
        ({}, {"actual_cost_eur": None}, STATE_UNKNOWN),
        ({"actual_cost_eur": None}, {}, "1.6"),
        ({"actual_cost_eur": None}, None, "0.0"),
        ({}, {"is_at_home": False, "actual_cost_eur": None}, "0.0"),
    ],
)
async def test_money_of_the_month_only(
    home: Home, earlier: dict[str, Any], later: dict[str, Any] | None, cost: str
) -> None:
    add_session(home.car, moment("2026-10-20T21:00:00"), 4, 8, **earlier)
    if later is not None:
        add_session(home.car, moment("2026-11-05T21:00:00"), 4, 8, **later)
    await home.set_up()
    assert home.state("sensor.car_1_cost_this_month") == cost


async def test_without_money_there_is_none(home: Home) -> None:
    for day in (3, 4):
        start = moment(f"2026-11-0{day}T21:00:00")
        add_session(
            home.car, start, 4, 8, actual_cost_eur=None, actual_savings_eur=None
        )
    await home.set_up()
    assert home.state("sensor.car_1_charged_this_month") == "16.0"
    assert home.state("sensor.car_1_cost_this_month") == STATE_UNKNOWN
    assert home.state("sensor.car_1_saved_this_month") == STATE_UNKNOWN


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_the_running_session_and_its_plan(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """Session and plan are shown while the car is plugged in."""
    car = home.car
    add_session(car, moment("2026-11-18T21:00:00"), 4, 5.5)
    await home.set_up()
    car.plug_in()
    car.override(is_plugged_in=True)
    assert car.life.session is not None
    car.life.session.corrections |= {
        "energy_charged_kwh": "12.34",
        "actual_savings_eur": None,
        "expected_savings_eur": -0.5,
        "desired_charging_start_time": "2026-11-21T01:30:00Z",
        "desired_charging_end_time": "2026-11-21T05:00:00Z",
    }
    freezer.tick(3600)
    await home.refresh()
    await home.settle()
    shown = states(home)
    assert shown["session_energy"] == "12.34"
    assert shown["session_savings"] == "-0.5"
    assert shown["planned_start"] == "2026-11-21T01:30:00+00:00"
    assert shown["planned_end"] == "2026-11-21T05:00:00+00:00"
    car.override(is_plugged_in=False)
    await home.refresh()
    shown = states(home)
    assert shown["planned_start"] == shown["planned_end"] == STATE_UNKNOWN
    assert shown["session_energy"] == "12.34"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_a_plan_that_is_over(home: Home, freezer: FrozenDateTimeFactory) -> None:
    """It does not look like one for tonight, even if no reading changes anything."""
    home.car.plug_in()
    assert home.car.life.session is not None
    home.car.life.session.corrections |= {
        "desired_charging_start_time": "2026-11-20T14:00:00Z",
        "desired_charging_end_time": "2026-11-20T16:00:00Z",
    }
    await home.set_up()
    freezer.move_to("2026-11-20T15:59:50Z")
    await home.later(0)
    assert home.state("sensor.car_1_planned_start") == "2026-11-20T14:00:00+00:00"
    freezer.move_to("2026-11-20T16:01:00Z")
    async_fire_time_changed(home.hass)
    await home.hass.async_block_till_done()
    assert home.state("sensor.car_1_planned_start") == STATE_UNKNOWN
    assert home.state("sensor.car_1_planned_end") == STATE_UNKNOWN


async def test_a_plan_after_charge_now(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """What changes the plan makes it due in a minute."""
    car = home.car
    car.plug_in()
    await home.set_up()
    assert car.life.session is not None
    new = "2026-11-20T20:00:00+00:00"
    car.life.session.corrections["desired_charging_start_time"] = new
    await home.call("button.press", entity_id="button.car_1_charge_now")
    await live(home, freezer, timedelta(minutes=2))
    assert home.state("sensor.car_1_planned_start") == new


async def test_a_plan_after_a_reading_without_the_plug(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """It is read at once, although the reading before does not say "unplugged"."""
    car = home.car
    await home.set_up()
    car.plug_in()
    await live(home, freezer, timedelta(minutes=2))
    car.unplug()
    await live(home, freezer, timedelta(minutes=1))
    car.override(is_plugged_in=None)
    await live(home, freezer, timedelta(minutes=1))
    assert home.state("sensor.car_1_planned_start") == STATE_UNKNOWN
    car.clear_overrides("is_plugged_in")
    car.plug_in()
    await live(home, freezer, timedelta(minutes=1))
    assert home.state("sensor.car_1_planned_start") != STATE_UNKNOWN


async def test_a_session_that_ended_before_a_restart(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """It is shown within minutes, although the service lists it late."""
    car = home.car
    car.override(is_plugged_in=True)
    await home.set_up()
    car.override(is_plugged_in=False)
    await live(home, freezer, timedelta(minutes=2))
    await home.unload()
    await home.load()
    await home.settle()
    add_session(car, moment("2026-11-20T10:00:00"), 2, 5.5)
    await live(home, freezer, timedelta(minutes=11))
    assert home.state("sensor.car_1_charged_this_month") == "5.5"


# The deadline of the policy.


@pytest.mark.parametrize(
    "zone",
    [None, "", " ", ".", "../x", "Mars/Base", pytest.param("x" * 300, id="long")],
)
async def test_a_policy_without_a_usable_zone(home: Home, zone: str | None) -> None:
    """Its days are those of Home Assistant's time zone."""
    policy = {"sat": {"charge_percentage": 70, "charge_deadline": "10:00:00"}}
    body = json.dumps({"metadata": {}, "data": {**policy, "timezone": zone}}).encode()
    home.simulator.add_fault(kind="charge_policy", body=body)
    await home.set_up()
    await home.refresh()
    deadline = home.state("sensor.car_1_next_charging_deadline")
    assert deadline == "2026-11-21T09:00:00+00:00"
    assert home.coordinator().sessions.answers[Endpoint.POLICY] == "ok"


async def test_a_policy_that_is_withdrawn(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """The vehicle's own deadline is in force again."""
    car = home.car
    car.write_preferences({"charge_deadline_at": "06:00:00"})
    car.set_day_policy("sat", 80, "09:30:00")
    await home.set_up()
    deadline = "sensor.car_1_next_charging_deadline"
    assert home.state(deadline) == "2026-11-21T08:30:00+00:00"
    home.simulator.add_fault(kind="charge_policy", status=HTTPStatus.FORBIDDEN)
    await live(home, freezer, timedelta(minutes=70), step=600)
    assert home.state(deadline) == "2026-11-21T05:00:00+00:00"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_what_is_refused_later_is_no_longer_shown(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """An old plan and an old total would look current."""
    add_session(home.car, moment("2026-11-18T21:00:00"), 4, 5.5)
    home.car.plug_in()
    await home.set_up()
    assert STATE_UNKNOWN not in {
        states(home)[name] for name in ("planned_start", "charged_this_month")
    }
    for kind in ENDPOINTS:
        home.simulator.add_fault(kind=kind, status=HTTPStatus.FORBIDDEN)
    await live(home, freezer, timedelta(minutes=80), step=600)
    assert set(states(home).values()) == {STATE_UNKNOWN}


@pytest.fixture
def told(home: Home) -> list[ChargingEvent]:
    """Collect the events of all cars."""
    events: list[ChargingEvent] = []

    @callback
    def tell(_: Any, event: ChargingEvent, was_missed: bool) -> None:
        events.append(event)

    async_dispatcher_connect(home.hass, SIGNAL_CHARGING_EVENT, tell)
    return events


@pytest.mark.parametrize(
    "status", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS]
)
@pytest.mark.parametrize(("failures", "expected"), [(2, []), (10, ["deadline_missed"])])
async def test_no_deadline_before_the_policy_is_known(
    home: Home,
    freezer: FrozenDateTimeFactory,
    told: list[ChargingEvent],
    status: HTTPStatus,
    failures: int,
    expected: list[str],
) -> None:
    """The vehicle's own deadline may not be in force; it is if the policy never comes."""
    car = home.car
    car.write_preferences(
        {"charge_deadline_at": "13:40:00", "minimum_charge_limit": 80}
    )
    car.set_day_policy("fri", 80, "18:00:00")
    car.override(is_plugged_in=True, battery_level=70, is_fully_charged=False)
    home.simulator.add_fault(kind="charge_policy", status=status, count=failures)
    await home.set_up()
    await live(home, freezer, timedelta(minutes=50))
    assert told == expected


async def test_the_deadline_is_the_policys(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """The policy has its own days and time zone, and is read hourly and after a write."""
    home.car.set_policy_zone("Europe/London")
    home.car.set_day_policy("sat", 90, "09:30:00")
    await home.set_up()
    deadline = "sensor.car_1_next_charging_deadline"
    assert home.state(deadline) == "2026-11-21T09:30:00+00:00"
    home.car.set_day_policy("sat", 90, "10:30:00")
    await live(home, freezer, timedelta(minutes=50), step=600)
    assert home.state(deadline) == "2026-11-21T09:30:00+00:00"
    await live(home, freezer, timedelta(minutes=20), step=600)
    assert home.state(deadline) == "2026-11-21T10:30:00+00:00"
    home.car.set_day_policy("sat", 90, "11:30:00")
    await home.call(
        "number.set_value", entity_id="number.car_1_minimum_level_by_deadline", value=60
    )
    await home.settle()
    await home.refresh()
    assert home.state(deadline) == "2026-11-21T11:30:00+00:00"


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_missed_deadline_is_told_once(
    home: Home,
    freezer: FrozenDateTimeFactory,
    told: list[ChargingEvent],
    is_restarted: bool,
) -> None:
    car = home.car
    car.set_day_policy("fri", 80, "14:00:00")
    car.override(is_plugged_in=True, battery_level=70, is_fully_charged=False)
    await home.set_up()
    await live(home, freezer, timedelta(minutes=59))
    assert told == []
    if is_restarted:
        await home.unload()
        freezer.tick(240)
        await home.load()
        await home.settle()
    await live(home, freezer, timedelta(minutes=3))
    assert told == ["deadline_missed"]
    if is_restarted:
        await home.reload()
        await home.settle()
    await live(home, freezer, timedelta(minutes=30))
    assert told == ["deadline_missed"]


@pytest.mark.parametrize("reloads", [0, 2])
async def test_a_missed_deadline_before_the_start(
    home: Home, freezer: FrozenDateTimeFactory, told: list[ChargingEvent], reloads: int
) -> None:
    """It is told once Home Assistant has started, also after a reload."""
    home.car.set_day_policy("fri", 80, "14:00:00")
    home.car.override(is_plugged_in=True, battery_level=70, is_fully_charged=False)
    await home.set_up()
    await live(home, freezer, timedelta(minutes=59))
    await home.unload()
    home.hass.set_state(CoreState.starting)
    freezer.tick(240)
    await home.load()
    await home.settle()
    await live(home, freezer, timedelta(minutes=1))
    for _ in range(reloads):
        await home.reload()
        await home.settle()
    assert told == []
    await home.finish_start()
    await live(home, freezer, timedelta(minutes=5))
    assert told == ["deadline_missed"]


# Failures.


@pytest.mark.parametrize("status", NO_OFFER)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_an_account_without_all_that(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    status: HTTPStatus,
) -> None:
    """Endpoints that are not offered are logged once, and not requested again."""
    for kind in ENDPOINTS:
        home.simulator.add_fault(kind=kind, status=status)
    home.car.plug_in()
    await home.set_up()
    assert set(states(home).values()) == {STATE_UNKNOWN}
    assert home.state("calendar.car_1_charging_sessions") == "off"
    assert home.is_available()
    assert complaints(caplog) == []
    ours = [line for line in complaints(caplog, INFO) if line.startswith("Car 1")]
    assert ours == [
        f"Car 1: not offered to this account, and left out: {', '.join(Endpoint)}"
    ]
    diagnostics = await async_get_config_entry_diagnostics(home.hass, home.entry)
    (vehicle,) = diagnostics["vehicles"]
    key = (
        "forbidden"
        if status is HTTPStatus.FORBIDDEN
        else vehicle["sessions"]["answers"]["sessions"]
    )
    assert set(vehicle["sessions"]["answers"].values()) == {key}
    assert home.car.id not in json.dumps(vehicle["sessions"])
    assert others(home) == 3
    await live(home, freezer, timedelta(days=2), step=1800)
    home.car.unplug()
    await live(home, freezer, timedelta(hours=2), step=600)
    assert others(home) == 3
    assert home.state("sensor.car_1_next_charging_deadline") != STATE_UNKNOWN
    assert complaints(caplog) == []


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": HTTPStatus.INTERNAL_SERVER_ERROR},
        {"status": HTTPStatus.UNPROCESSABLE_ENTITY},
        {"body": b"no JSON"},
        {"body": b"[]"},
        {"reset": True},
    ],
)
async def test_a_failure_touches_nothing_else(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    kind: Any,
    fault: dict[str, Any],
) -> None:
    """A failed request is retried within the hour."""
    add_session(home.car, moment("2026-11-18T21:00:00"), 4, 5.5)
    home.car.plug_in()
    home.car.set_day_policy("sat", 90, "09:30:00")
    home.simulator.add_fault(kind=kind, **fault)
    await home.set_up()
    assert home.is_available()
    await live(home, freezer, timedelta(minutes=5))
    assert complaints(caplog) == []
    home.simulator.clear_faults()
    await live(home, freezer, timedelta(minutes=61), step=600)
    assert home.is_available()
    assert home.state("sensor.car_1_charged_this_month") == "5.5"
    assert home.state("sensor.car_1_planned_start") != STATE_UNKNOWN
    assert (
        home.state("sensor.car_1_next_charging_deadline") == "2026-11-21T08:30:00+00:00"
    )
    assert complaints(caplog) == []


async def test_too_many_requests(home: Home, freezer: FrozenDateTimeFactory) -> None:
    """Only polls are sent until Retry-After has passed."""
    for kind in ENDPOINTS:
        home.simulator.add_fault(
            kind=kind,
            status=HTTPStatus.TOO_MANY_REQUESTS,
            headers={"Retry-After": "1800"},
        )
    await home.set_up()
    assert others(home) == 1
    home.simulator.clear_faults()
    await live(home, freezer, timedelta(minutes=29))
    assert others(home) == 1
    await live(home, freezer, timedelta(minutes=2))
    assert others(home) > 1


async def test_a_disabled_car_is_left_alone(home: Home) -> None:
    await home.set_up()
    dr.async_get(home.hass).async_update_device(
        home.device().id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    await home.reload()
    await home.settle()
    before = others(home)
    await home.reload()
    await home.settle()
    assert others(home) == before


@pytest.mark.parametrize(
    "stored",
    [
        *([], {"spans": "all", "missed_deadline": 5}, {"spans": [[1, 2, 3]]}),
        {"spans": [[1e13, 1e13 + 10, 0]], "missed_deadline": None},
        *(
            {"spans": [], "missed_deadline": None, "running": running, "ended": ended}
            for running, ended in (
                ("yes", None),
                ({}, None),
                (None, {}),
                (None, {"id": "a"}),
                (None, {"id": "a", "plug_in_time": "2026-11-18T22:00:00Z"}),
            )
        ),
    ],
)
async def test_a_foreign_file(
    home: Home,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    told: list[ChargingEvent],
    stored: Any,
) -> None:
    (subentry_id,) = home.entry.subentries
    key = f"podero.{subentry_id}.charging"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}
    add_session(home.car, moment("2026-11-18T21:00:00"), 4, 5.5)
    home.car.set_day_policy("fri", 80, "13:05:00")
    home.car.override(is_plugged_in=True, battery_level=70, is_fully_charged=False)
    await home.set_up()
    assert home.state("sensor.car_1_charged_this_month") == "5.5"
    await live(home, freezer, timedelta(minutes=7))
    assert told == ["deadline_missed"]


async def test_what_is_remembered_goes_with_the_car(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    await home.set_up()
    (subentry_id,) = home.entry.subentries
    await home.unload()
    assert f"podero.{subentry_id}.charging" in hass_storage
    await home.remove()
    assert f"podero.{subentry_id}.charging" not in hass_storage


async def test_a_day_takes_at_most_a_tenth_more(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """Plugged in for sixteen hours, charging in three parts, with a preference set."""
    car = home.car
    await home.set_up()
    home.simulator.requests.clear()
    car.plug_in()
    polls = 0
    for hour in range(24):
        car.override(is_charging=hour in {3, 4, 6, 9}, is_plugged_in=hour < 16)
        await live(home, freezer, HOUR, step=120)
        polls += 60
        if hour == 12:
            await home.call(
                "number.set_value",
                entity_id="number.car_1_minimum_level_by_deadline",
                value=60,
            )
            await home.settle()
    assert polls == 1440
    assert others(home) <= 144
    assert others(home) > 60 + 24


# The action.


async def get_sessions(home: Home, first: str, last: str, **target: Any) -> Any:
    return await home.hass.services.async_call(
        DOMAIN,
        "get_charging_sessions",
        {"from": first, "to": last, **(target or {"device_id": home.device().id})},
        blocking=True,
        return_response=True,
    )


async def test_get_charging_sessions(home: Home) -> None:
    """The days are in Home Assistant's time zone; one total is of sessions at home."""
    car = home.car
    add_session(car, moment("2026-10-31T22:30:00"), 4, 100)
    add_session(car, moment("2026-10-31T23:30:00"), 4, 8)
    add_session(
        car, moment("2026-11-10T21:00:00"), 1, 3, is_at_home=False, charge_deadline=None
    )
    add_session(car, moment("2026-11-11T21:00:00"), 1, -3)
    add_session(car, moment("2026-11-30T23:30:00"), 1, 100)
    await home.set_up()
    answer = await get_sessions(home, "2026-11-01", "2026-11-30")
    (vehicle,) = answer["vehicles"]
    assert vehicle["device_id"] == home.device().id
    assert vehicle["name"] == "Car 1"
    assert [session["energy_charged_kwh"] for session in vehicle["sessions"]] == [8, 3]
    assert vehicle["sessions"][0]["plug_in_time"] == "2026-11-01T00:30:00+01:00"
    assert vehicle["sessions"][1]["is_at_home"] is False
    assert vehicle["total"] == {
        "sessions": 2,
        "energy": 11,
        "cost": 2.2,
        "savings": 0.55,
    }
    assert vehicle["total_at_home"] == {
        "sessions": 1,
        "energy": 8,
        "cost": 1.6,
        "savings": 0.4,
    }
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2026-11-02", "2026-11-01", "must not be after"),
        ("2024-11-02", "2026-11-01", "at most one year"),
    ],
)
async def test_days_that_make_no_sense(
    home: Home, first: str, last: str, text: str
) -> None:
    await home.set_up()
    before = others(home)
    with pytest.raises(ServiceValidationError, match=text):
        await get_sessions(home, first, last)
    assert others(home) == before


@pytest.mark.parametrize(
    ("first", "last"),
    [
        *(("2027-06-01", "2027-06-30"), ("9999-01-01", "9999-12-31")),
        *(("0001-01-01", "0001-12-31"), ("1970-01-01", "1970-01-01")),
    ],
)
async def test_days_without_a_session(home: Home, first: str, last: str) -> None:
    """Nothing is requested for them."""
    await home.set_up()
    before = others(home)
    (vehicle,) = (await get_sessions(home, first, last))["vehicles"]
    assert vehicle["sessions"] == []
    assert others(home) == before


async def test_sessions_that_cannot_be_read(home: Home) -> None:
    await home.set_up()
    home.simulator.add_fault(kind="sessions", status=HTTPStatus.FORBIDDEN)
    with pytest.raises(HomeAssistantError, match="does not offer"):
        await get_sessions(home, "2026-11-01", "2026-11-30")
