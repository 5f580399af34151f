"""Pausing and resuming."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.setup import async_setup_component

from .conftest import SetUp, account_entry
from .controls import call, readings, state, written
from custom_components.podero.const import DOMAIN
from simulator import Server, Simulator

NOW = "2026-11-02T12:00:00.700000+00:00"
PAUSED = "binary_sensor.car_1_charging_paused"
PAUSED_UNTIL = "sensor.car_1_paused_until"


@pytest.fixture
def now(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clock, of the service as well as of Home Assistant."""
    freezer.move_to(NOW)


def device_of(hass: HomeAssistant, car: int) -> str:
    """Return the id of the device of a car."""
    entity = er.async_get(hass).async_get(f"sensor.car_{car}_battery")
    assert entity is not None
    assert entity.device_id is not None
    return entity.device_id


async def pause(hass: HomeAssistant, **data: Any) -> None:
    """Pause for an hour, unless told otherwise."""
    if "until" not in data:
        data.setdefault("duration", {"hours": 1})
    await call(hass, "podero.pause_charging", **data)


@pytest.mark.parametrize(
    ("end", "sent"),
    [
        ({"duration": {"hours": 2, "minutes": 30}}, "2026-11-02T14:30:00+00:00"),
        ({"duration": "00:45:00"}, "2026-11-02T12:45:00+00:00"),
        ({"duration": {"days": 3}}, "2026-11-05T12:00:00+00:00"),
        ({"until": "2026-11-02 18:00:00"}, "2026-11-02T17:00:00+00:00"),
        ({"until": "2026-11-02T18:00:00.5Z"}, "2026-11-02T18:00:00+00:00"),
        ({"until": "2027-07-01 00:00"}, "2027-06-30T22:00:00+00:00"),
    ],
)
@pytest.mark.usefixtures("now")
async def test_pause_and_resume(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    end: dict[str, Any],
    sent: str,
) -> None:
    await hass.config.async_set_time_zone("Europe/Vienna")
    await set_up(entry)
    await pause(hass, entity_id=PAUSED, **end)
    assert written(simulator) == [("PUT", {"pause_power_until": sent})]
    assert state(hass, PAUSED) == "on"
    assert state(hass, PAUSED_UNTIL) == sent
    assert state(hass, "sensor.car_1_charging_state") == "paused"
    await call(hass, "podero.resume_charging", entity_id=PAUSED)
    assert written(simulator)[1:] == [("PUT", {"pause_power_until": None})]
    assert state(hass, PAUSED) == "off"
    assert state(hass, PAUSED_UNTIL) == "unknown"
    assert readings(simulator) == 3


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ({}, "one of the two"),
        ({"until": "2999-01-01 00:00", "duration": "01:00"}, "one of the two"),
        ({"until": "2026-11-02T12:00:00Z"}, "must end in the future"),
        ({"until": "2020-01-01 00:00"}, "must end in the future"),
        ({"duration": 0}, "must end in the future"),
        ({"duration": {"hours": -1}}, "must end in the future"),
        ({"until": "9999-12-31 23:59:59"}, "too far in the future"),
        ({"duration": {"days": 99999999}}, "too far in the future"),
    ],
)
@pytest.mark.usefixtures("now")
async def test_impossible_pause(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    end: dict[str, Any],
    text: str,
) -> None:
    await hass.config.async_set_time_zone("America/New_York")
    await set_up(entry)
    with pytest.raises(ServiceValidationError, match=text):
        await call(hass, "podero.pause_charging", entity_id=PAUSED, **end)
    assert not written(simulator)


@pytest.mark.parametrize("end", [{"until": "soon"}, {"duration": "long"}])
async def test_no_time_at_all(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, end: dict[str, Any]
) -> None:
    await set_up(entry)
    with pytest.raises(vol.Invalid):
        await call(hass, "podero.pause_charging", entity_id=PAUSED, **end)


