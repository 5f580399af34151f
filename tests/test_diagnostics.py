"""Diagnostics help to find a failure, and contain nothing personal."""

from itertools import product
import json
from string import ascii_lowercase
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr

from .dialogs import account_input, walk
from .documents import VEHICLE
from .home import Home
from custom_components.podero.diagnostics import async_get_device_diagnostics

pytestmark = pytest.mark.usefixtures("without_retry_delay")

WITHHELD = "withheld"
PERSONAL = {
    "authorization_url",
    "comment",
    "embeddable_url",
    "external_device_id",
    "id",
    "latitude",
    "lifecycle_error",
    "longitude",
    "owner",
}


async def _get(home: Home, hass_client: ClientSessionGenerator) -> Any:
    return await get_diagnostics_for_config_entry(home.hass, hass_client, home.entry)


async def test_account(home: Home, hass_client: ClientSessionGenerator) -> None:
    """They contain the server, the grant, and every field of a reading."""
    car = home.car
    car.raise_reauthenticate()
    car.override(
        comment="personal",
        lifecycle_error="personal",
        battery_level="nonsense",
        news={"of": "personal"},
        charge_deadline_at="06:30:00",
    )
    await home.set_up()
    diagnostics = await _get(home, hass_client)
    assert diagnostics["account"] == {"base_url": home.server.url, "grant": "password"}
    (vehicle,) = diagnostics["vehicles"]
    reading = vehicle.pop("vehicle")
    assert vehicle == {
        "last_update_success": True,
        "last_exception": None,
        "update_interval": 60.0,
        "is_missing": False,
        "sessions": {
            "answers": {
                "charge-policy": "ok",
                "sessions/current": "ok",
                "sessions": "ok",
            },
            "sessions": len(car.sessions),
            "is_running": True,
            "has_policy": True,
            "faults": [],
        },
    }
    assert reading.keys() == {*VEHICLE["properties"], "invalid", "unrecognized"}
    assert {name for name, value in reading.items() if value == WITHHELD} == PERSONAL
    assert reading["invalid"] == ["battery_level"]
    assert reading["unrecognized"] == {"news": "dict"}
    assert reading["battery_level"] is None
    assert reading["charge_deadline_at"] == "06:30:00"
    assert reading["is_plugged_in"] is True
    assert reading["boost_state"] == "available"
    assert reading["device_model"].keys() == {
        *("manufacturer", "model", "year", "device_type")
    }
    assert reading["actions"] == [
        {"kind": "ReauthenticateAction", "has_link": True, "required_parameters": 3}
    ]
    assert "personal" not in json.dumps(diagnostics)


async def test_service(home: Home, hass_client: ClientSessionGenerator) -> None:
    """They contain what was observed of the service, by any account or flow."""
    home.simulator.lists_vehicles = False
    await home.set_up()
    result = await walk(
        home.hass,
        {"next_step_id": "client_credentials"},
        account_input(home.server, "client_credentials"),
    )
    assert result["step_id"] == "choose_user"
    service = (await _get(home, hass_client))["service"]
    endpoints = service["endpoints"]
    organization = "/api/partners/v2.0/org/{id}/users"
    statuses = {
        "POST /api/partners/v2.0/auth/token": ["200"],
        "POST /oauth2/token/": ["200"],
        f"GET {organization}": ["200"],
        f"GET {organization}/{{id}}/electric-vehicles": ["404"],
        f"GET {organization}/{{id}}/electric-vehicles/{{id}}": ["200"],
    }
    assert {key: list(endpoints[key]) for key in statuses} == statuses
    assert service["words"]["role"] == ["user"]
    assert service["clock_difference"] is not None
    shown = str(service)
    account = home.simulator.account
    for personal in (account.username, account.first_name, account.user_id):
        assert personal not in shown
    home.hass.config_entries.flow.async_abort(result["flow_id"])


async def test_texts_of_the_service(
    home: Home, hass_client: ClientSessionGenerator
) -> None:
    """Only texts that are known not to be personal are shown."""
    texts = {
        name: f"text_of_{name}"
        for name, schema in VEHICLE["properties"].items()
        if {"type": "string"} in schema.get("anyOf", [schema])
        or schema.get("maxLength")
    }
    car = home.car
    car.override(**texts)
    await home.set_up()
    (vehicle,) = (await _get(home, hass_client))["vehicles"]
    shown = {name for name, text in texts.items() if text in json.dumps(vehicle)}
    assert shown == {
        "actual_steering_state",
        "current_mode",
        "last_boost_end_reason",
        "lifecycle_state",
    }


