"""What may be shown to somebody who helps says how it goes, and of whom nothing."""

from itertools import product
import json
from string import ascii_lowercase
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .conftest import SetUp, account_entry
from .documents import VEHICLE
from .support import later
from custom_components.podero import coordinator as coordinator_module
from custom_components.podero.const import DOMAIN
from custom_components.podero.diagnostics import async_get_device_diagnostics
from simulator import Server, Simulator

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


@pytest.fixture(autouse=True)
def _without_blip_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is otherwise tried again after a few seconds."""
    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", 0)


async def _get(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> Any:
    return await get_diagnostics_for_config_entry(hass, hass_client, entry)


async def test_account(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    server: Server,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """There is where the account is, how it signs in, and what every field says."""
    car = simulator.vehicles[0]
    car.raise_reauthenticate()
    car.override(
        comment="personal",
        lifecycle_error="personal",
        battery_level="nonsense",
        news={"of": "personal"},
        charge_deadline_at="06:30:00",
    )
    await set_up(entry)
    diagnostics = await _get(hass, hass_client, entry)
    assert diagnostics["account"] == {"base_url": server.url, "grant": "password"}
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


async def test_service(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    server: Server,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """What was learned of the service is in the file, by whatever account or dialog."""
    simulator.lists_vehicles = False
    await set_up(entry)
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": "user"})
    account = simulator.account
    for answer in (
        {"next_step_id": "client_credentials"},
        {
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "organization_id": account.organization_id,
            "server": {"environment": "custom", "base_url": server.url},
        },
    ):
        result = await flow.async_configure(result["flow_id"], answer)
    assert result["step_id"] == "choose_user"
    service = (await _get(hass, hass_client, entry))["service"]
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
    for personal in (account.username, account.first_name, account.user_id):
        assert personal not in shown
    flow.async_abort(result["flow_id"])


async def test_texts_of_the_service(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """Of the texts only those are shown that are known to tell of no person."""
    texts = {
        name: f"text_of_{name}"
        for name, schema in VEHICLE["properties"].items()
        if {"type": "string"} in schema.get("anyOf", [schema])
        or schema.get("maxLength")
    }
    car = simulator.vehicles[0]
    car.override(**texts)
    await set_up(entry)
    (vehicle,) = (await _get(hass, hass_client, entry))["vehicles"]
    shown = {name for name, text in texts.items() if text in json.dumps(vehicle)}
    assert shown == {
        "actual_steering_state",
        "current_mode",
        "last_boost_end_reason",
        "lifecycle_state",
    }


async def test_many_unknown_keys(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """A few of them are enough, and only such as are words."""
    car = simulator.vehicles[0]
    keys = [
        f"{a}{b}-{'x' * 24}-{'x' * 24}_{'x' * 11}"
        for a, b in product(ascii_lowercase, "abcdefgh")
    ]
    car.override(**dict.fromkeys(keys))
    car.override(**{f"{keys[0]}x": None, "a of a person": None, "a@example.com": None})
    await set_up(entry)
    (vehicle,) = (await _get(hass, hass_client, entry))["vehicles"]
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
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    place: str,
    text: str,
) -> None:
    """It is not shown, wherever it stands: only that there is something."""
    model: dict[str, Any] = {"manufacturer": "VW", "model": "ID.4 Pro"}
    values: dict[str, Any] = {
        "key": {text: "x"},
        "manufacturer": {"device_model": model | {"manufacturer": text}},
        "model": {"device_model": model | {"model": text}},
        "short_name": {"device_model": model | {"device_type": {"short_name": text}}},
    }
    simulator.vehicles[0].override(**values.get(place, {place: text}))
    await set_up(entry)
    assert text not in json.dumps(await _get(hass, hass_client, entry))


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
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    status: int,
    exception: str,
) -> None:
    """A failure is told by its kind, beside the last reading that succeeded."""
    await set_up(entry)
    simulator.add_fault(kind="vehicle", status=status)
    await later(hass)
    (vehicle,) = (await _get(hass, hass_client, entry))["vehicles"]
    assert vehicle["last_update_success"] is False
    assert vehicle["last_exception"] == exception
    assert vehicle["is_missing"] == (status == 404)
    assert vehicle["vehicle"]["is_plugged_in"] is True


async def test_never_read(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """A vehicle of which nothing was ever read has no reading."""
    simulator.vehicles[0].delete()
    await set_up(entry)
    (vehicle,) = (await _get(hass, hass_client, entry))["vehicles"]
    assert vehicle["is_missing"] is True
    assert vehicle["vehicle"] is None


async def test_not_set_up(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
) -> None:
    """Just when nothing works, the diagnostics do."""
    simulator.add_fault(status=503)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    diagnostics = await _get(hass, hass_client, entry)
    assert diagnostics["vehicles"][0]["last_exception"] == "PoderoConnectionError"


async def test_not_loaded(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """An account that is not loaded has no vehicles to tell of."""
    await set_up(entry)
    await hass.config_entries.async_unload(entry.entry_id)
    diagnostics = await _get(hass, hass_client, entry)
    assert diagnostics["account"]["grant"] == "password"
    assert diagnostics["vehicles"] == []


async def test_device(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A device's are those of its vehicle, and of none where it has none."""
    entry = account_entry(server, 0, 1)
    simulator.vehicles[1].override(battery_level=33)
    await set_up(entry)
    device = next(
        device
        for device in dr.async_entries_for_config_entry(device_registry, entry.entry_id)
        if ("podero", simulator.vehicles[1].id) in device.identifiers
    )
    diagnostics: Any = await get_diagnostics_for_device(
        hass, hass_client, entry, device
    )
    assert diagnostics["vehicle"]["battery_level"] == 33
    stranger = device_registry.async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("podero", "stranger")}
    )
    assert await async_get_device_diagnostics(hass, entry, stranger) == {}
