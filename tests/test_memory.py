"""What happened while nobody looked is told once, and a restart tells nothing new."""

from collections.abc import Callable
from datetime import timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.helpers import entity_registry as er

from .conftest import Refresh, SetUp
from .home import account_entry, vehicle_subentry
from .support import reauth_flows
from .test_trigger import automate, device_of, on_all
from simulator import Car, Server, Simulator

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
def runs(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what the automation ran with."""
    return async_mock_service(hass, "test", "run")


@pytest.fixture
def told(runs: list[ServiceCall]) -> Callable[[], list[tuple[str, bool]]]:
    """Return what was told since the last call, and whether it had been missed."""

    def _told() -> list[tuple[str, bool]]:
        seen = [(run.data["event"], run.data["missed"]) for run in runs]
        runs.clear()
        return seen

    return _told


async def _listen(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> None:
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, *on_all({"device_id": device.id}))


async def _reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def _be_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    car: Car,
    *steps: str,
    absence: timedelta = HOUR,
) -> None:
    """Unload an account, let a car do some things meanwhile, and set it up again."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(absence)
    for step in steps:
        getattr(car, step)()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    ("before", "steps", "expected"),
    [
        ("plug_in", ["unplug"], ["unplugged"]),
        ("unplug", ["plug_in"], ["plugged_in"]),
        ("plug_in", ["fill_up"], ["fully_charged"]),
        ("unplug", ["plug_in", "fill_up"], ["plugged_in", "fully_charged"]),
        ("plug_in", ["start_charging"], []),
        ("start_charging", ["stop_charging"], []),
        ("plug_in", [], []),
    ],
)
async def test_missed(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
    before: str,
    steps: list[str],
    expected: list[str],
) -> None:
    """What matters still is told once, and marked as late."""
    car = simulator.vehicles[0]
    getattr(car, before)()
    await set_up(entry)
    await _listen(hass, simulator, entry)
    await _be_away(hass, entry, freezer, car, *steps)
    assert told() == [(event, True) for event in expected]
    await _reload(hass, entry)
    freezer.tick(HOUR)
    await _reload(hass, entry)
    assert told() == []


async def test_too_late(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
) -> None:
    """After more than twelve hours nobody wants to hear of it."""
    car = simulator.vehicles[0]
    await set_up(entry)
    await _listen(hass, simulator, entry)
    await _be_away(hass, entry, freezer, car, "unplug", absence=13 * HOUR)
    assert told() == []


async def test_told_after_the_start(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
) -> None:
    """While Home Assistant starts, automations may not listen yet."""
    car = simulator.vehicles[0]
    await set_up(entry)
    await _listen(hass, simulator, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.set_state(CoreState.starting)
    freezer.tick(HOUR)
    car.unplug()
    assert await hass.config_entries.async_setup(entry.entry_id)
    freezer.tick(HOUR)
    car.plug_in()
    await refresh(entry)
    assert told() == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert told() == [("unplugged", True), ("plugged_in", False)]


async def test_another_car_is_added(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
) -> None:
    """The account is set up anew for it: that costs no event."""
    await set_up(entry)
    await _listen(hass, simulator, entry)
    freezer.tick(HOUR)
    simulator.vehicles[0].unplug()
    data: Any = vehicle_subentry(simulator.vehicles[1].id, "Car 2")
    hass.config_entries.async_add_subentry(entry, ConfigSubentry(**data))
    await hass.async_block_till_done()
    assert told() == [("unplugged", True)]


async def test_while_the_account_waited_for_a_sign_in(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
) -> None:
    """Hours may pass until somebody signs in again."""
    await set_up(entry)
    await _listen(hass, simulator, entry)
    password, simulator.account.password = simulator.account.password, "changed"
    simulator.revoke_tokens()
    await refresh(entry)
    assert reauth_flows(hass)
    freezer.tick(3 * HOUR)
    simulator.vehicles[0].unplug()
    simulator.account.password = password
    await _reload(hass, entry)
    assert told() == [("unplugged", True)]


async def test_full_is_told_once_a_night(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
) -> None:
    """100, 99, 100, 99, 100: one event, a reload in between or not."""
    car = simulator.vehicles[0]
    car.plug_in()
    await set_up(entry)
    await _listen(hass, simulator, entry)
    for number, is_full in enumerate((True, False, True, False, True)):
        freezer.tick(HOUR)
        car.override(
            is_fully_charged=is_full,
            battery_level=100 if is_full else 99,
            is_charging=False,
        )
        await refresh(entry)
        if number == 2:
            await _reload(hass, entry)
    assert [event for event, _ in told()] == ["fully_charged"]


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"version": 1, "minor_version": 1, "data": {}},
        {"version": 1, "minor_version": 1, "data": {"written_at": 5}},
        {"version": 99, "minor_version": 1, "data": {}},
        {
            "version": 1,
            "minor_version": 1,
            "data": {
                "is_plugged_in": False,
                "is_fully_charged": 7,
                "battery_at_plug_in": [],
                "reported_at": "2026-01-01",
                "has_been_full": None,
                "written_at": "2026-01-01",
            },
        },
    ],
)
async def test_broken_file(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
    told: Callable[[], list[tuple[str, bool]]],
    hass_storage: dict[str, Any],
    content: Any,
) -> None:
    """What cannot be read tells nothing, and what happens then is told as ever."""
    car = simulator.vehicles[0]
    (subentry,) = entry.subentries.values()
    hass_storage[f"podero.{subentry.subentry_id}.events"] = content
    await set_up(entry)
    await _listen(hass, simulator, entry)
    assert told() == []
    freezer.tick(HOUR)
    car.unplug()
    await refresh(entry)
    assert told() == [("unplugged", False)]


async def test_it_goes_with_the_vehicle(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    server: Server,
    set_up: SetUp,
) -> None:
    """The file is removed with its vehicle, and the last one with the account."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    first, second = entry.subentries
    names = {f"podero.{first}.events", f"podero.{second}.events"}
    assert names <= hass_storage.keys()
    stored = json.dumps([hass_storage[name] for name in names])
    assert "latitude" not in stored
    hass.config_entries.async_remove_subentry(entry, first)
    await hass.async_block_till_done()
    assert names & hass_storage.keys() == {f"podero.{second}.events"}
    await hass.config_entries.async_remove(entry.entry_id)
    assert not names & hass_storage.keys()
    assert not er.async_get(hass).entities