async def test_many_unknown_keys(
    home: Home, hass_client: ClientSessionGenerator
) -> None:
    """Unknown keys are limited in number and length, and only shown if they are words."""
    car = home.car
    keys = [
        f"{a}{b}-{'x' * 24}-{'x' * 24}_{'x' * 11}"
        for a, b in product(ascii_lowercase, "abcdefgh")
    ]
    car.override(**dict.fromkeys(keys))
    car.override(**{f"{keys[0]}x": None, "a of a person": None, "a@example.com": None})
    await home.set_up()
    (vehicle,) = (await _get(home, hass_client))["vehicles"]
    unrecognized = vehicle["vehicle"]["unrecognized"]
    assert len(unrecognized) == 50
    assert {len(key) for key in unrecognized} == {64}


@pytest.mark.parametrize(
    "text",
    [
        f"access-{'ab12' * 10}",
        "c7d1f2ce-3b5a-4c1d-9e8f-0a1b2c3d4e5f",
        "someone@example.com",
        "https://example.com/?secret=1",
        "+431234567",
        "A sentence about somebody who lives somewhere, and what they do there",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        *("key", "current_mode", "last_boost_end_reason", "lifecycle_state"),
        *("actual_steering_state", "manufacturer", "model", "short_name"),
    ],
)
async def test_what_is_no_word(
    home: Home, hass_client: ClientSessionGenerator, place: str, text: str
) -> None:
    """Text that is no word is withheld, whatever its field."""
    model: dict[str, Any] = {"manufacturer": "VW", "model": "ID.4 Pro"}
    values: dict[str, Any] = {
        "key": {text: "x"},
        "manufacturer": {"device_model": model | {"manufacturer": text}},
        "model": {"device_model": model | {"model": text}},
        "short_name": {"device_model": model | {"device_type": {"short_name": text}}},
    }
    home.car.override(**values.get(place, {place: text}))
    await home.set_up()
    assert text not in json.dumps(await _get(home, hass_client))


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (404, "NotFoundError"),
        (403, "ForbiddenError"),
        (429, "RateLimitError"),
        (503, "PoderoConnectionError"),
        (422, "InvalidRequestError"),
        (302, "InvalidResponseError"),
        (401, "TokenRefusedError"),
    ],
)
async def test_failures(
    home: Home, hass_client: ClientSessionGenerator, status: int, exception: str
) -> None:
    """A failure is shown by its class, with the last successful reading."""
    await home.set_up()
    home.simulator.add_fault(kind="vehicle", status=status)
    await home.later()
    (vehicle,) = (await _get(home, hass_client))["vehicles"]
    assert vehicle["last_update_success"] is False
    assert vehicle["last_exception"] == exception
    assert vehicle["is_missing"] == (status == 404)
    assert vehicle["vehicle"]["is_plugged_in"] is True


async def test_never_read(home: Home, hass_client: ClientSessionGenerator) -> None:
    """A vehicle that was never read has no reading."""
    home.car.delete()
    await home.set_up()
    (vehicle,) = (await _get(home, hass_client))["vehicles"]
    assert vehicle["is_missing"] is True
    assert vehicle["vehicle"] is None


async def test_not_set_up(home: Home, hass_client: ClientSessionGenerator) -> None:
    """Diagnostics work while the set-up is retried."""
    home.simulator.add_fault(status=503)
    await home.fail_to_set_up()
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    diagnostics = await _get(home, hass_client)
    assert diagnostics["vehicles"][0]["last_exception"] == "PoderoConnectionError"


async def test_not_loaded(home: Home, hass_client: ClientSessionGenerator) -> None:
    """An account that is not loaded has no vehicles."""
    await home.set_up()
    await home.unload()
    diagnostics = await _get(home, hass_client)
    assert diagnostics["account"]["grant"] == "password"
    assert diagnostics["vehicles"] == []


async def test_device(
    home: Home, hass_client: ClientSessionGenerator, device_registry: dr.DeviceRegistry
) -> None:
    """The diagnostics of a device are those of its vehicle, or empty."""
    home = home.with_vehicles(0, 1)
    home.simulator.vehicles[1].override(battery_level=33)
    await home.set_up()
    diagnostics: Any = await get_diagnostics_for_device(
        home.hass, hass_client, home.entry, home.device(1)
    )
    assert diagnostics["vehicle"]["battery_level"] == 33
    stranger = device_registry.async_get_or_create(
        config_entry_id=home.entry.entry_id, identifiers={("podero", "stranger")}
    )
    assert await async_get_device_diagnostics(home.hass, home.entry, stranger) == {}
