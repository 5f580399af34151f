"""The coordinator: polling, retries, authentication, set-up and logging."""

import asyncio
from collections.abc import Callable, Coroutine
from logging import INFO
from typing import Any
from unittest.mock import Mock, patch

import pytest

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .home import Home
from .support import complaints, grants, message, token_requests
from custom_components.podero import coordinator as coordinator_module
from custom_components.podero.charging import optimistic
from custom_components.podero.coordinator import RETRY_DELAY, PoderoCoordinator
from simulator import ABSENT

pytestmark = pytest.mark.usefixtures("without_retry_delay")

type Writes = list[str]

BATTERY = "sensor.car_1_battery"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the coordinators' monotonic clock."""
    now = 1000.0
    monkeypatch.setattr(coordinator_module, "monotonic", lambda: now)

    def _tick(seconds: float) -> None:
        nonlocal now
        now += seconds

    return _tick


@pytest.fixture
def writes(home: Home) -> Writes:
    """Collect the entities that write a state, changed or not."""
    written: Writes = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    home.hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    home.hass.bus.async_listen(
        EVENT_STATE_REPORTED, note, event_filter=callback(lambda _: True)
    )
    return written


# Polling.


async def test_one_request_a_minute(home: Home) -> None:
    """Each vehicle is read once a minute, over one token."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    for polls in range(1, 4):
        assert len(home.vehicle_requests(0)) == polls
        assert len(home.vehicle_requests(1)) == polls
        await home.later(45)
        assert len(home.vehicle_requests(0)) == polls
        await home.later()
    assert len(token_requests(home.simulator)) == 1


async def test_client_credentials(home: Home) -> None:
    """An account that signs in with client credentials works as well."""
    home = home.with_vehicles(0, grant="client_credentials")
    await home.set_up()
    assert grants(home.simulator) == ["client_credentials"]
    assert home.is_available()


async def test_update_entity(home: Home) -> None:
    """Home Assistant's action polls a vehicle at other times."""
    await home.set_up()
    await async_setup_component(home.hass, "homeassistant", {})
    home.car.override(battery_level=17)
    await home.call("homeassistant.update_entity", entity_id=BATTERY)
    assert home.state(BATTERY) == "17"
    assert len(home.vehicle_requests()) == 2


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_only_what_changed_is_written(home: Home, writes: Writes) -> None:
    """A poll writes only the states that it changes."""
    await home.set_up()
    assert len(writes) > 60
    writes.clear()
    await home.later()
    assert len(home.vehicle_requests()) == 2
    assert not writes
    home.car.override(battery_level=31, driving_range=120)
    await home.later()
    assert sorted(writes) == [BATTERY, "sensor.car_1_range"]


async def test_a_listener_of_everything(home: Home) -> None:
    """A listener is called when a reading differs, not otherwise."""
    await home.set_up()
    coordinator = home.coordinator()
    listener = Mock()
    coordinator.async_add_listener(listener)
    car = home.car
    car.override(**car.document())
    await home.refresh()
    listener.reset_mock()
    await home.refresh()
    assert not listener.called
    car.override(comment="new")
    await home.refresh()
    assert listener.call_count == 1


