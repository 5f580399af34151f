"""A vehicle is polled plainly and steadily, and no failure does more than it must."""

import asyncio
from collections.abc import Callable, Coroutine
from logging import INFO
from typing import Any
from unittest.mock import Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .conftest import Refresh, SetUp, account_entry
from .support import (
    VehicleFault,
    complaints,
    grants,
    is_available,
    later,
    message,
    reauth_flows,
    shown,
    token_requests,
    vehicle_requests,
)
from custom_components.podero import coordinator as coordinator_module
from custom_components.podero.charging import optimistic
from custom_components.podero.coordinator import RETRY_DELAY, PoderoCoordinator
from simulator import ABSENT, Server, Simulator

type Writes = list[str]

BATTERY = "sensor.car_1_battery"


@pytest.fixture(autouse=True)
def _without_blip_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is otherwise tried again after a few seconds."""
    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", 0)


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
def writes(hass: HomeAssistant) -> Writes:
    """Collect the entities that write a state, changed or not."""
    written: Writes = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(
        EVENT_STATE_REPORTED, note, event_filter=callback(lambda _: True)
    )
    return written


@pytest.fixture
def two_cars(server: Server) -> MockConfigEntry:
    """Return the account with both of its vehicles."""
    return account_entry(server, 0, 1)


def _coordinator(entry: MockConfigEntry, number: int = 0) -> PoderoCoordinator:
    coordinator: PoderoCoordinator = list(entry.runtime_data.coordinators.values())[
        number
    ]
    return coordinator


def _break(simulator: Simulator, number: int = 0, **options: Any) -> None:
    vehicle_id = simulator.vehicles[number].id
    simulator.add_fault(VehicleFault(kind="vehicle", vehicle_id=vehicle_id, **options))


# Polling.


async def test_one_request_a_minute(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry, set_up: SetUp
) -> None:
    """Each vehicle is read once a minute, over one token."""
    await set_up(two_cars)
    for polls in range(1, 4):
        assert len(vehicle_requests(simulator, 0)) == polls
        assert len(vehicle_requests(simulator, 1)) == polls
        await later(hass, 45)
        assert len(vehicle_requests(simulator, 0)) == polls
        await later(hass)
    assert len(token_requests(simulator)) == 1


async def test_client_credentials(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    """An account of an organization works as well."""
    password = account_entry(server, 0)
    entry = MockConfigEntry(
        domain="podero",
        data={
            **password.data,
            "grant": "client_credentials",
            "client_id": simulator.account.client_id,
            "client_secret": simulator.account.client_secret,
        },
        subentries_data=[
            subentry.as_dict() for subentry in password.subentries.values()
        ],
    )
    await set_up(entry)
    assert grants(simulator) == ["client_credentials"]
    assert is_available(hass, simulator)


async def test_update_entity(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Who wants to poll at other times asks Home Assistant to."""
    await set_up(entry)
    await async_setup_component(hass, "homeassistant", {})
    simulator.vehicles[0].override(battery_level=17)
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": BATTERY}, blocking=True
    )
    assert hass.states.get(BATTERY).state == "17"
    assert len(vehicle_requests(simulator)) == 2


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_only_what_changed_is_written(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    writes: Writes,
) -> None:
    """A poll that tells nothing new writes nothing, one that does writes that."""
    await set_up(entry)
    assert len(writes) > 60
    writes.clear()
    await later(hass)
    assert len(vehicle_requests(simulator)) == 2
    assert not writes
    simulator.vehicles[0].override(battery_level=31, driving_range=120)
    await later(hass)
    assert sorted(writes) == [BATTERY, "sensor.car_1_range"]


async def test_a_listener_of_everything(
    simulator: Simulator, entry: MockConfigEntry, set_up: SetUp, refresh: Refresh
) -> None:
    """Who does not say what of is told of whatever moves, and disturbs nobody."""
    await set_up(entry)
    (coordinator,) = entry.runtime_data.coordinators.values()
    listener = Mock()
    coordinator.async_add_listener(listener)
    car = simulator.vehicles[0]
    car.override(**car.document())
    await refresh(entry)
    listener.reset_mock()
    await refresh(entry)
    assert not listener.called
    car.override(comment="new")
    await refresh(entry)
    assert listener.call_count == 1


