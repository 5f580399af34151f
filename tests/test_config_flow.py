"""The config flow, walked as the frontend walks it, against a cloud over real HTTP."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
import json
from pathlib import Path
import re
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow, section
from homeassistant.helpers.selector import SelectSelector, TextSelector
from homeassistant.setup import async_setup_component

from .conftest import SetUp, account_entry, vehicle_subentry
from .support import complaints
from custom_components import podero
from custom_components.podero import config_flow
from custom_components.podero.const import DOMAIN
from simulator import Server, Simulator

type Input = dict[str, Any]
type Prepare = Callable[[Simulator], object]

TRANSLATIONS = json.loads(
    Path(podero.__file__).with_name("translations").joinpath("en.json").read_text()
)
SECRETS = {"password": "password", "client_credentials": "client_secret"}
FIRST_NAME, SECOND_NAME = "Volkswagen ID.4 Pro (2023)", "Hyundai Kona Electric"
UNKNOWN_ID = "00000000-1111-4222-8333-444444444444"


def account_input(server: Server, /, grant: str = "password", **changes: Any) -> Input:
    """Return what a person types for the simulator's account."""
    account = server.simulator.account
    credentials = {
        "password": {"username": account.username, "password": account.password},
        "client_credentials": {
            "client_id": account.client_id,
            "client_secret": account.client_secret,
        },
    }
    return {
        **credentials[grant],
        "organization_id": account.organization_id,
        "user_id": account.user_id,
        "server": {"environment": "custom", "base_url": server.url},
        **changes,
    }


def fields(schema: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the fields of a form and their suggested values, sections as they are."""
    return {
        str(marker): fields(value.schema.schema)
        if isinstance(value, section)
        else (marker.description or {}).get("suggested_value")
        for marker, value in schema.items()
    }


def assert_form(
    result: Mapping[str, Any], step_id: str, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Check a form and its texts, and return the suggested value of each field."""
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == step_id
    assert result["errors"] == (errors or {})
    texts = TRANSLATIONS["config"]
    if not isinstance(result["handler"], str):
        texts = TRANSLATIONS["config_subentries"][result["handler"][1]]
    step = texts["step"][step_id]
    suggestions = fields(result["data_schema"].schema)
    for name, value in suggestions.items():
        place = step["sections"][name] if isinstance(value, dict) else step
        names = value if isinstance(value, dict) else [name]
        assert place["data"].keys() >= set(names)
        assert place["data_description"].keys() >= set(names)
    shown = json.dumps(step) + "".join(
        texts["error"][key] for key in result["errors"].values()
    )
    assert set(re.findall(r"{(\w+)}", shown)) <= set(
        result["description_placeholders"] or {}
    )
    # An error that stands at a field inside of a section is not shown.
    assert result["errors"].keys() <= {"base", *suggestions}
    return suggestions


def vehicle_selector(result: Mapping[str, Any]) -> Any:
    """Return what the vehicle is asked with."""
    return result["data_schema"].schema["vehicle"]


def offered(result: Mapping[str, Any]) -> list[str]:
    """Return the labels of the vehicles that are offered."""
    selector = vehicle_selector(result)
    assert isinstance(selector, SelectSelector)
    assert selector.config["custom_value"]
    # The frontend shows the value of what was chosen, whatever its label.
    return [option for option in selector.config["options"] if isinstance(option, str)]


async def start(hass: HomeAssistant, grant: str = "password") -> dict[str, Any]:
    """Choose how to sign in, and return the form of the account."""
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["password", "client_credentials"]
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": grant}
    )
    assert_form(result, grant)
    return dict(result)


async def go_on(
    hass: HomeAssistant, result: Mapping[str, Any], user_input: Input
) -> dict[str, Any]:
    """Submit a form."""
    manager: Any = hass.config_entries.flow
    if not isinstance(result["handler"], str):
        manager = hass.config_entries.subentries
    result = await manager.async_configure(result["flow_id"], user_input)
    await hass.async_block_till_done()
    return dict(result)


async def start_vehicle(hass: HomeAssistant, server: Server) -> dict[str, Any]:
    """Give the account, and return the form of the vehicle."""
    result = await go_on(hass, await start(hass), account_input(server))
    assert_form(result, "vehicle")
    return result


async def start_subentry(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, Any]:
    """Return the form of one more vehicle."""
    return dict(
        await hass.config_entries.subentries.async_init(
            (entry.entry_id, "vehicle"), context={"source": SOURCE_USER}
        )
    )


