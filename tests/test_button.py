"""Charge now, and not after all."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import SetUp
from .controls import call, history, read, readings, state, written
from simulator import Simulator

CHARGE_NOW = "button.car_1_charge_now"
CANCEL = "button.car_1_cancel_charge_at_next_plug_in"
STATE = "sensor.car_1_charge_now_status"
ARMED = "binary_sensor.car_1_charge_now_at_next_plug_in"


async def press(hass: HomeAssistant, entity_id: str) -> None:
    """Press a button."""
    await call(hass, "button.press", entity_id=entity_id)


async def test_buttons(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    entity_registry: er.EntityRegistry,
) -> None:
    await set_up(entry)
    vehicle_id = simulator.vehicles[0].id
    for entity_id, key in (
        (CHARGE_NOW, "charge_now"),
        (CANCEL, "cancel_charge_now"),
    ):
        button = entity_registry.async_get(entity_id)
        assert button is not None
        assert button.unique_id == f"{vehicle_id}_{key}"
        assert button.entity_category is None


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_charge_now(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    freezer: FrozenDateTimeFactory,
) -> None:
    await set_up(entry)
    assert state(hass, STATE) == "available"
    await press(hass, CHARGE_NOW)
    assert written(simulator) == [("POST", None)]
    assert state(hass, STATE) == "requested"
    assert state(hass, "sensor.car_1_charging_state") == "starting"
    times = readings(simulator)
    # Every 3 seconds, with what Home Assistant adds to spread the load.
    for _ in range(30):
        freezer.tick(4)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert readings(simulator) == times + 30
    freezer.tick(4)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert readings(simulator) == times + 30, "not for ever"
    freezer.tick(60)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert readings(simulator) == times + 31


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_charging_begins(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    freezer: FrozenDateTimeFactory,
) -> None:
    await set_up(entry)
    states = history(hass, STATE)
    await press(hass, CHARGE_NOW)
    simulator.advance(timedelta(seconds=45))
    for seconds in (4, 4, 61):
        freezer.tick(seconds)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert states == ["requested", "ongoing"]
    assert state(hass, "sensor.car_1_charging_state") == "charging"
    assert readings(simulator) == 4, "often only while it is starting"


async def test_armed_and_cancelled(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    simulator.vehicles[0].unplug()
    await set_up(entry)
    await press(hass, CHARGE_NOW)
    assert state(hass, ARMED) == "on"
    await press(hass, CANCEL)
    assert state(hass, ARMED) == "off"
    assert written(simulator) == [("POST", None), ("DELETE", None)]


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        ("charging", "The vehicle is charging already"),
        ("full", "The vehicle is fully charged already"),
        ("elsewhere", "There is no charging session that could be started"),
        ("lapsed", "Podero could not start charging because of an error of its own"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    situation: str,
    text: str,
) -> None:
    car = simulator.vehicles[0]
    {
        "charging": car.start_charging,
        "full": car.fill_up,
        "elsewhere": lambda: car.plug_in(at_home=False),
        "lapsed": car.raise_reauthenticate,
    }[situation]()
    await set_up(entry)
    with pytest.raises(ServiceValidationError, match=text):
        await press(hass, CHARGE_NOW)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_refused_in_the_dialog(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    hass_ws_client: WebSocketGenerator,
) -> None:
    simulator.vehicles[0].fill_up()
    assert await async_setup_component(hass, "homeassistant", {})
    await set_up(entry)
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {
            "type": "call_service",
            "domain": "button",
            "service": "press",
            "target": {"entity_id": CHARGE_NOW},
        }
    )
    answer = await client.receive_json()
    assert answer["error"]["translation_domain"] == "podero"
    assert answer["error"]["translation_key"] == "boost_fully_charged"
    assert "The vehicle is fully charged already" in answer["error"]["message"]


async def test_writes_one_after_the_other(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    simulator.vehicles[0].unplug()
    await set_up(entry)
    simulator.add_fault(kind="boost", count=1, delay=0.2)
    charge_now = hass.async_create_task(press(hass, CHARGE_NOW))
    cancel = hass.async_create_task(press(hass, CANCEL))
    await charge_now
    assert [method for method, _ in written(simulator)][:1] == ["POST"]
    await cancel
    assert [method for method, _ in written(simulator)] == ["POST", "DELETE"]
    await read(simulator, 3)
    assert state(hass, ARMED) == "off"