async def test_a_listener_that_fails(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its defect is logged, and the others are told all the same."""
    await set_up(entry)
    coordinator = _coordinator(entry)
    others = Mock(), Mock()
    coordinator.async_add_listener(others[0])
    coordinator.async_add_listener(Mock(side_effect=RuntimeError("defect")))
    coordinator.async_add_listener(others[1])
    simulator.vehicles[0].override(battery_level=1)
    await later(hass)
    assert [other.called for other in others] == [True, True]
    assert "Unexpected error updating listener" in caplog.text
    assert is_available(hass, simulator, 0)


async def test_what_ticks_is_written_once(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    writes: Writes,
) -> None:
    """Of the timestamps that move with each report, one is on by default."""
    await set_up(entry)
    writes.clear()
    for minute in range(3):
        moment = f"2999-11-02T12:{minute:02}:00Z"
        simulator.vehicles[0].override(
            updated_at=moment,
            current_state_last_updated_at=moment,
            charge_state_last_updated_at=moment,
            last_monitoring_executed_at=moment,
            coordinates_last_updated_at=moment,
            consumption_last_updated_at=moment,
        )
        await later(hass)
    assert writes == ["sensor.car_1_last_reported"] * 3


async def test_an_outage_is_written_twice(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    writes: Writes,
) -> None:
    """Once when it begins, once when it is over, however long it lasts."""
    await set_up(entry)
    entities = sorted(shown(hass, simulator))
    writes.clear()
    _break(simulator, status=503)
    await later(hass)
    assert sorted(writes) == entities
    for _ in range(3):
        await later(hass)
    assert sorted(writes) == entities
    simulator.clear_faults()
    writes.clear()
    await later(hass)
    assert sorted(writes) == entities


# Blips.


@pytest.mark.parametrize("blip", [{"status": 502}, {"truncate_at": 9}, {"status": 408}])
async def test_a_blip_is_not_seen(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    writes: Writes,
    blip: dict[str, Any],
) -> None:
    """It is tried again once inside of the poll, and nothing is shown or logged."""
    await set_up(entry)
    writes.clear()
    caplog.clear()
    _break(simulator, count=1, **blip)
    await later(hass)
    assert len(vehicle_requests(simulator)) == 3
    assert not writes
    assert not complaints(caplog, INFO)


async def test_the_blip_delay(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second try comes a few seconds after the first."""
    await set_up(entry)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def _sleep(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", RETRY_DELAY)
    _break(simulator, status=503, count=1)
    with patch.object(coordinator_module.asyncio, "sleep", _sleep):
        await _coordinator(entry).async_refresh()
    assert RETRY_DELAY == 3
    assert RETRY_DELAY in slept
    assert _coordinator(entry).last_update_success


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
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    fault: dict[str, Any],
    requests: int,
) -> None:
    """Only a connection is tried again at once, and only when it worked before."""
    await set_up(entry)
    simulator.requests.clear()
    _break(simulator, **fault)
    await later(hass)
    assert len(vehicle_requests(simulator)) == requests
    assert not is_available(hass, simulator)
    await later(hass)
    assert len(vehicle_requests(simulator)) == requests + 1


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
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    status: int,
    retry_after: str,
    seconds: int,
) -> None:
    """The service's wish is obeyed between half a minute and an hour; nonsense is none."""
    await set_up(entry)
    _break(simulator, status=status, headers={"Retry-After": retry_after})
    await later(hass)
    simulator.clear_faults()
    simulator.requests.clear()
    await later(hass, seconds - 10)
    assert not simulator.requests
    await later(hass, seconds + 1)
    assert len(simulator.requests) == 1
    assert is_available(hass, simulator)
    await later(hass, 45)
    assert len(simulator.requests) == 1
    await later(hass)
    assert len(simulator.requests) == 2


