"""Readings that are outdated, contradict themselves, or are no vehicle."""

from collections.abc import Callable
from logging import INFO
from typing import Any

import pytest

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .automations import listen
from .dialogs import issues
from .home import Home
from .support import complaints
from custom_components.podero.const import DOMAIN

pytestmark = pytest.mark.usefixtures("without_retry_delay")

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


@pytest.fixture
async def told(home: Home, runs: list[ServiceCall]) -> Callable[[], list[str]]:
    """Set up a charging car and return its events since the last call."""
    home.car.start_charging()
    await home.set_up()
    await listen(home)

    def _told() -> list[str]:
        events = [run.data["event"] for run in runs]
        runs.clear()
        return events

    return _told


# Answers that are no vehicle.


@pytest.mark.parametrize("body", NO_VEHICLE)
async def test_no_vehicle_is_a_failed_poll(
    home: Home,
    told: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """The car is unavailable, the failure is logged once, and nothing is lost."""
    car = home.car
    before = home.shown()
    device = home.device()
    caplog.clear()
    car.replace_document(body)
    for _ in range(3):
        await home.refresh()
        assert not home.is_available()
    assert len(complaints(caplog, INFO)) == 1
    assert home.device() == device
    car.clear_overrides()
    await home.refresh()
    assert home.shown() == before
    assert told() == []


@pytest.mark.parametrize("body", NO_VEHICLE)
async def test_no_vehicle_leaves_an_ignored_issue(
    home: Home, body: dict[str, Any]
) -> None:
    """Only a reading of the vehicle ends the issue that it is missing."""
    car = home.car
    await home.set_up()
    home.simulator.add_fault(kind="vehicle", status=404)
    await home.refresh()
    ((issue_id, _),) = issues(home.hass).items()
    ir.async_ignore_issue(home.hass, DOMAIN, issue_id, True)
    home.simulator.clear_faults()
    car.replace_document(body)
    await home.refresh()
    home.simulator.add_fault(kind="vehicle", status=404)
    await home.refresh()
    assert issues(home.hass)[issue_id].dismissed_version is not None


# Older documents, and fields that contradict each other.


async def test_an_older_document_is_no_news(
    home: Home, told: Callable[[], list[str]]
) -> None:
    """Outdated readings of a server that lags behind are ignored."""
    car = home.car
    levels, reports = home.history(BATTERY), home.history(LAST_REPORTED)
    new = {"is_plugged_in": False, "is_charging": False, "battery_level": 41}
    old = {"is_plugged_in": True, "is_charging": True, "battery_level": 40}
    for clock, fields in (("10:10", new), ("10:00", old)) * 2 + (("10:10", new),):
        moment = f"2999-11-02T{clock}:00Z"
        car.override(updated_at=moment, current_state_last_updated_at=moment, **fields)
        await home.refresh()
    assert levels == ["41"]
    assert reports == ["2999-11-02T10:10:00+00:00"]
    assert told() == ["charging_stopped", "unplugged"]


async def test_a_clock_that_was_set_back(home: Home) -> None:
    """The third older document in a row is accepted, and those after it."""
    car = home.car
    await home.set_up()
    before = home.state(BATTERY)
    for number, expected in enumerate((before, before, "12", "13")):
        car.override(
            updated_at=f"2001-01-01T10:0{number}:00Z", battery_level=10 + number
        )
        await home.refresh()
        assert home.state(BATTERY) == expected


async def test_one_reading_without_a_cable(
    home: Home, told: Callable[[], list[str]]
) -> None:
    """A single contradicting reading is not shown and fires no event."""
    car = home.car
    states = home.history(PLUGGED_IN), home.history(CHARGING), home.history(POWER)
    car.override(is_plugged_in=False)
    await home.refresh()
    car.clear_overrides()
    await home.refresh()
    assert states == ([], [], [])
    assert told() == []


async def test_no_cable_for_long(home: Home, told: Callable[[], list[str]]) -> None:
    """A lasting contradiction is shown as the plug says; events wait until it ends."""
    car = home.car
    car.override(is_plugged_in=False)
    for expected in (("on", "on"), ("off", "off"), ("off", "off")):
        await home.refresh()
        assert (home.state(PLUGGED_IN), home.state(CHARGING)) == expected
    assert float(home.state(POWER)) == 0
    assert told() == []
    car.override(is_charging=False)
    await home.refresh()
    assert told() == ["charging_stopped", "unplugged"]


async def test_no_power_while_nothing_charges(home: Home) -> None:
    """The power is 0 while the car does not charge, so that no energy is integrated."""
    car = home.car
    car.stop_charging()
    car.override(charge_rate_w=6300)
    await home.set_up()
    assert float(home.state(POWER)) == 0


# Reauthentication flows and pauses that end.


async def test_a_sign_in_goes_with_the_next_success(home: Home) -> None:
    """The reauthentication flow ends, whether a poll or a button has started it."""
    await home.set_up()
    home.simulator.add_fault(kind="vehicle", status=401, count=2)
    await home.refresh()
    assert len(home.reauth_flows()) == 1
    await home.refresh()
    assert not home.reauth_flows()

    home.simulator.add_fault(kind="boost", status=401, count=2)
    with pytest.raises(HomeAssistantError):
        await home.call("button.press", entity_id="button.car_1_charge_now")
    assert len(home.reauth_flows()) == 1
    await home.refresh()
    assert not home.reauth_flows()


async def test_a_sign_in_for_one_car_goes_with_its_success(home: Home) -> None:
    """The reauthentication flow does not end with the other car's success."""
    home = home.with_vehicles(0, 1)
    home.break_vehicle(status=401)
    await home.set_up()
    await home.refresh()
    assert len(home.reauth_flows()) == 1
    home.simulator.clear_faults()
    await home.refresh()
    assert not home.reauth_flows()


async def test_a_pause_that_is_not_in_force(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's clock is two hours behind: the pause is over before it begins."""
    monkeypatch.setattr(
        "custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.2
    )
    await home.set_up()
    # The service says of a pause that is accepted that it is not active.
    home.car.override(is_pause_power_active=False)
    with pytest.raises(HomeAssistantError) as caught:
        await home.call(
            "podero.pause_charging", entity_id=PLUGGED_IN, duration={"hours": 1}
        )
    assert caught.value.translation_key == "not_confirmed"
    assert home.state("switch.car_1_pause_charging") == "off"


# What is not requested.


async def test_one_request_at_set_up(home: Home) -> None:
    """The set-up sends one request and leaves the retry to Home Assistant."""
    home.simulator.add_fault(kind="vehicle", status=503)
    await home.fail_to_set_up()
    assert len(home.vehicle_requests()) == 1


async def test_a_disabled_device_is_left_alone(home: Home) -> None:
    """No request and no repair, until it is enabled."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    device = home.device()
    registry = dr.async_get(home.hass)
    registry.async_update_device(device.id, disabled_by=dr.DeviceEntryDisabler.USER)
    await home.hass.async_block_till_done()
    home.simulator.requests.clear()
    home.car.delete()
    await home.later()
    assert not home.vehicle_requests(0)
    assert home.vehicle_requests(1)
    assert not issues(home.hass)
    assert home.state("sensor.car_2_battery") != STATE_UNAVAILABLE

    await home.reload()
    await home.later()
    assert not home.vehicle_requests(0)

    registry.async_update_device(device.id, disabled_by=None)
    await home.hass.async_block_till_done()
    assert home.vehicle_requests(0)
    assert len(issues(home.hass)) == 1
