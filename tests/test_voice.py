"""The blueprint that Assist answers with."""

from datetime import timedelta
from typing import Any

import pytest

from homeassistant.components.conversation import async_converse
from homeassistant.core import Context
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .home import Home

pytestmark = pytest.mark.usefixtures("blueprints")

FAILED = "That did not work. Look at the car in Home Assistant."


async def use(home: Home, **inputs: Any) -> None:
    """Make an automation of the blueprint, for the first car."""
    await home.set_up()
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(home.hass, component, {})
    inputs = {
        "car": home.device().id,
        "charging_ends": "sensor.car_1_charging_ends",
        "charge_now": "button.car_1_charge_now",
        **inputs,
    }
    await home.use_blueprint("voice", **inputs)


async def ask(home: Home, sentence: str, language: str = "en") -> str:
    """Say a sentence, and return the answer."""
    result = await async_converse(home.hass, sentence, None, Context(), language)
    speech = result.response.speech["plain"]["speech"]
    assert isinstance(speech, str)
    return speech


@pytest.mark.parametrize(
    ("situation", "plugged_in", "charging"),
    [
        ({}, "Yes, it is plugged in.", "No, it is not charging."),
        (
            {"is_plugged_in": False},
            "No, it is not plugged in.",
            "No, it is not plugged in.",
        ),
        ({"is_charging": True}, "Yes, it is plugged in.", "Yes, it is charging."),
        ({"is_fully_charged": True}, "Yes, it is plugged in.", "No, it is full."),
        (
            {"is_pause_power_active": True},
            "Yes, it is plugged in.",
            "No, charging is paused.",
        ),
        (
            {"is_plugged_in": None},
            "I do not know right now.",
            "I do not know right now.",
        ),
    ],
)
async def test_plugged_in_and_charging(
    home: Home, situation: dict[str, Any], plugged_in: str, charging: str
) -> None:
    home.car.override(**situation)
    await use(home)
    assert await ask(home, "Is the car plugged in?") == plugged_in
    assert await ask(home, "Is my car charging?") == charging


async def test_level(home: Home) -> None:
    home.car.override(battery_level=62)
    await use(home)
    assert await ask(home, "How full is it?") == "The battery is at 62 percent."
    assert (
        await ask(home, "How much battery does my car have")
        == "The battery is at 62 percent."
    )
    home.car.override(battery_level=None)
    await home.refresh()
    assert await ask(home, "how full is the car") == "I do not know right now."


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_when_ready(home: Home) -> None:
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    home.car.override(is_charging=True, charge_time_remaining=3600)
    await use(home)
    question = "When will the car be ready?"
    assert await ask(home, question) == "It will be ready at 22:00."
    home.car.override(is_charging=True, charge_time_remaining=8 * 3600)
    await home.refresh()
    assert await ask(home, question) == "It will be ready tomorrow at 05:00."
    home.car.override(is_charging=True, charge_time_remaining=30 * 3600)
    await home.refresh()
    assert await ask(home, question) == "It will be ready on Friday at 03:00."
    answer = await ask(home, "Wann ist das Auto fertig?", "de")
    assert answer == "Es ist am Freitag um 03:00 Uhr fertig."
    home.car.override(is_charging=False)
    await home.refresh()
    assert await ask(home, question) == "It is not charging, so I do not know."
    home.car.override(is_fully_charged=True)
    await home.refresh()
    assert await ask(home, question) == "It is already full."
    home.car.override(is_plugged_in=None)
    await home.refresh()
    assert await ask(home, question) == "I do not know right now."


async def test_charge_now(home: Home) -> None:
    await use(home)
    assert await ask(home, "Charge it now!") == "OK, it charges now."
    assert home.written() == [("POST", None)]
    assert home.state("sensor.car_1_charging_state") == "starting"
    assert await ask(home, "Charge it now!") == "OK, it charges now."
    home.simulator.advance(timedelta(seconds=45))
    await home.refresh()
    assert await ask(home, "charge my car right now") == "It is already charging."
    assert len(home.written()) == 1


async def test_charge_now_while_unplugged(home: Home) -> None:
    home.car.unplug()
    await use(home)
    answer = await ask(home, "charge the car now")
    assert answer == "OK, it charges as soon as it is plugged in."
    assert home.state("binary_sensor.car_1_charge_now_at_next_plug_in") == "on"


@pytest.mark.parametrize("status", [403, 409, 503])
async def test_charge_now_is_refused(home: Home, status: int) -> None:
    """Nobody is told that it charges while it does not."""
    await use(home)
    home.simulator.add_fault(kind="boost", status=status)
    assert await ask(home, "charge the car now") == FAILED
    await home.settle()


async def test_charge_now_without_the_button(home: Home) -> None:
    """Home Assistant skips an unavailable button in silence."""
    await use(home)
    home.simulator.add_fault(kind="vehicle", status=403)
    await home.refresh()
    assert await ask(home, "charge the car now") == FAILED
    home.simulator.clear_faults()
    er.async_get(home.hass).async_update_entity(
        "button.car_1_charge_now", disabled_by=er.RegistryEntryDisabler.USER
    )
    await home.refresh()
    assert await ask(home, "charge the car now") == FAILED
    assert not home.written()


async def test_a_battery_of_another_integration(home: Home) -> None:
    """A helper on the car's device is not asked."""
    home.car.override(battery_level=62)
    await home.set_up()
    helper = er.async_get(home.hass).async_get_or_create(
        "sensor",
        "template",
        "battery",
        device_id=home.device().id,
        object_id_base="a_helper",
        original_device_class="battery",
    )
    home.hass.states.async_set(helper.entity_id, "90", {"device_class": "battery"})
    er.async_get(home.hass).async_update_entity(
        "sensor.car_1_battery", new_entity_id="sensor.level"
    )
    await home.hass.async_block_till_done()
    await home.unload()
    await use(home)
    assert await ask(home, "How full is it?") == "The battery is at 62 percent."


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("Ist das Auto eingesteckt?", "Ja, es ist eingesteckt."),
        ("Lädt mein Auto gerade?", "Nein, es lädt gerade nicht."),
        ("Wird das Auto geladen?", "Nein, es lädt gerade nicht."),
        ("Wie voll ist es?", "Die Batterie ist bei 62 Prozent."),
        (
            "Wann ist das Auto fertig?",
            "Es lädt gerade nicht, also weiß ich es nicht.",
        ),
        ("Lade das Auto jetzt!", "OK, es lädt jetzt."),
    ],
)
async def test_german(home: Home, sentence: str, answer: str) -> None:
    home.car.override(battery_level=62)
    await use(home)
    assert await ask(home, sentence, "de") == answer


async def test_other_sentences(home: Home) -> None:
    """A second car can have sentences of its own."""
    await use(home, is_plugged_in=["is the family car plugged in"])
    assert await ask(home, "Is the family car plugged in") == "Yes, it is plugged in."
    assert await ask(home, "Is the car plugged in") != "Yes, it is plugged in."