async def test_a_limit_without_a_wish(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Who was asked too often is not asked sooner than usual."""
    await set_up(entry)
    _break(simulator, status=429)
    await later(hass)
    simulator.requests.clear()
    await later(hass, 45)
    assert not simulator.requests
    await later(hass)
    assert len(simulator.requests) == 1


# Boost.


async def test_boost_is_watched_for_two_minutes(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    clock: Callable[[float], None],
) -> None:
    """While it starts the vehicle is polled every 3 s, but not forever."""
    await set_up(entry)
    simulator.vehicles[0].override(boost_state="requested")
    await later(hass)
    simulator.requests.clear()
    for _ in range(39):
        clock(3)
        await later(hass, 4)
    assert len(simulator.requests) == 39
    clock(3)
    await later(hass, 4)
    await later(hass, 45)
    assert len(simulator.requests) == 40
    await later(hass)
    assert len(simulator.requests) == 41
    await later(hass, 45)
    assert len(simulator.requests) == 41


async def test_boost_that_started(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    clock: Callable[[float], None],
) -> None:
    """Then the polling is steady again; the next boost is watched anew."""
    car = simulator.vehicles[0]
    await set_up(entry)
    for _ in range(2):
        car.override(boost_state="requested")
        await later(hass)
        clock(60)
        simulator.requests.clear()
        await later(hass, 4)
        assert len(simulator.requests) == 1
        car.override(boost_state="ongoing")
        await later(hass, 4)
        clock(60)
        await later(hass, 45)
        assert len(simulator.requests) == 2
        await later(hass)
        assert len(simulator.requests) == 3


@pytest.mark.parametrize(("status", "requests"), [(503, 1), (401, 3)])
async def test_boost_during_an_outage(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    clock: Callable[[float], None],
    status: int,
    requests: int,
) -> None:
    """The two minutes end though no reading says so."""
    await set_up(entry)
    simulator.vehicles[0].override(boost_state="requested")
    await later(hass)
    _break(simulator, status=status)
    await later(hass, 4)
    clock(120)
    await later(hass, 4)
    simulator.requests.clear()
    await later(hass, 45)
    assert not simulator.requests
    await later(hass)
    assert len(simulator.requests) == requests


# Missing.


async def test_missing(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """A vehicle is missing from when the service says so until it is read again."""
    await set_up(entry)
    coordinator = _coordinator(entry)
    calls: list[bool] = []

    @callback
    def note() -> None:
        if coordinator.is_missing != (calls[-1] if calls else False):
            calls.append(coordinator.is_missing)

    entry.async_on_unload(coordinator.async_add_listener(note))
    # Each step: what is answered, whether it is missing then, and who was told.
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
        simulator.clear_faults()
        _break(simulator, **fault)
        await later(hass)
        seen.append(coordinator.is_missing)
    assert seen == [is_missing for _, is_missing in steps]
    # The 404 that follows another failure is told too, and each change only once.
    assert calls == [True, False, True, False]


async def test_deleted(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """A vehicle that was deleted is missing, however the service says so."""
    await set_up(entry)
    car = simulator.vehicles[0]
    car.override(deleted_at="2026-11-02T12:00:00Z")
    await later(hass)
    assert _coordinator(entry).is_missing
    assert not is_available(hass, simulator)
    car.clear_overrides()
    await later(hass)
    assert not _coordinator(entry).is_missing
    car.delete()
    await later(hass)
    assert _coordinator(entry).is_missing


# Credentials.


async def test_refused_credentials(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are asked for once for the account, and nothing is polled until they are given."""
    await set_up(two_cars)
    caplog.clear()
    password = simulator.account.password
    simulator.account.password = "another"
    simulator.revoke_tokens()
    await later(hass)
    (flow,) = reauth_flows(hass)
    assert not is_available(hass, simulator, 0)
    assert not is_available(hass, simulator, 1)
    assert sorted(complaints(caplog)) == [
        f"Authentication failed while fetching Car {number} data: "
        f"{message('invalid_auth')}"
        for number in (1, 2)
    ]
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests
    simulator.account.password = password
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"password": password}
    )
    await hass.async_block_till_done()
    assert result["reason"] == "reauth_successful"
    assert is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)


