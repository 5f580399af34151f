"""The deadline for charging."""

from datetime import time

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .conftest import SetUp
from .controls import call, state, written
from simulator import Simulator

DEADLINE = "time.car_1_charge_by"


async def test_time(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    entity_registry: er.EntityRegistry,
) -> None:
    await set_up(entry)
    entity = entity_registry.async_get(DEADLINE)
    assert entity is not None
    assert entity.unique_id == f"{simulator.vehicles[0].id}_charge_deadline"
    assert entity.entity_category is EntityCategory.CONFIG
    assert state(hass, DEADLINE) == "06:30:00"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("00:00", "00:00:00"),
        ("23:59:59", "23:59:59"),
        (time(5, 4), "05:04:00"),
        (time(7, 15, 30, 250000), "07:15:30"),
    ],
)
async def test_wall_clock_is_sent(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    value: str | time,
    sent: str,
) -> None:
    await set_up(entry)
    await call(hass, "time.set_value", entity_id=DEADLINE, time=value)
    assert written(simulator) == [("PUT", {"charge_deadline_at": sent})]
    assert state(hass, DEADLINE) == sent


@pytest.fixture
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clock, of the service as well as of Home Assistant."""
    freezer.move_to("2026-11-02T12:00:00+00:00")


@pytest.mark.usefixtures("noon")
async def test_the_next_deadline_follows(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    await hass.config.async_set_time_zone("Europe/Vienna")
    await set_up(entry)
    await call(hass, "time.set_value", entity_id=DEADLINE, time="07:15:00")
    due = "2026-11-03T06:15:00+00:00"
    assert state(hass, "sensor.car_1_next_charging_deadline") == due


@pytest.mark.parametrize("value", ["24:00", "07:60", "soon", 7, None])
async def test_anything_else_stays_here(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    value: str | int | None,
) -> None:
    await set_up(entry)
    with pytest.raises(vol.Invalid):
        await call(hass, "time.set_value", entity_id=DEADLINE, time=value)
    assert not written(simulator)