def assert_created(result: Mapping[str, Any], *vehicle_ids: str) -> ConfigEntry:
    """Check that an entry was created, set up, and has these vehicles."""
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry: ConfigEntry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert [sub.unique_id for sub in entry.subentries.values()] == list(vehicle_ids)
    return entry


@pytest.mark.parametrize(
    "grant",
    ["password", "client_credentials"],
)
async def test_account_and_first_vehicle(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    grant: str,
) -> None:
    """An account is stored with the vehicle that was chosen."""
    typed = account_input(server, grant)
    result = await go_on(hass, await start(hass, grant), typed)
    assert_form(result, "vehicle")
    assert offered(result) == [FIRST_NAME, SECOND_NAME]

    result = await go_on(hass, result, {"vehicle": SECOND_NAME})
    entry = assert_created(result, simulator.vehicles[1].id)
    assert entry.title == "Podero"
    assert entry.unique_id == f"{typed['organization_id']}_{typed['user_id']}"
    del typed["server"]
    assert entry.data == {**typed, "grant": grant, "base_url": server.url}
    (subentry,) = entry.subentries.values()
    assert subentry.subentry_type == "vehicle"
    assert subentry.title == SECOND_NAME
    assert subentry.data == {}
    assert typed[SECRETS[grant]] not in caplog.text


@pytest.mark.parametrize("environment", ["production", "sandbox"])
async def test_named_environment(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
) -> None:
    """An environment stands for its address, which is not to blame for an outage."""
    assert config_flow.ENVIRONMENTS == {
        "production": "https://app.podero.com",
        "sandbox": "https://sandbox-app.podero.com",
    }
    monkeypatch.setitem(config_flow.ENVIRONMENTS, environment, server.url)
    typed = account_input(server, server={"environment": environment})
    simulator.add_fault(status=503)
    result = await go_on(hass, await start(hass), typed)
    assert_form(result, "password", {"base": "cannot_connect"})

    simulator.clear_faults()
    result = await go_on(hass, result, typed)
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    entry = assert_created(result, simulator.vehicles[0].id)
    assert entry.data["base_url"] == server.url


async def test_production_is_the_default(hass: HomeAssistant) -> None:
    """A homeowner can leave the server alone: it is folded away."""
    result = await start(hass)
    server = result["data_schema"].schema["server"]
    assert server.options == {"collapsed": True}
    assert server({}) == {"environment": "production"}
    assert result["last_step"] is False


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"password": "wrong"}, {"password": "invalid_auth"}),
        ({"password": ""}, {"password": "secret_required"}),
        ({"username": "nobody"}, {"password": "invalid_auth"}),
        ({"user_id": UNKNOWN_ID}, {"organization_id": "forbidden"}),
        ({"organization_id": UNKNOWN_ID}, {"organization_id": "forbidden"}),
        ({"user_id": "me"}, {"user_id": "invalid_uuid"}),
        (
            {"user_id": f"{UNKNOWN_ID}0", "organization_id": f"0x{UNKNOWN_ID}"[:36]},
            {"user_id": "invalid_uuid", "organization_id": "invalid_uuid"},
        ),
        ({"server": {"environment": "custom"}}, {"server": "invalid_url"}),
        (
            {"server": {"environment": "custom", "base_url": "https://[]@"}},
            {"server": "invalid_url"},
        ),
        (
            {"server": {"environment": "custom", "base_url": "http://example.com"}},
            {"server": "invalid_url"},
        ),
        (
            {"server": {"environment": "custom", "base_url": "http://127.0.0.1:1"}},
            {"server": "cannot_connect"},
        ),
        (
            {"server": {"environment": "sandbox", "base_url": "https://example.com"}},
            {"server": "ambiguous_server"},
        ),
    ],
)
async def test_account_mistyped(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    changes: Input,
    errors: dict[str, str],
) -> None:
    """What was typed stays, with the message at its field, and can be mended."""
    typed = account_input(server, **changes)
    result = await go_on(hass, await start(hass), typed)
    suggestions = assert_form(result, "password", errors)
    typed["server"].setdefault("base_url", None)
    assert suggestions == typed
    folded = result["data_schema"].schema["server"]
    assert folded.options == {"collapsed": "server" not in errors}

    result = await go_on(hass, result, account_input(server))
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_created(result, simulator.vehicles[0].id)


