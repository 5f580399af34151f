"""A reading is believed for what it is, through all of Home Assistant."""

from collections.abc import Callable
from logging import INFO
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .conftest import Refresh, SetUp, account_entry
from .controls import call
from .dialogs import issues
from .home import Home
from .support import (
    VehicleFault,
    complaints,
    is_available,
    later,
    reauth_flows,
    shown,
    vehicle_requests,
)
from .test_trigger import automate, device_of, on_all
from custom_components.podero.const import DOMAIN
from simulator import Server, Simulator

BATTERY = "sensor.car_1_battery"
LAST_REPORTED = "sensor.car_1_last_reported"
PLUGGED_IN = "binary_sensor.car_1_plugged_in"
CHARGING = "binary_sensor.car_1_charging"
POWER = "sensor.car_1_charging_power"

NO_VEHICLE = (
    {"error": {"code": "maintenance"}},
    {"detail": "Not available"},
    {},
    {"status": "error", "message": "Try again later"},
)


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
def two_cars(server: Server) -> MockConfigEntry:
    """Return the account with both of its vehicles."""
    return account_entry(server, 0, 1)


@pytest.fixture
def runs(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what the automation ran with."""
    return async_mock_service(hass, "test", "run")


@pytest.fixture
async def told(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    runs: list[ServiceCall],
) -> Callable[[], list[str]]:
    """Set up a car that charges, and return what is told of it since the last call."""
    simulator.vehicles[0].start_charging()
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, *on_all({"device_id": device.id}))

    def _told() -> list[str]:
        events = [run.data["event"] for run in runs]
        runs.clear()
        return events

    return _told


# What is no vehicle.


@pytest.mark.parametrize("body", NO_VEHICLE)
async def test_no_vehicle_is_a_failed_poll(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    told: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """Unavailable, one line, nothing forgotten."""
    car = simulator.vehicles[0]
    before = shown(hass, simulator)
    device = device_of(hass, entry, car)
    caplog.clear()
    car.replace_document(body)
    for _ in range(3):
        await refresh(entry)
        assert not is_available(hass, simulator)
    assert len(complaints(caplog, INFO)) == 1
    assert device_of(hass, entry, car) == device
    car.clear_overrides()
    await refresh(entry)
    assert shown(hass, simulator) == before
    assert told() == []


@pytest.mark.parametrize("body", NO_VEHICLE)
async def test_no_vehicle_leaves_an_ignored_issue(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    body: dict[str, Any],
) -> None:
    """Only a vehicle tells that it was found again."""
    car = simulator.vehicles[0]
    await set_up(entry)
    simulator.add_fault(kind="vehicle", status=404)
    await refresh(entry)
    ((issue_id, _),) = issues(hass).items()
    ir.async_ignore_issue(hass, DOMAIN, issue_id, True)
    simulator.clear_faults()
    car.replace_document(body)
    await refresh(entry)
    simulator.add_fault(kind="vehicle", status=404)
    await refresh(entry)
    assert issues(hass)[issue_id].dismissed_version is not None


# Older documents, and fields that contradict each other.


async def test_an_older_document_is_no_news(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    told: Callable[[], list[str]],
) -> None:
    """Two servers of which one lags behind tell one story."""
    car = simulator.vehicles[0]
    levels, reports = home.history(BATTERY), home.history(LAST_REPORTED)
    new = {"is_plugged_in": False, "is_charging": False, "battery_level": 41}
    old = {"is_plugged_in": True, "is_charging": True, "battery_level": 40}
    for clock, fields in (("10:10", new), ("10:00", old)) * 2 + (("10:10", new),):
        moment = f"2999-11-02T{clock}:00Z"
        car.override(updated_at=moment, current_state_last_updated_at=moment, **fields)
        await refresh(entry)
    assert levels == ["41"]
    assert reports == ["2999-11-02T10:10:00+00:00"]
    assert told() == ["charging_stopped", "unplugged"]


async def test_a_clock_that_was_set_back(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """The third older document in a row is taken, and those after it."""
    car = simulator.vehicles[0]
    await set_up(entry)
    before = home.state(BATTERY)
    for number, expected in enumerate((before, before, "12", "13")):
        car.override(
            updated_at=f"2001-01-01T10:0{number}:00Z", battery_level=10 + number
        )
        await refresh(entry)
        assert home.state(BATTERY) == expected


async def test_one_reading_without_a_cable(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    told: Callable[[], list[str]],
) -> None:
    """A slip of one reading is neither told nor shown."""
    car = simulator.vehicles[0]
    states = home.history(PLUGGED_IN), home.history(CHARGING), home.history(POWER)
    car.override(is_plugged_in=False)
    await refresh(entry)
    car.clear_overrides()
    await refresh(entry)
    assert states == ([], [], [])
    assert told() == []


async def test_no_cable_for_long(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    told: Callable[[], list[str]],
) -> None:
    """What lasts is shown as the plug says; the events wait for what is no contradiction."""
    car = simulator.vehicles[0]
    car.override(is_plugged_in=False)
    for expected in (("on", "on"), ("off", "off"), ("off", "off")):
        await refresh(entry)
        assert (home.state(PLUGGED_IN), home.state(CHARGING)) == expected
    assert float(home.state(POWER)) == 0
    assert told() == []
    car.override(is_charging=False)
    await refresh(entry)
    assert told() == ["charging_stopped", "unplugged"]


async def test_no_power_while_nothing_charges(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """A helper that integrates power counts no energy that did not flow."""
    car = simulator.vehicles[0]
    car.stop_charging()
    car.override(charge_rate_w=6300)
    await set_up(entry)
    assert float(home.state(POWER)) == 0


# What was begun is ended.


async def test_a_sign_in_goes_with_the_next_success(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """After a refused new token at a poll, and after a refused press of a button."""
    await set_up(entry)
    simulator.add_fault(kind="vehicle", status=401, count=2)
    await refresh(entry)
    assert len(reauth_flows(hass)) == 1
    await refresh(entry)
    assert not reauth_flows(hass)

    simulator.add_fault(kind="boost", status=401, count=2)
    with pytest.raises(HomeAssistantError):
        await call(hass, "button.press", entity_id="button.car_1_charge_now")
    assert len(reauth_flows(hass)) == 1
    await refresh(entry)
    assert not reauth_flows(hass)


async def test_a_sign_in_for_one_car_goes_with_its_success(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """Not with that of the other one."""
    simulator.add_fault(
        VehicleFault(kind="vehicle", vehicle_id=simulator.vehicles[0].id, status=401)
    )
    await set_up(two_cars)
    await refresh(two_cars)
    assert len(reauth_flows(hass)) == 1
    simulator.clear_faults()
    await refresh(two_cars)
    assert not reauth_flows(hass)


async def test_a_pause_that_is_not_in_force(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This machine's clock is two hours behind: the pause is over before it begins."""
    monkeypatch.setattr(
        "custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.2
    )
    await set_up(entry)
    # The service says of a pause that is accepted that it is not active.
    simulator.vehicles[0].override(is_pause_power_active=False)
    with pytest.raises(HomeAssistantError) as caught:
        await call(
            hass,
            "podero.pause_charging",
            entity_id=PLUGGED_IN,
            duration={"hours": 1},
        )
    assert caught.value.translation_key == "not_confirmed"
    assert home.state("switch.car_1_pause_charging") == "off"


# Left alone.


async def test_one_request_at_set_up(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """Home Assistant itself tries again: its start waits for one answer only."""
    simulator.add_fault(kind="vehicle", status=503)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert len(vehicle_requests(simulator)) == 1


async def test_a_disabled_device_is_left_alone(
    hass: HomeAssistant,
    home: Home,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """No request and no repair, until it is enabled."""
    await set_up(two_cars)
    device = device_of(hass, two_cars, simulator.vehicles[0])
    registry = dr.async_get(hass)
    registry.async_update_device(device.id, disabled_by=dr.DeviceEntryDisabler.USER)
    await hass.async_block_till_done()
    simulator.requests.clear()
    simulator.vehicles[0].delete()
    await later(hass)
    assert not vehicle_requests(simulator, 0)
    assert vehicle_requests(simulator, 1)
    assert not issues(hass)
    assert home.state("sensor.car_2_battery") != STATE_UNAVAILABLE

    await hass.config_entries.async_reload(two_cars.entry_id)
    await later(hass)
    assert not vehicle_requests(simulator, 0)

    registry.async_update_device(device.id, disabled_by=None)
    await hass.async_block_till_done()
    assert vehicle_requests(simulator, 0)
    assert len(issues(hass)) == 1