async def test_targets(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    label_registry: lr.LabelRegistry,
) -> None:
    await set_up(account_entry(server, 0, 1))
    first, second = device_of(hass, 1), device_of(hass, 2)
    garage = area_registry.async_create("Garage").id
    device_registry.async_update_device(first, area_id=garage)
    cars = label_registry.async_create("Cars").label_id
    for car in (first, second):
        device_registry.async_update_device(car, labels={cars})
    slow = label_registry.async_create("Slow").label_id
    entity_registry.async_update_entity("sensor.car_2_battery", labels={slow})
    for target, paused in (
        ({"device_id": first}, [1]),
        ({"device_id": [first, second]}, [1, 2]),
        ({"area_id": garage}, [1]),
        ({"label_id": cars}, [1, 2]),
        ({"label_id": slow}, [2]),
        ({"entity_id": "sensor.car_2_battery"}, [2]),
        ({"entity_id": "switch.car_1_charge_policy"}, [1]),
        (
            {"entity_id": ["button.car_1_charge_now", "sensor.car_1_battery"]},
            [1],
        ),
        ({"entity_id": "sensor.car_1_battery", "device_id": second}, [1, 2]),
    ):
        simulator.requests.clear()
        await pause(hass, **target)
        assert len(written(simulator)) == len(paused)
        assert paused == [
            number
            for number in (1, 2)
            if state(hass, f"binary_sensor.car_{number}_charging_paused") == "on"
        ]
        await call(hass, "podero.resume_charging", **target)
        for number in (1, 2):
            found = state(hass, f"binary_sensor.car_{number}_charging_paused")
            assert found == "off"


async def test_described(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    for action, fields in (
        ("pause_charging", {"until", "duration"}),
        ("resume_charging", set()),
    ):
        assert described[action]["target"] == {"entity": [{"integration": DOMAIN}]}
        assert described[action]["fields"].keys() == fields


async def test_no_target(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    with pytest.raises(vol.Invalid, match="at least one of"):
        await call(hass, "podero.resume_charging")


@pytest.mark.parametrize(
    "target",
    [
        {"entity_id": "sensor.nothing"},
        {"entity_id": "sensor.something_else"},
        {"device_id": "nothing"},
        {"area_id": "nowhere"},
        {"device_id": "something else"},
    ],
)
async def test_not_a_vehicle(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    target: dict[str, str],
) -> None:
    await set_up(entry)
    other = MockConfigEntry(domain="something_else")
    other.add_to_hass(hass)
    thing = device_registry.async_get_or_create(
        config_entry_id=other.entry_id,
        identifiers={("something_else", "1", "2")},  # type: ignore[arg-type]
        name="Something else",
    )
    entity_registry.async_get_or_create(
        "sensor", "something", "else", device_id=thing.id
    )
    if target == {"device_id": "something else"}:
        target = {"device_id": thing.id}
    with pytest.raises(ServiceValidationError, match="None of the chosen targets"):
        await pause(hass, **target)
    assert not written(simulator)


async def test_vehicle_that_is_not_loaded(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError, match="Car 1 cannot be controlled"):
        await pause(hass, device_id=device_of(hass, 1))
    assert not written(simulator)


async def test_actions_without_an_account(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    with pytest.raises(ServiceValidationError, match="None of the chosen targets"):
        await pause(hass, entity_id="sensor.nothing")


async def test_one_fails_the_other_pauses(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    await set_up(account_entry(server, 0, 1))
    simulator.vehicles[0].delete()
    with pytest.raises(HomeAssistantError, match="Podero does not know this vehicle"):
        await pause(hass, device_id=[device_of(hass, car) for car in (1, 2)])
    assert state(hass, "binary_sensor.car_2_charging_paused") == "on"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, PAUSED) == "unavailable"


async def test_vehicle_that_was_never_read(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    life = simulator.vehicles[0].life
    simulator.vehicles[0].delete()
    await set_up(account_entry(server, 0, 1))
    assert state(hass, PAUSED) == "unavailable"
    life.deleted_at = None
    await pause(hass, device_id=device_of(hass, 1))
    assert state(hass, PAUSED) == "on"
