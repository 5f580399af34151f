"""Pausing and resuming."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from homeassistant.core import Context
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.setup import async_setup_component

from .home import Home
from custom_components.podero.const import DOMAIN

NOW = "2026-11-02T12:00:00.700000+00:00"
PAUSED = "switch.car_1_pause_charging"
PAUSED_UNTIL = "sensor.car_1_paused_until"


@pytest.fixture
def now(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clock, of the service as well as of Home Assistant."""
    freezer.move_to(NOW)


async def pause(home: Home, **data: Any) -> None:
    """Pause for an hour, unless told otherwise."""
    if "until" not in data:
        data.setdefault("duration", {"hours": 1})
    await home.call("podero.pause_charging", **data)


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
async def test_pause_and_resume(home: Home, end: dict[str, Any], sent: str) -> None:
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    await home.set_up()
    await pause(home, entity_id=PAUSED, **end)
    assert home.written() == [("PUT", {"pause_power_until": sent})]
    assert home.state(PAUSED) == "on"
    assert home.state(PAUSED_UNTIL) == sent
    assert home.state("sensor.car_1_charging_state") == "paused"
    await home.call("podero.resume_charging", entity_id=PAUSED)
    assert home.written()[1:] == [("PUT", {"pause_power_until": None})]
    assert home.state(PAUSED) == "off"
    assert home.state(PAUSED_UNTIL) == "unknown"
    assert home.readings() == 3


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ({}, "not both"),
        ({"until": "2999-01-01 00:00", "duration": "01:00"}, "not both"),
        ({"until": "2026-11-02T12:00:00Z"}, "must end in the future"),
        ({"until": "2020-01-01 00:00"}, "must end in the future"),
        ({"duration": 0}, "must end in the future"),
        ({"duration": {"hours": -1}}, "must end in the future"),
        ({"until": "9999-12-31 23:59:59"}, "too far in the future"),
        ({"duration": {"days": 99999999}}, "too far in the future"),
    ],
)
@pytest.mark.usefixtures("now")
async def test_impossible_pause(home: Home, end: dict[str, Any], text: str) -> None:
    await home.hass.config.async_set_time_zone("America/New_York")
    await home.set_up()
    with pytest.raises(ServiceValidationError, match=text):
        await home.call("podero.pause_charging", entity_id=PAUSED, **end)
    assert not home.written()


@pytest.mark.parametrize("end", [{"until": "soon"}, {"duration": "long"}])
async def test_no_time_at_all(home: Home, end: dict[str, Any]) -> None:
    await home.set_up()
    with pytest.raises(vol.Invalid):
        await home.call("podero.pause_charging", entity_id=PAUSED, **end)


async def test_targets(
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    label_registry: lr.LabelRegistry,
) -> None:
    home = home.with_vehicles(0, 1)
    await home.set_up()
    first, second = home.device(0).id, home.device(1).id
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
        home.simulator.requests.clear()
        await pause(home, **target)
        assert len(home.written()) == len(paused)
        assert paused == [
            number
            for number in (1, 2)
            if home.state(f"switch.car_{number}_pause_charging") == "on"
        ]
        await home.call("podero.resume_charging", **target)
        for number in (1, 2):
            found = home.state(f"switch.car_{number}_pause_charging")
            assert found == "off"


async def test_described(home: Home) -> None:
    await home.set_up()
    described = (await async_get_all_descriptions(home.hass))[DOMAIN]
    for action, fields in (
        ("pause_charging", {"until", "duration"}),
        ("resume_charging", set()),
    ):
        assert described[action]["target"].keys() == {"entity"}
        assert described[action]["fields"].keys() == fields


async def test_no_target(home: Home) -> None:
    await home.set_up()
    with pytest.raises(vol.Invalid, match="at least one of"):
        await home.call("podero.resume_charging")


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
    home: Home,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    target: dict[str, str],
) -> None:
    await home.set_up()
    other = MockConfigEntry(domain="something_else")
    other.add_to_hass(home.hass)
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
        await pause(home, **target)
    assert not home.written()


async def test_vehicle_that_is_not_loaded(home: Home) -> None:
    await home.set_up()
    await home.unload()
    with pytest.raises(ServiceValidationError, match="Car 1 cannot be controlled"):
        await pause(home, device_id=home.device().id)
    assert not home.written()


async def test_area_with_a_disabled_vehicle(
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """It is left out, unless it is named."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    garage = area_registry.async_create("Garage").id
    first, second = (home.device(car).id for car in (0, 1))
    for car in (first, second):
        device_registry.async_update_device(car, area_id=garage)
    device_registry.async_update_device(second, disabled_by=dr.DeviceEntryDisabler.USER)
    await home.reload()
    for target in ({"device_id": second}, {"entity_id": "switch.car_2_pause_charging"}):
        with pytest.raises(ServiceValidationError, match="Car 2 cannot be controlled"):
            await pause(home, area_id=garage, **target)
        # One that cannot be paused does not stop the others.
        assert home.state(PAUSED) == "on"
        await home.call("podero.resume_charging", device_id=first)
    await pause(home, area_id=garage)
    assert home.state(PAUSED) == "on"


async def test_actions_without_an_account(home: Home) -> None:
    assert await async_setup_component(home.hass, DOMAIN, {})
    with pytest.raises(ServiceValidationError, match="None of the chosen targets"):
        await pause(home, entity_id="sensor.nothing")


@pytest.mark.parametrize("action", ["pause_charging", "resume_charging"])
async def test_user_who_may_only_look(
    home: Home, hass_read_only_user: MockUser, action: str
) -> None:
    """The actions are refused, as the switch is."""
    await home.set_up()
    data = {"duration": "01:00:00"} if action == "pause_charging" else {}
    with pytest.raises(Unauthorized):
        await home.hass.services.async_call(
            DOMAIN,
            action,
            {"entity_id": PAUSED, **data},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert not home.written()


async def test_all_vehicles(home: Home) -> None:
    """`all` targets every loaded vehicle, as it does in other actions."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    await pause(home, entity_id="all")
    for number in (1, 2):
        assert home.state(f"switch.car_{number}_pause_charging") == "on"


async def test_one_fails_the_other_pauses(home: Home) -> None:
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.car.delete()
    with pytest.raises(HomeAssistantError, match="Podero no longer knows this car"):
        await pause(home, device_id=[home.device(car).id for car in (0, 1)])
    assert home.state("switch.car_2_pause_charging") == "on"
    await home.settle()
    assert home.state(PAUSED) == "unavailable"


async def test_vehicle_that_was_never_read(home: Home) -> None:
    life = home.car.life
    home.car.delete()
    home = home.with_vehicles(0, 1)
    await home.set_up()
    assert home.state(PAUSED) == "unavailable"
    life.deleted_at = None
    await pause(home, device_id=home.device().id)
    assert home.state(PAUSED) == "on"
