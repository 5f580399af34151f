"""What all controls have in common."""

import asyncio
from logging import INFO
from typing import Any
from unittest.mock import patch

from aiohttp import ClientTimeout
import pytest

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component

from .controls import PREFERENCES, Control
from .home import Home
from .support import HeldFault, complaints, until

BOOST = {
    "charge now": Control("button.press", "button.car_1_charge_now", "unknown", "", {}),
    "cancel charge now": Control(
        "button.press",
        "button.car_1_cancel_charge_now_at_next_plug_in",
        "unknown",
        "",
        {},
    ),
}
SWITCH = PREFERENCES["smart optimization"]
LEVEL = PREFERENCES["charge level"]

each_preference = pytest.mark.parametrize(
    "control", PREFERENCES.values(), ids=PREFERENCES.keys()
)
each_control = pytest.mark.parametrize(
    "control", (PREFERENCES | BOOST).values(), ids=(PREFERENCES | BOOST).keys()
)

NOT_ALLOWED = "This account can view the car but not control it"
UNREACHABLE = "Podero could not be reached, or did not answer in time"
NOT_CONFIRMED = "Podero accepted the change, but has not confirmed it"

REFUSALS: list[tuple[dict[str, Any], type[HomeAssistantError], str]] = [
    ({"status": 400}, ServiceValidationError, "Podero did not accept this"),
    ({"status": 403}, HomeAssistantError, NOT_ALLOWED),
    ({"status": 404}, HomeAssistantError, "Podero no longer knows this car"),
    ({"status": 405}, ServiceValidationError, "Podero did not accept this"),
    (
        {"status": 409, "body": b'{"state": "x", "reason": "moon_phase"}'},
        ServiceValidationError,
        "This isn't possible in the car's current state",
    ),
    (
        {"status": 409, "body": b"no reason"},
        ServiceValidationError,
        "This isn't possible in the car's current state",
    ),
    ({"status": 422}, ServiceValidationError, "Podero did not accept this"),
    (
        {"status": 429, "headers": {"Retry-After": "17"}},
        HomeAssistantError,
        "Too many requests to Podero. Try again in 17 seconds",
    ),
    ({"status": 429}, HomeAssistantError, "Try again in 30 seconds"),
    (
        {"status": 429, "headers": {"Retry-After": "9" * 400}},
        HomeAssistantError,
        "Try again in 86400 seconds",
    ),
    (
        {"status": 429, "headers": {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}},
        HomeAssistantError,
        "Try again in 1 seconds",
    ),
    ({"status": 500}, HomeAssistantError, UNREACHABLE),
    ({"status": 503}, HomeAssistantError, UNREACHABLE),
    ({"reset": True}, HomeAssistantError, UNREACHABLE),
    ({"status": 302}, HomeAssistantError, "Podero gave an answer that could not be"),
]


def _arm(home: Home) -> None:
    """Arm the boost, so that it can be cancelled."""
    home.car.override(boost_for_next_session=True)


@each_preference
async def test_set(home: Home, control: Control) -> None:
    await home.set_up()
    states = home.history(control.entity_id)
    assert home.state(control.entity_id) == control.before
    await home.act(control)
    assert states == [control.after]
    assert home.written() == [("PUT", control.sent)], "nothing but what was changed"
    assert home.readings() == 2, "confirmed by the first reading"


@each_control
async def test_refused(home: Home, control: Control) -> None:
    _arm(home)
    await home.set_up()
    kind = "boost" if control.action == "button.press" else "preferences"
    others = "sensor.car_1_battery", "switch.car_1_pause_charging"
    before = [home.state(entity_id) for entity_id in others]
    for fault, kind_of_error, text in REFUSALS:
        home.simulator.add_fault(kind=kind, **fault)
        with pytest.raises(HomeAssistantError) as refusal:
            await home.act(control)
        home.simulator.clear_faults()
        assert type(refusal.value) is kind_of_error
        assert text in str(refusal.value)
        await home.settle()
        assert [home.state(entity_id) for entity_id in others] == before
        assert control.before in (home.state(control.entity_id), "unknown")
    assert not home.hass.config_entries.flow.async_progress()


@each_control
async def test_no_answer_in_time(home: Home, control: Control) -> None:
    _arm(home)
    await home.set_up()
    home.simulator.add_fault(kind="preferences", delay=60)
    home.simulator.add_fault(kind="boost", delay=60)
    with (
        patch(
            "custom_components.podero.api.transport.REQUEST_TIMEOUT",
            ClientTimeout(total=0.1),
        ),
        pytest.raises(HomeAssistantError, match=UNREACHABLE),
    ):
        await home.act(control)


@each_control
async def test_read_only_scope(home: Home, control: Control) -> None:
    home.simulator.tokens.read_only = True
    _arm(home)
    await home.set_up()
    with pytest.raises(HomeAssistantError, match=NOT_ALLOWED):
        await home.act(control)
    await home.settle()
    assert not home.hass.config_entries.flow.async_progress(), "no new sign-in helps"
    assert home.state("sensor.car_1_battery") == "62"
    assert len(home.written()) == 1


