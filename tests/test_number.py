"""What of a car is set as a number."""

import pytest
import voluptuous as vol

from homeassistant.const import EntityCategory
from homeassistant.exceptions import ServiceValidationError

from .home import Home

LEVEL = "number.car_1_minimum_level_by_deadline"


async def test_number(home: Home) -> None:
    await home.set_up()
    number = home.entity(LEVEL)
    assert number.unique_id == f"{home.car.id}_minimum_charge_limit"
    assert number.entity_category is EntityCategory.CONFIG
    found = home.get_state(LEVEL)
    assert found.state == "60"
    assert found.attributes["unit_of_measurement"] == "%"
    assert [found.attributes[name] for name in ("min", "max", "step")] == [0, 100, 1]


@pytest.mark.parametrize(
    ("value", "sent"), [(0, 0), (100, 100), (55.0, 55), (79.9999, 80), ("42", 42)]
)
async def test_whole_numbers_are_sent(
    home: Home, value: float | str, sent: int
) -> None:
    await home.set_up()
    await home.call("number.set_value", entity_id=LEVEL, value=value)
    ((_, body),) = home.written()
    assert body == {"minimum_charge_limit": sent}
    assert isinstance(body["minimum_charge_limit"], int)
    assert home.state(LEVEL) == str(sent)


@pytest.mark.parametrize(
    "value", [-1, 101, 100.4, -0.1, "nan", "inf", float("nan"), float("-inf"), "much"]
)
async def test_anything_else_stays_here(home: Home, value: float | str) -> None:
    await home.set_up()
    with pytest.raises((ServiceValidationError, vol.Invalid)) as refusal:
        await home.call("number.set_value", entity_id=LEVEL, value=value)
    assert str(refusal.value)
    assert not home.written()
    assert home.state(LEVEL) == "60"


@pytest.mark.parametrize(
    ("name", "field", "before"),
    [
        ("solar_export_to_start_charging", "hems_min_export_to_start_w", "2000"),
        ("grid_import_to_stop_charging", "hems_max_import_before_stopping_w", "4000"),
        (
            "solar_production_to_start_charging",
            "hems_min_production_to_start_w",
            "3000",
        ),
        (
            "solar_production_to_stop_charging",
            "hems_min_production_before_stopping_w",
            "2000",
        ),
    ],
)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_thresholds(home: Home, name: str, field: str, before: str) -> None:
    """They are of use to those who have an inverter, too."""
    await home.set_up()
    entity_id = f"number.car_1_{name}"
    number = home.entity(entity_id)
    assert number.unique_id == f"{home.car.id}_{field}"
    assert number.entity_category is EntityCategory.CONFIG
    found = home.get_state(entity_id)
    assert found.state == before
    assert found.attributes["unit_of_measurement"] == "W"
    assert [found.attributes[name] for name in ("min", "max", "step")] == [0, 50000, 1]
    await home.call("number.set_value", entity_id=entity_id, value=1400)
    assert home.written() == [("PUT", {field: 1400})]
    assert home.state(entity_id) == "1400"
    assert home.state(f"sensor.car_1_{name}") == "1400", "so does its twin"
    with pytest.raises(ServiceValidationError):
        await home.call("number.set_value", entity_id=entity_id, value=50001)
    assert len(home.written()) == 1


async def test_thresholds_are_off_by_default(home: Home) -> None:
    await home.set_up()
    assert [*home.hass.states.async_entity_ids("number")] == [LEVEL]