async def test_a_listener_that_fails(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Its exception is logged, and the other listeners are called all the same."""
    await home.set_up()
    coordinator = home.coordinator()
    others = Mock(), Mock()
    coordinator.async_add_listener(others[0])
    coordinator.async_add_listener(Mock(side_effect=RuntimeError("defect")))
    coordinator.async_add_listener(others[1])
    home.car.override(battery_level=1)
    await home.later()
    assert [other.called for other in others] == [True, True]
    assert "Unexpected error updating listener" in caplog.text
    assert home.is_available(0)


async def test_what_ticks_is_written_once(home: Home, writes: Writes) -> None:
    """Of the timestamps that move with each report, one is on by default."""
    await home.set_up()
    writes.clear()
    for minute in range(3):
        moment = f"2999-11-02T12:{minute:02}:00Z"
        home.car.override(
            updated_at=moment,
            current_state_last_updated_at=moment,
            charge_state_last_updated_at=moment,
            last_monitoring_executed_at=moment,
            coordinates_last_updated_at=moment,
            consumption_last_updated_at=moment,
        )
        await home.later()
    assert writes == ["sensor.car_1_last_reported"] * 3


async def test_an_outage_is_written_twice(home: Home, writes: Writes) -> None:
    """Once when it begins, once when it is over, however long it lasts."""
    await home.set_up()
    entities = sorted(home.shown())
    writes.clear()
    home.break_vehicle(status=503)
    await home.later()
    assert sorted(writes) == entities
    for _ in range(3):
        await home.later()
    assert sorted(writes) == entities
    home.simulator.clear_faults()
    writes.clear()
    await home.later()
    assert sorted(writes) == entities


# Blips.


@pytest.mark.parametrize("blip", [{"status": 502}, {"truncate_at": 9}, {"status": 408}])
async def test_a_blip_is_not_seen(
    home: Home, caplog: pytest.LogCaptureFixture, writes: Writes, blip: dict[str, Any]
) -> None:
    """The request is repeated once within the poll; nothing is shown or logged."""
    await home.set_up()
    writes.clear()
    caplog.clear()
    home.break_vehicle(count=1, **blip)
    await home.later()
    assert len(home.vehicle_requests()) == 3
    assert not writes
    assert not complaints(caplog, INFO)


async def test_the_blip_delay(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is repeated after a few seconds."""
    await home.set_up()
    slept: list[float] = []
    sleep = asyncio.sleep

    async def _sleep(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", RETRY_DELAY)
    home.break_vehicle(status=503, count=1)
    with patch.object(coordinator_module.asyncio, "sleep", _sleep):
        await home.coordinator().async_refresh()
    assert RETRY_DELAY == 3
    assert RETRY_DELAY in slept
    assert home.coordinator().last_update_success


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        ({"status": 503}, 2),
        ({"status": 503, "headers": {"Retry-After": "40"}}, 1),
        ({"status": 429}, 1),
        ({"status": 403}, 1),
        ({"status": 404}, 1),
        ({"body": b"[]"}, 1),
    ],
)
async def test_what_is_no_blip(
    home: Home, fault: dict[str, Any], requests: int
) -> None:
    """A request is repeated only for a connection error, and only after a success."""
    await home.set_up()
    home.simulator.requests.clear()
    home.break_vehicle(**fault)
    await home.later()
    assert len(home.vehicle_requests()) == requests
    assert not home.is_available()
    await home.later()
    assert len(home.vehicle_requests()) == requests + 1


# When the next try comes.


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "5", 30),
        (429, "45", 45),
        (503, "45", 45),
        (500, "0", 30),
        (429, "0", 30),
        (429, "600", 600),
        (429, "86400", 3600),
        (503, "9" * 50, 3600),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 30),
        (429, "soon", 60),
        (429, "-1", 60),
        (503, "soon", 60),
        (502, "", 60),
    ],
)
async def test_retry_after_within_bounds(
    home: Home, status: int, retry_after: str, seconds: int
) -> None:
    """Retry-After is obeyed between half a minute and an hour; an invalid one is ignored."""
    await home.set_up()
    home.break_vehicle(status=status, headers={"Retry-After": retry_after})
    await home.later()
    home.simulator.clear_faults()
    home.simulator.requests.clear()
    await home.later(seconds - 10)
    assert not home.simulator.requests
    await home.later(seconds + 1)
    assert len(home.simulator.requests) == 1
    assert home.is_available()
    await home.later(45)
    assert len(home.simulator.requests) == 1
    await home.later()
    assert len(home.simulator.requests) == 2


async def test_a_limit_without_a_wish(home: Home) -> None:
    """A 429 without Retry-After leaves the interval as it is."""
    await home.set_up()
    home.break_vehicle(status=429)
    await home.later()
    home.simulator.requests.clear()
    await home.later(45)
    assert not home.simulator.requests
    await home.later()
    assert len(home.simulator.requests) == 1


# Boost.


async def test_boost_is_watched_for_two_minutes(
    home: Home, clock: Callable[[float], None]
) -> None:
    """While a boost starts the vehicle is polled every 3 s, for two minutes at most."""
    await home.set_up()
    home.car.override(boost_state="requested")
    await home.later()
    home.simulator.requests.clear()
    for _ in range(39):
        clock(3)
        await home.later(4)
    assert len(home.simulator.requests) == 39
    clock(3)
    await home.later(4)
    await home.later(45)
    assert len(home.simulator.requests) == 40
    await home.later()
    assert len(home.simulator.requests) == 41
    await home.later(45)
    assert len(home.simulator.requests) == 41


async def test_boost_that_started(home: Home, clock: Callable[[float], None]) -> None:
    """When it has started the interval is normal again, until the next boost."""
    car = home.car
    await home.set_up()
    for _ in range(2):
        car.override(boost_state="requested")
        await home.later()
        clock(60)
        home.simulator.requests.clear()
        await home.later(4)
        assert len(home.simulator.requests) == 1
        car.override(boost_state="ongoing")
        await home.later(4)
        clock(60)
        await home.later(45)
        assert len(home.simulator.requests) == 2
        await home.later()
        assert len(home.simulator.requests) == 3