async def test_refused_credentials_at_set_up(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """The account is not tried again by itself."""
    simulator.account.password = "another"
    two_cars.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(two_cars.entry_id)
    assert two_cars.state is ConfigEntryState.SETUP_ERROR
    await hass.async_block_till_done()
    assert len(reauth_flows(hass)) == 1
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests


async def test_tokens_are_renewed_unseen(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    writes: Writes,
) -> None:
    """Revoked or expired, with a refresh token or without: one renewal, and nothing shows."""
    await set_up(two_cars)
    writes.clear()
    caplog.clear()
    for refresh_tokens, renewals in ((False, 1), (True, 2)):
        simulator.requests.clear()
        simulator.revoke_tokens(refresh_tokens=refresh_tokens)
        await later(hass)
        assert len(token_requests(simulator)) == renewals
    assert not writes
    assert not complaints(caplog, INFO)
    assert not reauth_flows(hass)


# Set-up.


async def test_one_vehicle_fails_at_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other one works, it is logged once, and the first one follows by itself."""
    _break(simulator, status=503)
    await set_up(two_cars)
    assert not is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
    assert complaints(caplog) == [
        f"Error fetching Car 1 data: {message('cannot_connect')}"
    ]
    await later(hass)
    assert len(complaints(caplog)) == 1
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)
    assert caplog.text.count("Fetching Car 1 data recovered") == 1


async def test_all_vehicles_fail_at_set_up(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """The account is tried again as a whole, until it works."""
    simulator.add_fault(kind="vehicle", status=503)
    two_cars.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(two_cars.entry_id)
    assert two_cars.state is ConfigEntryState.SETUP_RETRY
    assert two_cars.reason == message("cannot_connect")
    simulator.clear_faults()
    await later(hass, 600)
    assert two_cars.state is ConfigEntryState.LOADED
    assert is_available(hass, simulator, 0)


@pytest.mark.parametrize("other", [404, 503])
async def test_missing_at_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    other: int,
) -> None:
    """A vehicle that is missing is no reason not to set up: it may be removed."""
    simulator.vehicles[0].delete()
    _break(simulator, 1, status=other)
    await set_up(two_cars)
    assert _coordinator(two_cars).is_missing
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 1)


async def test_no_vehicles(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    """An account without a vehicle only looks whether there is one."""
    await set_up(account_entry(server))
    await later(hass)
    token, vehicles = simulator.requests
    assert token in token_requests(simulator)
    assert vehicles.path.endswith("/electric-vehicles")


async def test_unexpected_exception(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A defect of our own in one vehicle leaves the other one alone."""
    await set_up(two_cars)
    simulator.vehicles[0].override(battery_level=1)
    with patch.object(
        _coordinator(two_cars),
        "_async_update_device",
        side_effect=RuntimeError("defect"),
    ):
        await later(hass)
    assert not is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
    assert "Unexpected error fetching Car 1 data" in caplog.text
    await later(hass)
    assert is_available(hass, simulator, 0)


async def test_polling_switched_off(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Home Assistant's own option is obeyed."""
    await set_up(entry)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.async_block_till_done(wait_background_tasks=True)
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests


# What a reading says beside the states.


async def test_unusable_fields_are_logged_once(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each is named once, when it is first seen."""
    car = simulator.vehicles[0]
    car.override(battery_level=101, device_model={"manufacturer": 5, "model": "ID.4"})
    await set_up(entry)
    car.override(driving_range=-1)
    for _ in range(3):
        await later(hass)
    car.clear_overrides()
    await later(hass)
    car.override(battery_level="x")
    await later(hass)
    assert complaints(caplog) == [
        f"Car 1: the value of {field} could not be used, it is shown as unknown"
        for field in ("battery_level", "device_model.manufacturer", "driving_range")
    ]


# Writing: what a failure does to the polling. What is written is tested with the controls.


@pytest.mark.parametrize(
    "write",
    [
        lambda coordinator: coordinator.async_set("minimum_charge_limit", 40),
        lambda coordinator: coordinator.async_start_boost(),
        lambda coordinator: coordinator.async_cancel_boost(),
    ],
)
async def test_a_write_is_read_back(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    write: Callable[[PoderoCoordinator], Coroutine[Any, Any, None]],
) -> None:
    """The reading that follows shows what was written."""
    simulator.vehicles[0].override(boost_for_next_session=True)
    await set_up(entry)
    simulator.requests.clear()
    await write(_coordinator(entry))
    assert [request.method for request in simulator.requests][1:] == ["GET"]


async def test_a_write_that_never_shows(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is said so, and what is read is shown again."""
    monkeypatch.setattr(optimistic, "CONFIRMATION_PERIOD", 0.02)
    await set_up(entry)
    simulator.add_fault(kind="preferences", status=204, body=b"")
    with pytest.raises(HomeAssistantError, match=message("not_confirmed")):
        await _coordinator(entry).async_set("minimum_charge_limit", 41)
    assert _coordinator(entry).data.minimum_charge_limit != 41


async def test_a_write_with_refused_credentials(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Who wrote is told, and whoever can help is asked for new credentials."""
    await set_up(entry)
    simulator.account.password = "another"
    simulator.revoke_tokens()
    with pytest.raises(HomeAssistantError, match=message("invalid_auth")):
        await _coordinator(entry).async_start_boost()
    await hass.async_block_till_done()
    assert len(reauth_flows(hass)) == 1


async def test_a_write_before_the_first_reading(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A vehicle that could not be read yet may be written to."""
    monkeypatch.setattr(optimistic, "CONFIRMATION_PERIOD", 0.02)
    _break(simulator, status=503)
    await set_up(two_cars)
    coordinator = _coordinator(two_cars)
    with pytest.raises(HomeAssistantError, match=message("not_confirmed")):
        await coordinator.async_set("minimum_charge_limit", 41)
    assert coordinator.reading is None
    assert simulator.vehicles[0].document()["minimum_charge_limit"] == 41


async def test_id_that_is_absent_or_null(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """The contract allows it, and the vehicle is shown all the same."""
    await set_up(entry)
    for value in (ABSENT, None, "not a UUID"):
        simulator.vehicles[0].override(id=value)
        await later(hass)
        assert hass.states.get(BATTERY).state != STATE_UNAVAILABLE
    simulator.vehicles[0].override(id=simulator.vehicles[1].id)
    await later(hass)
    assert hass.states.get(BATTERY).state == STATE_UNAVAILABLE
