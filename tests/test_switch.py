"""What of a car can be switched on and off."""

from datetime import timedelta
from typing import Any

import pytest

from homeassistant.const import EntityCategory
from homeassistant.exceptions import HomeAssistantError

from .home import Home

SWITCHES = [
    ("smart_optimization", "smart_optimization", "is_smart_optimization_active", "on"),
    ("charge_policy", "charge_policy", "is_charge_policy_enabled", "on"),
    ("charge_above_the_limit", "over_charge", "is_over_charge_allowed", "off"),
]
PAUSE = "switch.car_1_pause_charging"
PAUSED_UNTIL = "sensor.car_1_paused_until"


@pytest.mark.parametrize(("name", "key", "field", "before"), SWITCHES)
async def test_switch(
    home: Home,
    name: str,
    key: str,
    field: str,
    before: str,
) -> None:
    await home.set_up()
    entity_id = f"switch.car_1_{name}"
    switch = home.entity(entity_id)
    assert switch.unique_id == f"{home.car.id}_{key}"
    assert switch.entity_category is EntityCategory.CONFIG
    assert home.state(entity_id) == before
    for action, after in (("turn_on", "on"), ("turn_off", "off"), ("toggle", "on")):
        await home.call(f"switch.{action}", entity_id=entity_id)
        assert home.state(entity_id) == after
        assert home.written()[-1] == ("PUT", {field: after == "on"})


async def test_all_at_once(home: Home) -> None:
    await home.set_up()
    entity_ids = [f"switch.car_1_{name}" for name, *_ in SWITCHES]
    await home.call("switch.turn_off", entity_id=entity_ids)
    assert [home.state(entity_id) for entity_id in entity_ids] == ["off"] * 3
    assert len(home.written()) == 3


@pytest.mark.freeze_time("2026-11-02T12:00:00.7Z")
async def test_pause(home: Home) -> None:
    """It pauses for a day, and resumes."""
    await home.set_up()
    switch = home.entity(PAUSE)
    assert switch.unique_id == f"{home.car.id}_pause"
    assert switch.entity_category is None
    assert home.state(PAUSE) == "off"
    await home.call("switch.turn_on", entity_id=PAUSE)
    assert home.state(PAUSE) == "on"
    assert home.state(PAUSED_UNTIL) == "2026-11-03T12:00:00+00:00"
    await home.call("switch.turn_off", entity_id=PAUSE)
    assert home.state(PAUSE) == "off"
    assert home.state(PAUSED_UNTIL) == "unknown"
    assert home.written() == [
        ("PUT", {"pause_power_until": "2026-11-03T12:00:00+00:00"}),
        ("PUT", {"pause_power_until": None}),
    ]


@pytest.mark.freeze_time("2026-11-02T12:00:00Z")
@pytest.mark.parametrize(
    ("hours", "until"),
    [(1, "2026-11-03T12:00:00+00:00"), (72, "2026-11-05T12:00:00+00:00")],
)
async def test_pause_while_paused(home: Home, hours: int, until: str) -> None:
    """It lasts for a day at least: a longer one is not cut short."""
    await home.set_up()
    await home.call("podero.pause_charging", entity_id=PAUSE, duration={"hours": hours})
    await home.call("switch.turn_on", entity_id=PAUSE)
    assert home.state(PAUSED_UNTIL) == until


@pytest.mark.parametrize(
    ("action", "data"),
    [("switch.turn_on", {}), ("podero.pause_charging", {"duration": {"hours": 1}})],
)
async def test_pause_does_not_stop_charge_now(
    home: Home, action: str, data: dict[str, Any]
) -> None:
    """The pause is set, and who set it hears that the car charges on."""
    home.car.boost()
    home.simulator.advance(timedelta(seconds=45))
    await home.set_up()
    assert home.state("sensor.car_1_charging_state") == "charging"
    with pytest.raises(HomeAssistantError, match='"charge now" goes on'):
        await home.call(action, entity_id=PAUSE, **data)
    assert home.state(PAUSE) == "on"
    assert home.state("sensor.car_1_charging_state") == "charging"
    await home.call("switch.turn_off", entity_id=PAUSE)
    assert home.state(PAUSE) == "off"