@pytest.mark.parametrize(("status", "requests"), [(503, 1), (401, 3)])
async def test_boost_during_an_outage(
    home: Home, clock: Callable[[float], None], status: int, requests: int
) -> None:
    """The two minutes also end while no poll succeeds."""
    await home.set_up()
    home.car.override(boost_state="requested")
    await home.later()
    home.break_vehicle(status=status)
    await home.later(4)
    clock(120)
    await home.later(4)
    home.simulator.requests.clear()
    await home.later(45)
    assert not home.simulator.requests
    await home.later()
    assert len(home.simulator.requests) == requests


# Missing.


async def test_missing(home: Home) -> None:
    """A vehicle is missing from the first 404 or 410 until it is read again."""
    await home.set_up()
    coordinator = home.coordinator()
    calls: list[bool] = []

    @callback
    def note() -> None:
        if coordinator.is_missing != (calls[-1] if calls else False):
            calls.append(coordinator.is_missing)

    home.entry.async_on_unload(coordinator.async_add_listener(note))
    # Each step: the answer, and whether the vehicle is missing afterwards.
    steps: list[tuple[dict[str, Any], bool]] = [
        ({"status": 500}, False),
        ({"status": 404}, True),
        ({"status": 503}, True),
        ({"status": 403}, True),
        ({"status": 404}, True),
        ({}, False),
        ({"status": 410}, True),
        ({}, False),
    ]
    seen = []
    for fault, _ in steps:
        home.simulator.clear_faults()
        home.break_vehicle(**fault)
        await home.later()
        seen.append(coordinator.is_missing)
    assert seen == [is_missing for _, is_missing in steps]
    # A 404 after another failure notifies listeners, too, and each change does once.
    assert calls == [True, False, True, False]


async def test_deleted(home: Home) -> None:
    """A vehicle that was deleted is missing, however the service says so."""
    await home.set_up()
    car = home.car
    car.override(deleted_at="2026-11-02T12:00:00Z")
    await home.later()
    assert home.coordinator().is_missing
    assert not home.is_available()
    car.clear_overrides()
    await home.later()
    assert not home.coordinator().is_missing
    car.delete()
    await home.later()
    assert home.coordinator().is_missing


# Credentials.


