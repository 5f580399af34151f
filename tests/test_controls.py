"""What holds for everything that can be said to a car."""

import asyncio
from logging import INFO
from typing import Any
from unittest.mock import patch

from aiohttp import ClientTimeout
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component

from .conftest import SetUp, account_entry
from .controls import (
    PREFERENCES,
    Control,
    act,
    call,
    history,
    read,
    readings,
    skip,
    state,
    written,
)
from .support import HeldFault, complaints, until
from simulator import Server, Simulator

BOOST = {
    "charge now": Control("button.press", "button.car_1_charge_now", "unknown", "", {}),
    "cancel charge now": Control(
        "button.press", "button.car_1_cancel_charge_at_next_plug_in", "unknown", "", {}
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

NOT_ALLOWED = "This account may look at the vehicle, but not change anything"
UNREACHABLE = "Podero could not be reached, or did not answer in time"
NOT_CONFIRMED = "Podero accepted the change, but does not show it in its readings"

REFUSALS: list[tuple[dict[str, Any], type[HomeAssistantError], str]] = [
    ({"status": 400}, ServiceValidationError, "Podero did not accept this"),
    ({"status": 403}, HomeAssistantError, NOT_ALLOWED),
    ({"status": 404}, HomeAssistantError, "Podero does not know this vehicle any"),
    ({"status": 405}, ServiceValidationError, "Podero did not accept this"),
    (
        {"status": 409, "body": b'{"state": "x", "reason": "moon_phase"}'},
        ServiceValidationError,
        "The vehicle's present state does not allow this",
    ),
    (
        {"status": 409, "body": b"no reason"},
        ServiceValidationError,
        "The vehicle's present state does not allow this",
    ),
    ({"status": 422}, ServiceValidationError, "Podero did not accept this"),
    (
        {"status": 429, "headers": {"Retry-After": "17"}},
        HomeAssistantError,
        "Podero was asked too often. Try again in 17 seconds",
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


@each_preference
async def test_set(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    await set_up(entry)
    states = history(hass, control.entity_id)
    assert state(hass, control.entity_id) == control.before
    await act(hass, control)
    assert states == [control.after]
    assert written(simulator) == [("PUT", control.sent)], "nothing but what was changed"
    assert readings(simulator) == 2, "confirmed by the first reading"


@each_control
async def test_refused(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    await set_up(entry)
    kind = "boost" if control.action == "button.press" else "preferences"
    others = "sensor.car_1_battery", "binary_sensor.car_1_charging_paused"
    before = [state(hass, entity_id) for entity_id in others]
    for fault, kind_of_error, text in REFUSALS:
        simulator.add_fault(kind=kind, **fault)
        with pytest.raises(HomeAssistantError) as refusal:
            await act(hass, control)
        simulator.clear_faults()
        assert type(refusal.value) is kind_of_error
        assert text in str(refusal.value)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert [state(hass, entity_id) for entity_id in others] == before
        assert control.before in (state(hass, control.entity_id), "unknown")
    assert not hass.config_entries.flow.async_progress()


@each_control
async def test_no_answer_in_time(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    await set_up(entry)
    simulator.add_fault(kind="preferences", delay=60)
    simulator.add_fault(kind="boost", delay=60)
    with (
        patch(
            "custom_components.podero.api.transport.REQUEST_TIMEOUT",
            ClientTimeout(total=0.1),
        ),
        pytest.raises(HomeAssistantError, match=UNREACHABLE),
    ):
        await act(hass, control)


@each_control
async def test_read_only_scope(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    simulator.tokens.read_only = True
    await set_up(entry)
    with pytest.raises(HomeAssistantError, match=NOT_ALLOWED):
        await act(hass, control)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not hass.config_entries.flow.async_progress(), "no new sign-in helps"
    assert state(hass, "sensor.car_1_battery") == "62"
    assert len(written(simulator)) == 1


async def test_credentials_refused(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    simulator.revoke_tokens()
    simulator.account.password = "another one"
    with pytest.raises(HomeAssistantError, match="Podero refused the sign-in"):
        await act(hass, SWITCH)
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert state(hass, SWITCH.entity_id) == SWITCH.before


async def test_what_happened_since_the_last_reading_shows_after_a_refusal(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    simulator.vehicles[0].start_charging()
    with pytest.raises(ServiceValidationError):
        await act(hass, BOOST["charge now"])
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, "binary_sensor.car_1_charging") == "on"


async def test_written_although_the_answer_was_lost(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    simulator.add_fault(kind="preferences", count=1, truncate_at=3)
    with pytest.raises(HomeAssistantError, match=UNREACHABLE):
        await act(hass, SWITCH)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state(hass, SWITCH.entity_id) == SWITCH.after


@each_preference
async def test_confirmed_late(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    await set_up(entry)
    states = history(hass, control.entity_id)
    simulator.vehicles[0].lag = 3
    writing = asyncio.create_task(act(hass, control))
    for times in (2, 3, 4):
        await read(simulator, times)
        assert not writing.done()
        await skip(hass, 4)
    await writing
    assert states == [control.after], "no flipping back and forth"
    assert readings(simulator) == 5
    await skip(hass, 10)
    assert readings(simulator) == 5, "as seldom as ever"


@each_preference
async def test_never_confirmed(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    control: Control,
) -> None:
    await set_up(entry)
    states = history(hass, control.entity_id)
    simulator.vehicles[0].lag = float("inf")
    writing = asyncio.create_task(act(hass, control))
    await read(simulator, 2)
    await skip(hass, 4)
    await read(simulator, 3)
    assert states == [control.after]
    await skip(hass, 31)
    with pytest.raises(HomeAssistantError, match=NOT_CONFIRMED):
        await writing
    assert states == [control.after, control.before]
    await hass.async_block_till_done(wait_background_tasks=True)
    before = readings(simulator)
    await skip(hass, 4)
    await skip(hass, 10)
    assert readings(simulator) <= before + 1, "as seldom as ever"


async def test_never_confirmed_in_real_time(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    simulator.vehicles[0].lag = float("inf")
    with (
        patch("custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.2),
        pytest.raises(HomeAssistantError, match=NOT_CONFIRMED),
    ):
        await act(hass, SWITCH)
    assert state(hass, SWITCH.entity_id) == SWITCH.before


async def test_two_quick_writes(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    states = history(hass, LEVEL.entity_id)
    simulator.vehicles[0].lag = 2
    simulator.add_fault(kind="preferences", count=1, delay=0.1)
    first = asyncio.create_task(
        call(hass, "number.set_value", entity_id=LEVEL.entity_id, value=70)
    )
    await asyncio.sleep(0.02)
    second = asyncio.create_task(act(hass, LEVEL))
    await asyncio.sleep(0.03)
    assert len(written(simulator)) == 1, "one after the other"
    await first
    assert not second.done(), "the first is not waited for, but replaced"
    assert [body["minimum_charge_limit"] for _, body in written(simulator)] == [70, 85]
    for times in (3, 4):
        await read(simulator, times)
        assert not second.done()
        await skip(hass, 4)
    await second
    assert states == ["70", "85"]


async def test_two_writes_of_different_fields(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    await asyncio.gather(*(act(hass, control) for control in PREFERENCES.values()))
    assert sorted(map(str, written(simulator))) == sorted(
        str(("PUT", control.sent)) for control in PREFERENCES.values()
    )
    for control in PREFERENCES.values():
        assert state(hass, control.entity_id) == control.after


async def test_back_and_forth(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    states = history(hass, SWITCH.entity_id)
    simulator.vehicles[0].lag = 2
    off = asyncio.create_task(act(hass, SWITCH))
    await read(simulator, 2)
    on = asyncio.create_task(call(hass, "switch.turn_on", entity_id=SWITCH.entity_id))
    # Still on from before, then off, then on again.
    for times in (3, 4, 5):
        await read(simulator, times)
        assert not on.done()
        await skip(hass, 4)
    await off
    assert states == ["off", "on"]
    await skip(hass, 31)
    await on
    assert states == ["off", "on"]


async def test_confirmed_after_an_outage(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    states = history(hass, SWITCH.entity_id)
    fault = simulator.add_fault(kind="vehicle", status=503)
    writing = asyncio.create_task(act(hass, SWITCH))
    await read(simulator, 2)
    await skip(hass, 3.1)
    await read(simulator, 3)
    await skip(hass, 4)
    await read(simulator, 4)
    assert states == ["off", "unavailable"]
    assert fault.count is None
    simulator.clear_faults()
    await skip(hass, 4)
    await writing
    assert states == ["off", "unavailable", "off"]


async def test_asked_too_often_while_waiting(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    simulator.add_fault(kind="vehicle", status=429, headers={"Retry-After": "600"})
    writing = asyncio.create_task(act(hass, SWITCH))
    await read(simulator, 2)
    await skip(hass, 31)
    with pytest.raises(HomeAssistantError, match=NOT_CONFIRMED):
        await writing
    assert readings(simulator) == 2, "left alone for as long as it asked for"


async def test_polling_switched_off(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    entry = account_entry(server, 0)
    await set_up(entry)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.async_block_till_done()
    before = readings(simulator)
    simulator.vehicles[0].lag = 1
    writing = asyncio.create_task(act(hass, SWITCH))
    await read(simulator, before + 1)
    await skip(hass, 31)
    await writing
    assert state(hass, SWITCH.entity_id) == SWITCH.after
    assert readings(simulator) == before + 2


async def test_who_waits_may_go(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    states = history(hass, SWITCH.entity_id)
    simulator.vehicles[0].lag = float("inf")
    with patch("custom_components.podero.charging.optimistic.CONFIRMATION_PERIOD", 0.5):
        writing = asyncio.create_task(act(hass, SWITCH))
        await read(simulator, 2)
        writing.cancel()
        await skip(hass, 4)
        assert states == ["off"]
        await asyncio.sleep(0.5)
        await skip(hass, 4)
    assert states == ["off", "on"], "it was true for its time only"


@pytest.mark.parametrize("action", ["number.set_value", "homeassistant.update_entity"])
async def test_who_asked_is_stopped_during_the_reading(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    action: str,
) -> None:
    """As a script that starts again is: nothing fails, and what it says next is said."""
    assert await async_setup_component(hass, "homeassistant", {})
    await set_up(entry)
    caplog.clear()
    before = readings(simulator)
    simulator.add_fault(HeldFault(kind="vehicle", count=1))
    data = LEVEL.data if action == LEVEL.action else {}
    asking = asyncio.create_task(call(hass, action, entity_id=LEVEL.entity_id, **data))
    await until(lambda: readings(simulator) > before)
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled()
    assert "unavailable" not in {state.state for state in hass.states.async_all()}
    simulator.requests.clear()
    await call(hass, LEVEL.action, entity_id=LEVEL.entity_id, value=66)
    assert written(simulator) == [("PUT", {"minimum_charge_limit": 66})]
    assert state(hass, LEVEL.entity_id) == "66"
    assert not complaints(caplog, INFO)


async def test_reload_while_waiting(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Nobody is told that it did not work, for nobody looks any more."""
    await set_up(entry)
    simulator.vehicles[0].lag = 1
    writing = asyncio.create_task(act(hass, SWITCH))
    await read(simulator, 2)
    assert await hass.config_entries.async_reload(entry.entry_id)
    async with asyncio.timeout(5):
        await writing
    assert state(hass, SWITCH.entity_id) == SWITCH.after


async def test_stop_while_waiting(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant need not wait either."""
    await set_up(entry)
    simulator.vehicles[0].lag = float("inf")
    writing = hass.async_create_task(act(hass, SWITCH))
    await read(simulator, 2)
    async with asyncio.timeout(5):
        await hass.async_stop()
    assert writing.done()
    assert not complaints(caplog)


async def test_twins_agree(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    entity_registry_enabled_by_default: None,
) -> None:
    await set_up(entry)
    simulator.vehicles[0].lag = 1
    twins = {
        "smart optimization": ("binary_sensor.car_1_smart_optimization", "off"),
        "charge policy": ("binary_sensor.car_1_charge_policy", "off"),
        "over charge": ("binary_sensor.car_1_charge_above_the_limit", "on"),
        "charge level": ("sensor.car_1_minimum_level_by_deadline", "85"),
        "pause": ("sensor.car_1_paused_until", "2999-01-01T12:00:00+00:00"),
    }
    for name, (twin, after) in twins.items():
        before = readings(simulator)
        writing = asyncio.create_task(act(hass, PREFERENCES[name]))
        await read(simulator, before + 1)
        assert state(hass, twin) == after, "although no reading shows it"
        await skip(hass, 4)
        await writing
        assert state(hass, twin) == after


async def test_twins_are_off_by_default(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    for twin in (
        "binary_sensor.car_1_smart_optimization",
        "binary_sensor.car_1_charge_policy",
        "binary_sensor.car_1_charge_above_the_limit",
        "sensor.car_1_minimum_level_by_deadline",
    ):
        assert hass.states.get(twin) is None


async def test_missing_fields_are_unknown(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    simulator.vehicles[0].replace_document(
        {"id": simulator.vehicles[0].id, "owner": None}
    )
    await set_up(entry)
    for control in (PREFERENCES | BOOST).values():
        assert state(hass, control.entity_id) == "unknown"