@pytest.mark.parametrize("grant", ["password", "client_credentials"])
@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ({"kind": "token", "status": 500}, {"server": "cannot_connect"}),
        ({"kind": "token", "reset": True}, {"server": "cannot_connect"}),
        ({"kind": "token", "status": 429}, {"base": "rate_limited"}),
        ({"kind": "token", "body": b"<html>"}, {"server": "invalid_response"}),
        ({"kind": "token", "status": 404}, {"server": "invalid_response"}),
        ({"kind": "vehicles", "status": 503}, {"server": "cannot_connect"}),
        ({"kind": "vehicles", "status": 429}, {"base": "rate_limited"}),
        ({"kind": "vehicles", "status": 403}, {"organization_id": "forbidden"}),
    ],
)
async def test_account_fails(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    grant: str,
    fault: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """A failure has its own message, and passes."""
    typed = account_input(server, grant)
    simulator.add_fault(**fault)
    result = await go_on(hass, await start(hass, grant), typed)
    assert assert_form(result, grant, errors) == typed

    simulator.clear_faults()
    result = await go_on(hass, result, typed)
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_created(result, simulator.vehicles[0].id)


async def test_client_refused(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """A refused client secret is shown at the secret."""
    typed = account_input(server, "client_credentials", client_secret="wrong")
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert_form(result, "client_credentials", {"client_secret": "invalid_auth"})

    typed = account_input(server, "client_credentials")
    result = await go_on(hass, result, typed)
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_created(result, simulator.vehicles[0].id)


@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        lambda text: text.replace("-", ""),
        lambda text: f"  {{{text}}}\n",
        lambda text: text.replace("-", " - "),
        lambda text: text.replace("-", "\N{EN DASH}"),
    ],
)
async def test_ids_are_stored_canonical(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    spell: Callable[[str], str],
) -> None:
    """Ids are understood as people paste them, and other fields with spaces around."""
    account, car = simulator.account, simulator.vehicles[0]
    typed = account_input(
        server,
        username=f" {account.username} ",
        organization_id=spell(account.organization_id),
        user_id=spell(account.user_id),
        server={"environment": "custom", "base_url": f" {server.url}/ "},
    )
    result = await go_on(hass, await start(hass), typed)
    result = await go_on(hass, result, {"vehicle": spell(car.id)})
    entry = assert_created(result, car.id)
    assert entry.unique_id == f"{account.organization_id}_{account.user_id}"
    assert entry.data == {
        **account_entry(server).data,
        "organization_id": account.organization_id,
        "user_id": account.user_id,
    }


@pytest.mark.parametrize(
    "prepare",
    [
        lambda simulator: setattr(simulator, "lists_vehicles", False),
        lambda simulator: simulator.add_fault(kind="vehicles", status=404),
        lambda simulator: simulator.add_fault(kind="vehicles", status=405),
        lambda simulator: simulator.add_fault(kind="vehicles", body=b'{"items": []}'),
        lambda simulator: simulator.add_fault(kind="vehicles", body=b"[]"),
    ],
)
async def test_vehicle_is_typed_without_a_list(
    hass: HomeAssistant, server: Server, simulator: Simulator, prepare: Prepare
) -> None:
    """Where the service does not list vehicles, their id is typed."""
    prepare(simulator)
    result = await start_vehicle(hass, server)
    assert isinstance(vehicle_selector(result), TextSelector)
    assert result["last_step"] is True
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert_created(result, simulator.vehicles[1].id)


