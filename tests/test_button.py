"""Charge now, and not after all."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component

from .home import Home

CHARGE_NOW = "button.car_1_charge_now"
CANCEL = "button.car_1_cancel_charge_now_at_next_plug_in"
STATE = "sensor.car_1_charge_now_status"
ARMED = "binary_sensor.car_1_charge_now_at_next_plug_in"


async def press(home: Home, entity_id: str) -> None:
    """Press a button."""
    await home.call("button.press", entity_id=entity_id)


async def test_buttons(home: Home) -> None:
    await home.set_up()
    vehicle_id = home.car.id
    for entity_id, key in (
        (CHARGE_NOW, "charge_now"),
        (CANCEL, "cancel_charge_now"),
    ):
        button = home.entity(entity_id)
        assert button.unique_id == f"{vehicle_id}_{key}"
        assert button.entity_category is None


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_charge_now(home: Home, freezer: FrozenDateTimeFactory) -> None:
    await home.set_up()
    assert home.state(STATE) == "available"
    await press(home, CHARGE_NOW)
    assert home.written() == [("POST", None)]
    assert home.state(STATE) == "requested"
    assert home.state("sensor.car_1_charging_state") == "starting"
    times = home.readings()
    # Every 3 seconds, with what Home Assistant adds to spread the load.
    for _ in range(30):
        freezer.tick(4)
        async_fire_time_changed(home.hass)
        await home.settle()
    assert home.readings() == times + 30
    freezer.tick(4)
    async_fire_time_changed(home.hass)
    await home.settle()
    assert home.readings() == times + 30, "not for ever"
    freezer.tick(60)
    async_fire_time_changed(home.hass)
    await home.settle()
    assert home.readings() == times + 31


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_charging_begins(home: Home, freezer: FrozenDateTimeFactory) -> None:
    await home.set_up()
    states = home.history(STATE)
    await press(home, CHARGE_NOW)
    home.simulator.advance(timedelta(seconds=45))
    for seconds in (4, 4, 61):
        freezer.tick(seconds)
        async_fire_time_changed(home.hass)
        await home.settle()
    assert states == ["requested", "ongoing"]
    assert home.state("sensor.car_1_charging_state") == "charging"
    assert home.readings() == 4, "often only while it is starting"


@pytest.mark.parametrize("is_plugged_in", [True, False])
async def test_shown_late(
    home: Home, freezer: FrozenDateTimeFactory, is_plugged_in: bool
) -> None:
    """While the readings do not show it yet, the car is polled every 3 seconds."""
    if not is_plugged_in:
        home.car.unplug()
    await home.set_up()
    home.car.replace_document(home.car.document())
    await press(home, CHARGE_NOW)
    assert home.coordinator().update_interval == timedelta(seconds=3)
    home.car.clear_overrides()
    freezer.tick(4)
    async_fire_time_changed(home.hass)
    await home.settle()
    state = "sensor.car_1_charging_state" if is_plugged_in else ARMED
    assert home.state(state) == ("starting" if is_plugged_in else "on")


async def test_never_shown(home: Home, freezer: FrozenDateTimeFactory) -> None:
    """After two minutes it is polled every minute again."""
    await home.set_up()
    home.car.replace_document(home.car.document())
    await press(home, CHARGE_NOW)
    for seconds, interval in ((118, 3), (4, 60)):
        freezer.tick(seconds)
        await home.refresh()
        assert home.coordinator().update_interval == timedelta(seconds=interval)


async def test_armed_and_cancelled(home: Home) -> None:
    home.car.unplug()
    await home.set_up()
    await press(home, CHARGE_NOW)
    assert home.state(ARMED) == "on"
    await press(home, CANCEL)
    assert home.state(ARMED) == "off"
    assert home.written() == [("POST", None), ("DELETE", None)]


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        ("charging", "The car is already charging"),
        ("full", "The car is already fully charged"),
        ("elsewhere", "There is no charging session to start"),
        ("lapsed", "Podero could not start charging because of an internal error"),
    ],
)
async def test_refused(home: Home, situation: str, text: str) -> None:
    car = home.car
    {
        "charging": car.start_charging,
        "full": car.fill_up,
        "elsewhere": lambda: car.plug_in(at_home=False),
        "lapsed": car.raise_reauthenticate,
    }[situation]()
    await home.set_up()
    with pytest.raises(ServiceValidationError, match=text):
        await press(home, CHARGE_NOW)
    await home.settle()


async def test_refused_in_the_dialog(
    home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home.car.fill_up()
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.set_up()
    client = await hass_ws_client(home.hass)
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
    assert "The car is already fully charged" in answer["error"]["message"]


async def test_armed_elsewhere_since_the_last_reading(home: Home) -> None:
    home.car.unplug()
    await home.set_up()
    assert home.state(ARMED) == "off"
    home.car.boost()
    await press(home, CANCEL)
    assert home.state(ARMED) == "off"
    assert home.written() == [("DELETE", None)]


@pytest.mark.parametrize("is_running", [False, True])
async def test_nothing_to_cancel(home: Home, is_running: bool) -> None:
    """Nobody is left to believe that a running one was stopped."""
    if is_running:
        home.car.boost()
        home.simulator.advance(timedelta(seconds=45))
    await home.set_up()
    with pytest.raises(ServiceValidationError, match="ends when you unplug the car"):
        await press(home, CANCEL)
    assert not home.written()


async def test_unknown_whether_there_is_something_to_cancel(home: Home) -> None:
    """The service decides."""
    home.car.override(boost_for_next_session=None)
    await home.set_up()
    await press(home, CANCEL)
    assert home.written() == [("DELETE", None)]


async def test_writes_one_after_the_other(home: Home) -> None:
    home.car.unplug()
    await home.set_up()
    home.simulator.add_fault(kind="boost", count=1, delay=0.2)
    charge_now = home.hass.async_create_task(press(home, CHARGE_NOW))
    cancel = home.hass.async_create_task(press(home, CANCEL))
    await charge_now
    assert [method for method, _ in home.written()][:1] == ["POST"]
    await cancel
    assert [method for method, _ in home.written()] == ["POST", "DELETE"]
    await home.read(3)
    assert home.state(ARMED) == "off"