async def test_refused_credentials(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """One reauthentication flow starts for the account, and polling stops until its end."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    caplog.clear()
    password = home.simulator.account.password
    home.simulator.account.password = "another"
    home.simulator.revoke_tokens()
    await home.later()
    (flow,) = home.reauth_flows()
    assert not home.is_available(0)
    assert not home.is_available(1)
    assert sorted(complaints(caplog)) == [
        f"Authentication failed while fetching Car {number} data: "
        f"{message('invalid_auth')}"
        for number in (1, 2)
    ]
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests
    home.simulator.account.password = password
    result = await home.hass.config_entries.flow.async_configure(
        flow["flow_id"], {"password": password}
    )
    await home.hass.async_block_till_done()
    assert result["reason"] == "reauth_successful"
    assert home.is_available(0)
    assert home.is_available(1)


async def test_refused_credentials_at_set_up(home: Home) -> None:
    """Home Assistant does not retry the set-up."""
    home = home.with_vehicles(0, 1)
    home.simulator.account.password = "another"
    await home.fail_to_set_up()
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    await home.hass.async_block_till_done()
    assert len(home.reauth_flows()) == 1
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests


async def test_tokens_are_renewed_unseen(
    home: Home, caplog: pytest.LogCaptureFixture, writes: Writes
) -> None:
    """A revoked token is renewed once; nothing is shown or logged."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    writes.clear()
    caplog.clear()
    for refresh_tokens, renewals in ((False, 1), (True, 2)):
        home.simulator.requests.clear()
        home.simulator.revoke_tokens(refresh_tokens=refresh_tokens)
        await home.later()
        assert len(token_requests(home.simulator)) == renewals
    assert not writes
    assert not complaints(caplog, INFO)
    assert not home.reauth_flows()


# Set-up.


async def test_one_vehicle_fails_at_set_up(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The other vehicle works, the failure is logged once, and the first one recovers."""
    home = home.with_vehicles(0, 1)
    home.break_vehicle(status=503)
    await home.set_up()
    assert not home.is_available(0)
    assert home.is_available(1)
    assert complaints(caplog) == [
        f"Error fetching Car 1 data: {message('cannot_connect')}"
    ]
    await home.later()
    assert len(complaints(caplog)) == 1
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)
    assert caplog.text.count("Fetching Car 1 data recovered") == 1


async def test_all_vehicles_fail_at_set_up(home: Home) -> None:
    """Home Assistant retries the set-up of the account until it succeeds."""
    home = home.with_vehicles(0, 1)
    home.simulator.add_fault(kind="vehicle", status=503)
    await home.fail_to_set_up()
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert home.entry.reason == message("cannot_connect")
    home.simulator.clear_faults()
    await home.later(600)
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.is_available(0)


@pytest.mark.parametrize("other", [404, 503])
async def test_missing_at_set_up(home: Home, other: int) -> None:
    """A missing vehicle does not fail the set-up, since it can be removed then."""
    home = home.with_vehicles(0, 1)
    home.car.delete()
    home.break_vehicle(1, status=other)
    await home.set_up()
    assert home.coordinator().is_missing
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(1)


async def test_no_vehicles(home: Home) -> None:
    """An account without vehicles only requests the list of vehicles."""
    await home.with_vehicles().set_up()
    await home.later()
    token, vehicles = home.simulator.requests
    assert token in token_requests(home.simulator)
    assert vehicles.path.endswith("/electric-vehicles")


async def test_unexpected_exception(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception for one vehicle does not affect the other one."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.car.override(battery_level=1)
    with patch.object(
        home.coordinator(),
        "_async_update_device",
        side_effect=RuntimeError("defect"),
    ):
        await home.later()
    assert not home.is_available(0)
    assert home.is_available(1)
    assert "Unexpected error fetching Car 1 data" in caplog.text
    await home.later()
    assert home.is_available(0)


async def test_polling_switched_off(home: Home) -> None:
    """Home Assistant's option to disable polling is respected."""
    await home.set_up()
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)
    await home.settle()
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests


# What is logged of a reading.


async def test_unusable_fields_are_logged_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Each field is logged once, when it is first invalid."""
    car = home.car
    car.override(battery_level=101, device_model={"manufacturer": 5, "model": "ID.4"})
    await home.set_up()
    car.override(driving_range=-1)
    for _ in range(3):
        await home.later()
    car.clear_overrides()
    await home.later()
    car.override(battery_level="x")
    await home.later()
    assert complaints(caplog) == [
        f"Car 1: the value of {field} could not be used, it is shown as unknown"
        for field in ("battery_level", "device_model.manufacturer", "driving_range")
    ]


# Writes and polling. The controls have tests of their own.


@pytest.mark.parametrize(
    "write",
    [
        lambda coordinator: coordinator.async_set("minimum_charge_limit", 40),
        lambda coordinator: coordinator.async_start_boost(),
        lambda coordinator: coordinator.async_cancel_boost(),
    ],
)
async def test_a_write_is_read_back(
    home: Home, write: Callable[[PoderoCoordinator], Coroutine[Any, Any, None]]
) -> None:
    """A poll follows each write."""
    home.car.override(boost_for_next_session=True)
    await home.set_up()
    home.simulator.requests.clear()
    await write(home.coordinator())
    assert [request.method for request in home.simulator.requests][1:] == ["GET"]


async def test_a_write_that_never_shows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The action fails, and the value of the reading is shown again."""
    monkeypatch.setattr(optimistic, "CONFIRMATION_PERIOD", 0.02)
    await home.set_up()
    home.simulator.add_fault(kind="preferences", status=204, body=b"")
    with pytest.raises(HomeAssistantError, match=message("not_confirmed")):
        await home.coordinator().async_set("minimum_charge_limit", 41)
    assert home.coordinator().data.minimum_charge_limit != 41


async def test_a_write_with_refused_credentials(home: Home) -> None:
    """The action fails, and a reauthentication flow starts."""
    await home.set_up()
    home.simulator.account.password = "another"
    home.simulator.revoke_tokens()
    with pytest.raises(HomeAssistantError, match=message("invalid_auth")):
        await home.coordinator().async_start_boost()
    await home.hass.async_block_till_done()
    assert len(home.reauth_flows()) == 1


async def test_a_write_before_the_first_reading(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vehicle that could not be read yet may be written to."""
    home = home.with_vehicles(0, 1)
    monkeypatch.setattr(optimistic, "CONFIRMATION_PERIOD", 0.02)
    home.break_vehicle(status=503)
    await home.set_up()
    coordinator = home.coordinator()
    with pytest.raises(HomeAssistantError, match=message("not_confirmed")):
        await coordinator.async_set("minimum_charge_limit", 41)
    assert coordinator.raw is None
    assert home.car.document()["minimum_charge_limit"] == 41


async def test_id_that_is_absent_or_null(home: Home) -> None:
    """An id that is missing is accepted, that of another vehicle is not."""
    await home.set_up()
    for value in (ABSENT, None, "not a UUID"):
        home.car.override(id=value)
        await home.later()
        assert home.state(BATTERY) != STATE_UNAVAILABLE
    home.car.override(id=home.simulator.vehicles[1].id)
    await home.later()
    assert home.state(BATTERY) == STATE_UNAVAILABLE
