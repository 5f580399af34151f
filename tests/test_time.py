"""The deadline for charging."""

from datetime import time

from freezegun.api import FrozenDateTimeFactory
import pytest
import voluptuous as vol

from homeassistant.const import EntityCategory

from .home import Home

DEADLINE = "time.car_1_charge_by"


async def test_time(home: Home) -> None:
    await home.set_up()
    entity = home.entity(DEADLINE)
    assert entity.unique_id == f"{home.car.id}_charge_deadline"
    assert entity.entity_category is EntityCategory.CONFIG
    assert home.state(DEADLINE) == "06:30:00"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("00:00", "00:00:00"),
        ("23:59:59", "23:59:59"),
        (time(5, 4), "05:04:00"),
        (time(7, 15, 30, 250000), "07:15:30"),
    ],
)
async def test_wall_clock_is_sent(home: Home, value: str | time, sent: str) -> None:
    await home.set_up()
    await home.call("time.set_value", entity_id=DEADLINE, time=value)
    assert home.written() == [("PUT", {"charge_deadline_at": sent})]
    assert home.state(DEADLINE) == sent


@pytest.fixture
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clock, of the service as well as of Home Assistant."""
    freezer.move_to("2026-11-02T12:00:00+00:00")


@pytest.mark.usefixtures("noon")
async def test_the_next_deadline_follows(home: Home) -> None:
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    await home.set_up()
    await home.call("time.set_value", entity_id=DEADLINE, time="07:15:00")
    # The weekly policy is read again.
    await home.settle()
    due = "2026-11-03T06:15:00+00:00"
    assert home.state("sensor.car_1_next_charging_deadline") == due


@pytest.mark.parametrize("value", ["24:00", "07:60", "soon", 7, None])
async def test_anything_else_stays_here(home: Home, value: str | int | None) -> None:
    await home.set_up()
    with pytest.raises(vol.Invalid):
        await home.call("time.set_value", entity_id=DEADLINE, time=value)
    assert not home.written()