async def test_credentials_refused(home: Home) -> None:
    await home.set_up()
    home.simulator.revoke_tokens()
    home.simulator.account.password = "another one"
    with pytest.raises(HomeAssistantError, match="Podero refused the sign-in"):
        await home.act(SWITCH)
    await home.hass.async_block_till_done()
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert home.state(SWITCH.entity_id) == SWITCH.before


async def test_what_happened_since_the_last_reading_shows_after_a_refusal(
    home: Home,
) -> None:
    await home.set_up()
    home.car.start_charging()
    with pytest.raises(ServiceValidationError):
        await home.act(BOOST["charge now"])
    await home.settle()
    assert home.state("binary_sensor.car_1_charging") == "on"


async def test_written_although_the_answer_was_lost(home: Home) -> None:
    await home.set_up()
    home.simulator.add_fault(kind="preferences", count=1, truncate_at=3)
    with pytest.raises(HomeAssistantError, match=UNREACHABLE):
        await home.act(SWITCH)
    await home.settle()
    assert home.state(SWITCH.entity_id) == SWITCH.after


@each_preference
async def test_confirmed_late(home: Home, control: Control) -> None:
    await home.set_up()
    states = home.history(control.entity_id)
    home.car.lag = 3
    writing = asyncio.create_task(home.act(control))
    for times in (2, 3, 4):
        await home.read(times)
        assert not writing.done()
        await home.skip(4)
    await writing
    assert states == [control.after], "no flipping back and forth"
    assert home.readings() == 5
    await home.skip(10)
    assert home.readings() == 5, "as seldom as ever"


@each_preference
async def test_never_confirmed(home: Home, control: Control) -> None:
    await home.set_up()
    states = home.history(control.entity_id)
    home.car.lag = float("inf")
    writing = asyncio.create_task(home.act(control))
    await home.read(2)
    await home.skip(4)
    await home.read(3)
    assert states == [control.after]
    await home.skip(31)
    with pytest.raises(HomeAssistantError, match=NOT_CONFIRMED):
        await writing
    assert states == [control.after, control.before]
    await home.settle()
    before = home.readings()
    await home.skip(4)
    await home.skip(10)
    assert home.readings() <= before + 1, "as seldom as ever"