async def test_account_of_an_unknown_user(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """Without a list, a user who is not known shows when the vehicle is tried."""
    typed = account_input(server, "client_credentials", user_id=UNKNOWN_ID)
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert_form(result, "vehicle")
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_form(result, "vehicle", {"vehicle": "vehicle_not_found"})


async def test_vehicle_refusal_without_a_list_is_no_verdict(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """A service may forbid what there is not."""
    simulator.lists_vehicles = False
    simulator.add_fault(kind="vehicle", status=403)
    result = await start_vehicle(hass, server)

    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_form(result, "vehicle", {"vehicle": "vehicle_forbidden"})
    simulator.clear_faults()
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_created(result, simulator.vehicles[0].id)


async def test_vehicle_options(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """Vehicles are offered by what tells them apart."""
    first, second = simulator.vehicles
    third, fourth = simulator.add_vehicle(first.model), simulator.add_vehicle()
    second.override(device_model=None)
    third.override(device_model={"manufacturer": "Volkswagen", "model": "ID.4"})
    fourth.override(deleted_at="2026-01-01T00:00:00Z")
    fifth = simulator.add_vehicle(first.model)
    simulator.add_vehicle().override(id=None)
    result = await start_vehicle(hass, server)
    labels = [
        f"{FIRST_NAME} …{first.id[-4:]}",
        second.id,
        "Volkswagen ID.4",
        f"{FIRST_NAME} …{fifth.id[-4:]}",
    ]
    assert offered(result) == labels

    result = await go_on(hass, result, {"vehicle": second.id})
    entry = assert_created(result, second.id)
    (subentry,) = entry.subentries.values()
    assert subentry.title == "Electric vehicle"

    # What is left keeps its label, also where nothing else has its name any more.
    for label, vehicle in ((labels[3], fifth), (labels[0], first), (labels[2], third)):
        result = await start_subentry(hass, entry)
        assert label in offered(result)
        result = await go_on(hass, result, {"vehicle": label})
        assert [*entry.subentries.values()][-1].unique_id == vehicle.id


async def test_vehicle_options_that_end_alike(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """Each can be picked, whatever else is in the list."""
    first, second = simulator.vehicles
    twin = f"11111111{first.id[8:]}"
    second.override(**first.document() | {"id": twin})
    simulator.add_vehicle().replace_document("nonsense")
    result = await start_vehicle(hass, server)
    assert offered(result) == [
        f"{FIRST_NAME} …{first.id}",
        f"{FIRST_NAME} …{twin}",
    ]


@pytest.mark.parametrize(
    ("manufacturer", "model"), [("電" * 255, "x"), ("Ab " * 85, "Cd " * 85)]
)
async def test_long_names(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    manufacturer: str,
    model: str,
) -> None:
    """The contract allows names that the ids of entities have no room for."""
    simulator.vehicles[0].override(
        device_model={"manufacturer": manufacturer, "model": model}
    )
    result = await start_vehicle(hass, server)
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    entry = assert_created(result, simulator.vehicles[0].id)
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert f"{manufacturer} {model}".startswith(subentry.title)
    assert len(hass.states.async_all()) > 35
    assert not complaints(caplog)


async def test_only_vehicle_is_suggested(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """Who has one car has nothing to choose."""
    simulator.vehicles[1].delete()
    result = await start_vehicle(hass, server)
    assert assert_form(result, "vehicle") == {"vehicle": FIRST_NAME}


VEHICLE_FAILURES: list[tuple[Prepare, dict[str, str]]] = [
    (
        lambda simulator: simulator.vehicles[0].delete(),
        {"vehicle": "vehicle_not_found"},
    ),
    (
        lambda simulator: simulator.vehicles[0].override(
            deleted_at="2026-01-01T00:00:00Z"
        ),
        {"vehicle": "vehicle_not_found"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=422),
        {"vehicle": "vehicle_not_found"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=403),
        {"vehicle": "vehicle_forbidden"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=429),
        {"base": "rate_limited"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=502),
        {"base": "cannot_connect"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", body=b"[]"),
        {"base": "invalid_response"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=401),
        {"base": "invalid_auth"},
    ),
]


@pytest.mark.parametrize(("prepare", "errors"), VEHICLE_FAILURES)
async def test_vehicle_fails(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    prepare: Prepare,
    errors: dict[str, str],
) -> None:
    """A vehicle that cannot be read is not stored."""
    result = await start_vehicle(hass, server)
    prepare(simulator)
    chosen = {"vehicle": simulator.vehicles[0].id}
    result = await go_on(hass, result, chosen)
    assert assert_form(result, "vehicle", errors) == chosen
    assert not hass.config_entries.async_entries(DOMAIN)

    simulator.clear_faults()
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert_created(result, simulator.vehicles[1].id)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("my car", "invalid_uuid"),
        ("", "invalid_uuid"),
        (UNKNOWN_ID, "vehicle_not_found"),
    ],
)
async def test_vehicle_mistyped(
    hass: HomeAssistant, server: Server, simulator: Simulator, typed: str, error: str
) -> None:
    """A vehicle may be typed, and mistyped."""
    result = await start_vehicle(hass, server)
    result = await go_on(hass, result, {"vehicle": typed})
    assert assert_form(result, "vehicle", {"vehicle": error}) == {"vehicle": typed}
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_created(result, simulator.vehicles[0].id)


async def test_same_account_twice(
    hass: HomeAssistant, server: Server, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """An account is refused the second time, without asking the service."""
    entry.add_to_hass(hass)
    typed = account_input(server, "client_credentials")
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert not simulator.requests


@pytest.mark.parametrize(
    ("taken", "title"),
    [
        ([], "Podero"),
        (["Podero"], "Podero 2"),
        # The first one was removed again.
        (["Podero 2"], "Podero"),
        (["Podero", "Podero 2", "Ours"], "Podero 3"),
    ],
)
async def test_titles(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    taken: list[str],
    title: str,
) -> None:
    """Accounts can be told apart, and their names name nobody."""
    for name in taken:
        MockConfigEntry(domain=DOMAIN, title=name, unique_id=name).add_to_hass(hass)
    result = await start_vehicle(hass, server)
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert result["title"] == title


async def test_same_account_at_once(
    hass: HomeAssistant, server: Server, simulator: Simulator
) -> None:
    """Of two windows the first wins, and one that was closed locks nobody out."""
    left = await start_vehicle(hass, server)
    result = await start_vehicle(hass, server)
    first, second = simulator.vehicles
    assert_created(await go_on(hass, result, {"vehicle": first.id}), first.id)

    with pytest.raises(UnknownFlow):
        await go_on(hass, left, {"vehicle": second.id})
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_same_vehicle_twice(
    hass: HomeAssistant, server: Server, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """A vehicle that one account has is neither offered nor given to another one."""
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, unique_id="another account")
    result = await start_vehicle(hass, server)
    first, second = simulator.vehicles
    assert offered(result) == [SECOND_NAME]
    for taken in (first.id.upper(), FIRST_NAME):
        result = await go_on(hass, result, {"vehicle": taken})
        assert_form(result, "vehicle", {"vehicle": "already_configured"})
    result = await go_on(hass, result, {"vehicle": second.id})
    assert_created(result, second.id)


@pytest.fixture
def setups() -> Iterator[AsyncMock]:
    """Count how often entries are set up."""
    setup = AsyncMock(wraps=podero.async_setup_entry)
    with patch.object(podero, "async_setup_entry", setup):
        yield setup


def client_entry(server: Server) -> MockConfigEntry:
    """Return the simulator's account, by client credentials."""
    entry = account_entry(server, 0)
    account = server.simulator.account
    credentials = {
        "grant": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    place = ("base_url", "organization_id", "user_id")
    return MockConfigEntry(
        domain=DOMAIN,
        title="Podero",
        unique_id=entry.unique_id,
        data=credentials | {key: entry.data[key] for key in place},
        subentries_data=[vehicle_subentry(server.simulator.vehicles[0].id, FIRST_NAME)],
    )


@pytest.mark.parametrize(
    ("make_entry", "secret", "account"),
    [
        (lambda it: account_entry(it, 0), "password", "resident@example.com"),
        (client_entry, "client_secret", "demo-energy"),
    ],
)
async def test_reauth(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    setups: AsyncMock,
    make_entry: Callable[[Server], MockConfigEntry],
    secret: str,
    account: str,
) -> None:
    """Only the secret is asked for, tried, stored, and used at once."""
    entry = make_entry(server)
    await set_up(entry)
    simulator.revoke_tokens()
    setattr(simulator.account, secret, "new")
    result = dict(await entry.start_reauth_flow(hass))
    assert assert_form(result, "reauth_confirm") == {secret: None}
    assert result["description_placeholders"]["account"] == account

    before = dict(entry.data)
    result = await go_on(hass, result, {secret: "wrong"})
    errors = {secret: "invalid_auth"}
    assert assert_form(result, "reauth_confirm", errors) == {secret: "wrong"}
    simulator.add_fault(kind="token", status=503)
    result = await go_on(hass, result, {secret: "new"})
    assert_form(result, "reauth_confirm", {"base": "cannot_connect"})
    assert entry.data == before

    simulator.clear_faults()
    result = await go_on(hass, result, {secret: "new"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == {**before, secret: "new"}
    assert entry.title == make_entry(server).title
    assert setups.call_count == 2
    assert entry.state is ConfigEntryState.LOADED


async def test_reauth_of_an_entry_that_failed(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, setups: AsyncMock
) -> None:
    """An entry that could not be set up is set up once it can sign in."""
    simulator.account.password = "new"
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH

    result = await go_on(hass, flow, {"password": "new"})
    assert result["reason"] == "reauth_successful"
    assert setups.call_count == 2
    assert entry.state is ConfigEntryState.LOADED


async def test_reauth_with_the_same_secret(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    setups: AsyncMock,
) -> None:
    """A refusal that was Podero's mistake ends with the secret that was stored."""
    await set_up(entry)
    result = dict(await entry.start_reauth_flow(hass))
    result = await go_on(hass, result, {"password": simulator.account.password})
    assert result["reason"] == "reauth_successful"
    assert setups.call_count == 2
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfigure(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    setups: AsyncMock,
) -> None:
    """What changed is stored, what was left empty is kept."""
    await set_up(entry)
    result = dict(await entry.start_reconfigure_flow(hass))
    typed = account_input(server)
    del typed["password"]
    assert assert_form(result, "reconfigure") == {**typed, "password": None}
    assert result["last_step"] is True

    typed["username"] = simulator.account.username = "moved@example.com"
    result = await go_on(hass, result, typed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == account_entry(server).data
    assert setups.call_count == 2
    assert entry.state is ConfigEntryState.LOADED

    result = await go_on(hass, await entry.start_reconfigure_flow(hass), typed)
    assert result["reason"] == "reconfigure_successful"
    assert setups.call_count == 3
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfigure_client(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    """A new client secret is stored, and a title that somebody chose is kept."""
    entry = client_entry(server)
    await set_up(entry)
    hass.config_entries.async_update_entry(entry, title="My supplier")
    await hass.async_block_till_done()
    simulator.account.client_secret = "new"
    typed = account_input(server, "client_credentials", client_secret="wrong")
    result = await go_on(hass, await entry.start_reconfigure_flow(hass), typed)
    errors = {"client_secret": "invalid_auth"}
    assert assert_form(result, "reconfigure", errors) == typed

    result = await go_on(hass, result, account_input(server, "client_credentials"))
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == client_entry(server).data
    assert entry.title == "My supplier"


async def test_reconfigure_named_environment(
    hass: HomeAssistant,
    server: Server,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A named environment is shown by its name."""
    monkeypatch.setitem(config_flow.ENVIRONMENTS, "sandbox", server.url)
    entry.add_to_hass(hass)
    result = dict(await entry.start_reconfigure_flow(hass))
    server = {"environment": "sandbox", "base_url": None}
    assert assert_form(result, "reconfigure")["server"] == server


async def test_reconfigure_another_account(
    hass: HomeAssistant, server: Server, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """An account cannot become another one."""
    entry.add_to_hass(hass)
    before = dict(entry.data)
    typed = account_input(
        server,
        username=simulator.stranger.username,
        password=simulator.stranger.password,
        organization_id=simulator.stranger.organization_id,
        user_id=simulator.stranger.user_id,
    )
    result = await go_on(hass, await entry.start_reconfigure_flow(hass), typed)
    errors = {"organization_id": "wrong_account", "user_id": "wrong_account"}
    assert assert_form(result, "reconfigure", errors) == typed
    assert not simulator.requests
    assert entry.data == before

    result = await go_on(hass, result, account_input(server))
    assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize("lists_vehicles", [True, False])
async def test_reconfigure_with_credentials_of_another_account(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    entry: MockConfigEntry,
    lists_vehicles: bool,
) -> None:
    """Credentials are refused that do not see the account, list or no list."""
    simulator.lists_vehicles = lists_vehicles
    entry.add_to_hass(hass)
    before = dict(entry.data)
    typed = account_input(
        server,
        username=simulator.neighbor.username,
        password=simulator.neighbor.password,
    )
    result = await go_on(hass, await entry.start_reconfigure_flow(hass), typed)
    assert_form(result, "reconfigure", {"organization_id": "forbidden"})
    assert entry.data == before

    result = await go_on(hass, result, account_input(server))
    assert result["reason"] == "reconfigure_successful"


async def test_reconfigure_server(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """A stored secret is not sent to another server than it was typed for."""
    entry.add_to_hass(hass)
    async with Server(Simulator()) as other:
        typed = account_input(other)
        secret = typed.pop("password")
        result = await go_on(hass, await entry.start_reconfigure_flow(hass), typed)
        assert_form(result, "reconfigure", {"password": "secret_required"})
        assert not other.simulator.requests

        mistyped = {**typed, "server": {"environment": "custom", "base_url": "other"}}
        result = await go_on(hass, result, mistyped)
        assert_form(result, "reconfigure", {"server": "invalid_url"})

        result = await go_on(hass, result, {**typed, "password": secret})
        assert result["reason"] == "reconfigure_successful"
        assert entry.data["base_url"] == other.url


async def test_second_vehicle(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """A vehicle is added to an account, and set up."""
    await set_up(entry)
    first, second = simulator.vehicles
    result = await start_subentry(hass, entry)
    assert offered(result) == [SECOND_NAME]
    assert assert_form(result, "user") == {"vehicle": SECOND_NAME}
    assert result["description_placeholders"] == {"account": entry.title}

    result = await go_on(hass, result, {"vehicle": SECOND_NAME})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    added = list(entry.subentries.values())[1]
    assert (added.unique_id, added.title) == (second.id, SECOND_NAME)
    assert added.subentry_type == "vehicle"
    assert entry.state is ConfigEntryState.LOADED
    assert set(entry.runtime_data.coordinators) == set(entry.subentries)

    # None is left to choose, but one may still be typed.
    result = await start_subentry(hass, entry)
    assert assert_form(result, "user") == {"vehicle": None}
    assert isinstance(vehicle_selector(result), TextSelector)
    result = await go_on(hass, result, {"vehicle": first.id})
    assert_form(result, "user", {"vehicle": "already_configured"})
    third = simulator.add_vehicle()
    result = await go_on(hass, result, {"vehicle": third.id})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert list(entry.subentries.values())[2].unique_id == third.id


@pytest.mark.parametrize(("prepare", "errors"), VEHICLE_FAILURES)
async def test_second_vehicle_fails(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    prepare: Prepare,
    errors: dict[str, str],
) -> None:
    """A vehicle that cannot be read is not added, whether the entry is set up or not."""
    entry = account_entry(server)
    entry.add_to_hass(hass)
    result = await start_subentry(hass, entry)
    prepare(simulator)
    chosen = {"vehicle": simulator.vehicles[0].id}
    result = await go_on(hass, result, chosen)
    assert assert_form(result, "user", errors) == chosen
    result = await go_on(hass, result, {"vehicle": "second"})
    assert_form(result, "user", {"vehicle": "invalid_uuid"})
    assert not entry.subentries

    simulator.clear_faults()
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (added,) = entry.subentries.values()
    assert added.unique_id == simulator.vehicles[1].id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "token", "status": 503}, "cannot_connect"),
        ({"kind": "token", "body": b"[]"}, "invalid_response"),
        ({"kind": "vehicles", "status": 429}, "rate_limited"),
        ({"kind": "vehicles", "status": 401}, "invalid_auth"),
        ({"kind": "vehicles", "status": 403}, "forbidden"),
    ],
)
async def test_second_vehicle_cannot_be_chosen(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    fault: dict[str, Any],
    error: str,
) -> None:
    """Where the list fails, the reason is shown, and a vehicle may be typed."""
    entry.add_to_hass(hass)
    simulator.add_fault(**fault)
    result = await start_subentry(hass, entry)
    assert_form(result, "user", {"base": error})
    assert isinstance(vehicle_selector(result), TextSelector)

    simulator.clear_faults()
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_same_vehicle_at_once(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """A vehicle that is added in two windows is added once."""
    entry.add_to_hass(hass)
    forms = [await start_subentry(hass, entry) for _ in range(2)]
    chosen = {"vehicle": simulator.vehicles[1].id}
    results = await asyncio.gather(*(go_on(hass, form, chosen) for form in forms))
    assert {result["type"] for result in results} == {
        FlowResultType.CREATE_ENTRY,
        FlowResultType.ABORT,
    }
    assert {result.get("reason") for result in results} == {None, "already_configured"}
    assert len(entry.subentries) == 2


async def test_in_a_browser(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    hass_client: ClientSessionGenerator,
) -> None:
    """The forms can be written as JSON, and what a browser sends is understood."""
    assert await async_setup_component(hass, "config", {})
    # A test's server takes no more views once it runs.
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client()

    async def post(path: str, body: Input) -> dict[str, Any]:
        response = await client.post(f"/api/config/config_entries{path}", json=body)
        assert response.status == HTTPStatus.OK
        return dict(await response.json())

    result = await post("/flow", {"handler": DOMAIN})
    assert result["type"] == "menu"
    path = f"/flow/{result['flow_id']}"
    result = await post(path, {"next_step_id": "password"})
    *plain, folded = result["data_schema"]
    assert [field["name"] for field in plain] == [
        "username",
        "password",
        "organization_id",
        "user_id",
    ]
    assert all(field["required"] for field in plain)
    assert plain[1]["selector"]["text"]["type"] == "password"
    assert (folded["type"], folded["expanded"]) == ("expandable", False)
    assert [field["name"] for field in folded["schema"]] == ["environment", "base_url"]

    typed = account_input(server, user_id="?")
    result = await post(path, typed)
    assert result["errors"] == {"user_id": "invalid_uuid"}
    suggested = [
        field["description"]["suggested_value"] for field in result["data_schema"][:4]
    ]
    assert suggested == list(typed.values())[:4]
    result = await post(path, account_input(server))
    assert result["step_id"] == "vehicle"
    (vehicle,) = result["data_schema"]
    _, second = simulator.vehicles
    assert vehicle["selector"]["select"]["options"] == [FIRST_NAME, SECOND_NAME]
    result = await post(path, {"vehicle": FIRST_NAME})
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    assert simulator.account.password not in json.dumps(result)
    entry_id = result["result"]["entry_id"]
    assert result["result"]["supported_subentry_types"] == {
        "vehicle": {"supports_reconfigure": False}
    }

    result = await post("/subentries/flow", {"handler": [entry_id, "vehicle"]})
    path = f"/subentries/flow/{result['flow_id']}"
    result = await post(path, {"vehicle": second.id})
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert len(entry.subentries) == 2


async def test_texts(hass: HomeAssistant, server: Server) -> None:
    """Texts exist for what is asked for, and for nothing else."""
    vehicle = await start_vehicle(hass, server)
    forms = [vehicle, await start(hass, "password")]
    forms.append(await start(hass, "client_credentials"))
    for entry in (account_entry(server), client_entry(server)):
        entry.add_to_hass(hass)
        forms.append(dict(await entry.start_reauth_flow(hass)))
        forms.append(dict(await entry.start_reconfigure_flow(hass)))
    asked: dict[str, dict[str, Any]] = {"user": {}}
    for form in forms:
        suggestions = assert_form(form, form["step_id"])
        asked[form["step_id"]] = asked.get(form["step_id"], {}) | suggestions
    assert_same_fields(TRANSLATIONS["config"]["step"], asked)

    form = await start_subentry(hass, entry)
    asked = {"user": assert_form(form, "user")}
    assert_same_fields(TRANSLATIONS["config_subentries"]["vehicle"]["step"], asked)


def assert_same_fields(
    steps: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]
) -> None:
    """Check that texts and forms have the same steps, sections and fields."""
    assert steps.keys() == asked.keys()
    for step_id, suggestions in asked.items():
        places = {None: steps[step_id], **steps[step_id].get("sections", {})}
        by_place: dict[str | None, set[str]] = {None: set()}
        for name, value in suggestions.items():
            if isinstance(value, dict):
                by_place[name] = set(value)
            else:
                by_place[None].add(name)
        assert {
            name: set(place.get("data", ())) for name, place in places.items()
        } == by_place
        assert {
            name: set(place.get("data_description", ()))
            for name, place in places.items()
        } == by_place


def test_texts_of_choices() -> None:
    """Every choice and every way to end has its text."""
    texts = TRANSLATIONS["config"]
    menu = texts["step"]["user"]
    assert menu["menu_options"].keys() == menu["menu_option_descriptions"].keys()
    assert menu["menu_options"].keys() == SECRETS.keys()
    assert texts["abort"].keys() == {
        "already_configured",
        "reauth_successful",
        "reconfigure_successful",
    }
    environments = TRANSLATIONS["selector"]["environment"]["options"]
    assert environments.keys() == {*config_flow.ENVIRONMENTS, "custom"}
    vehicle = TRANSLATIONS["config_subentries"]["vehicle"]
    assert vehicle["abort"].keys() == {"already_configured"}
    assert vehicle["entry_type"]
    assert vehicle["initiate_flow"]["user"]