async def test_never_confirmed_in_real_time(home: Home) -> None:
    await home.set_up()
    home.car.lag = float("inf")
    with (
        patch("custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.2),
        pytest.raises(HomeAssistantError, match=NOT_CONFIRMED),
    ):
        await home.act(SWITCH)
    assert home.state(SWITCH.entity_id) == SWITCH.before


async def test_two_quick_writes(home: Home) -> None:
    await home.set_up()
    states = home.history(LEVEL.entity_id)
    home.car.lag = 2
    home.simulator.add_fault(kind="preferences", count=1, delay=0.1)
    first = asyncio.create_task(
        home.call("number.set_value", entity_id=LEVEL.entity_id, value=70)
    )
    await asyncio.sleep(0.02)
    second = asyncio.create_task(home.act(LEVEL))
    await asyncio.sleep(0.03)
    assert len(home.written()) == 1, "one after the other"
    await first
    assert not second.done(), "the first is not waited for, but replaced"
    assert [body["minimum_charge_limit"] for _, body in home.written()] == [70, 85]
    for times in (3, 4):
        await home.read(times)
        assert not second.done()
        await home.skip(4)
    await second
    assert states == ["70", "85"]


async def test_two_writes_of_different_fields(home: Home) -> None:
    await home.set_up()
    await asyncio.gather(*(home.act(control) for control in PREFERENCES.values()))
    assert sorted(map(str, home.written())) == sorted(
        str(("PUT", control.sent)) for control in PREFERENCES.values()
    )
    for control in PREFERENCES.values():
        assert home.state(control.entity_id) == control.after


async def test_back_and_forth(home: Home) -> None:
    await home.set_up()
    states = home.history(SWITCH.entity_id)
    home.car.lag = 2
    off = asyncio.create_task(home.act(SWITCH))
    await home.read(2)
    on = asyncio.create_task(home.call("switch.turn_on", entity_id=SWITCH.entity_id))
    # Still on from before, then off, then on again.
    for times in (3, 4, 5):
        await home.read(times)
        assert not on.done()
        await home.skip(4)
    await off
    assert states == ["off", "on"]
    await home.skip(31)
    await on
    assert states == ["off", "on"]


async def test_confirmed_after_an_outage(home: Home) -> None:
    await home.set_up()
    states = home.history(SWITCH.entity_id)
    fault = home.simulator.add_fault(kind="vehicle", status=503)
    writing = asyncio.create_task(home.act(SWITCH))
    await home.read(2)
    await home.skip(3.1)
    await home.read(3)
    await home.skip(4)
    await home.read(4)
    assert states == ["off", "unavailable"]
    assert fault.count is None
    home.simulator.clear_faults()
    await home.skip(4)
    await writing
    assert states == ["off", "unavailable", "off"]


async def test_asked_too_often_while_waiting(home: Home) -> None:
    await home.set_up()
    home.simulator.add_fault(kind="vehicle", status=429, headers={"Retry-After": "600"})
    writing = asyncio.create_task(home.act(SWITCH))
    await home.read(2)
    await home.skip(31)
    with pytest.raises(HomeAssistantError, match=NOT_CONFIRMED):
        await writing
    assert home.readings() == 2, "left alone for as long as it asked for"


async def test_polling_switched_off(home: Home) -> None:
    await home.set_up()
    home.hass.config_entries.async_update_entry(home.entry, pref_disable_polling=True)
    await home.hass.async_block_till_done()
    before = home.readings()
    home.car.lag = 1
    writing = asyncio.create_task(home.act(SWITCH))
    await home.read(before + 1)
    await home.skip(31)
    await writing
    assert home.state(SWITCH.entity_id) == SWITCH.after
    assert home.readings() == before + 2


async def test_who_waits_may_go(home: Home) -> None:
    await home.set_up()
    states = home.history(SWITCH.entity_id)
    home.car.lag = float("inf")
    with patch("custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.5):
        writing = asyncio.create_task(home.act(SWITCH))
        await home.read(2)
        writing.cancel()
        await home.skip(4)
        assert states == ["off"]
        await asyncio.sleep(0.5)
        await home.skip(4)
    assert states == ["off", "on"], "it was true for its time only"


@pytest.mark.parametrize("action", ["number.set_value", "homeassistant.update_entity"])
async def test_who_asked_is_stopped_during_the_reading(
    home: Home, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    """A cancelled action, as of a script that restarts, fails nothing after it."""
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.set_up()
    caplog.clear()
    before = home.readings()
    home.simulator.add_fault(HeldFault(kind="vehicle", count=1))
    data = LEVEL.data if action == LEVEL.action else {}
    asking = asyncio.create_task(home.call(action, entity_id=LEVEL.entity_id, **data))
    await until(lambda: home.readings() > before)
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled()
    assert "unavailable" not in {state.state for state in home.hass.states.async_all()}
    home.simulator.requests.clear()
    await home.call(LEVEL.action, entity_id=LEVEL.entity_id, value=66)
    assert home.written() == [("PUT", {"minimum_charge_limit": 66})]
    assert home.state(LEVEL.entity_id) == "66"
    assert not complaints(caplog, INFO)


async def test_reload_while_waiting(home: Home) -> None:
    """A reload ends the wait for a confirmation without an error."""
    await home.set_up()
    home.car.lag = 1
    writing = asyncio.create_task(home.act(SWITCH))
    await home.read(2)
    await home.reload()
    async with asyncio.timeout(5):
        await writing
    assert home.state(SWITCH.entity_id) == SWITCH.after


async def test_stop_while_waiting(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A stop of Home Assistant ends the wait for a confirmation."""
    await home.set_up()
    home.car.lag = float("inf")
    writing = home.hass.async_create_task(home.act(SWITCH))
    await home.read(2)
    async with asyncio.timeout(5):
        await home.hass.async_stop()
    assert writing.done()
    assert not complaints(caplog)


async def test_twins_agree(
    home: Home, entity_registry_enabled_by_default: None
) -> None:
    await home.set_up()
    home.car.lag = 1
    twins = {
        "smart optimization": ("binary_sensor.car_1_smart_optimization", "off"),
        "charge policy": ("binary_sensor.car_1_charge_policy", "off"),
        "over charge": ("binary_sensor.car_1_charge_above_the_limit", "on"),
        "charge level": ("sensor.car_1_minimum_level_by_deadline", "85"),
        "pause": ("binary_sensor.car_1_charging_paused", "on"),
    }
    for name, (twin, after) in twins.items():
        before = home.readings()
        writing = asyncio.create_task(home.act(PREFERENCES[name]))
        await home.read(before + 1)
        assert home.state(twin) == after, "although no reading shows it"
        await home.skip(4)
        await writing
        assert home.state(twin) == after


async def test_twins_are_off_by_default(home: Home) -> None:
    await home.set_up()
    for twin in (
        "binary_sensor.car_1_smart_optimization",
        "binary_sensor.car_1_charge_policy",
        "binary_sensor.car_1_charge_above_the_limit",
        "binary_sensor.car_1_charging_paused",
        "sensor.car_1_minimum_level_by_deadline",
    ):
        assert home.hass.states.get(twin) is None


async def test_missing_fields_are_unknown(home: Home) -> None:
    home.car.replace_document({"id": home.car.id, "owner": None})
    await home.set_up()
    for control in (PREFERENCES | BOOST).values():
        assert home.state(control.entity_id) == "unknown"
