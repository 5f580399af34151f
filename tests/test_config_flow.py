"""The config flow, against the simulator over real HTTP."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
import json
import logging
from pathlib import Path
import re
from typing import Any, cast
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    FlowType,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow, section
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.selector import SelectSelector
from homeassistant.setup import async_setup_component

from .dialogs import Input, account_input, sign_in_input, user_input
from .home import Home, account_entry
from .support import complaints
from custom_components import podero
from custom_components.podero import forms
from custom_components.podero.api import PoderoError
from custom_components.podero.const import DOMAIN
from simulator import Server, Simulator
from simulator.cloud import FIRST_CAR_ID

type Prepare = Callable[[Simulator], object]

TRANSLATIONS = json.loads(
    Path(podero.__file__).with_name("translations").joinpath("en.json").read_text()
)
SECRETS = {"password": "password", "client_credentials": "client_secret"}
FIRST_NAME, SECOND_NAME = "Volkswagen ID.4 Pro", "Hyundai Kona Electric"
FIRST_LABEL = f"{FIRST_NAME} (2023)"
UNKNOWN_ID = "00000000-1111-4222-8333-444444444444"


def fields(schema: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the fields of a form and their suggested values, sections nested."""
    return {
        str(marker): fields(value.schema.schema)
        if isinstance(value, section)
        else (marker.description or {}).get("suggested_value")
        for marker, value in schema.items()
    }


def assert_form(
    result: Mapping[str, Any], step_id: str, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Assert a form and its texts, and return the suggested value of each field."""
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
    # The frontend does not show an error at a field inside of a section.
    assert result["errors"].keys() <= {"base", *suggestions}
    return suggestions


def offered(result: Mapping[str, Any], field: str = "vehicles") -> list[str]:
    """Return the labels of what can be chosen."""
    selector = result["data_schema"].schema[field]
    assert isinstance(selector, SelectSelector)
    return [option["label"] for option in cast(list[Any], selector.config["options"])]


def assert_menu(result: Mapping[str, Any], step_id: str, options: list[str]) -> None:
    """Assert a menu and its texts."""
    assert result["type"] is FlowResultType.MENU
    assert (result["step_id"], result["menu_options"]) == (step_id, options)
    texts = TRANSLATIONS["config"]
    if not isinstance(result["handler"], str):
        texts = TRANSLATIONS["config_subentries"][result["handler"][1]]
    step = texts["step"][step_id]
    assert step["title"]
    assert step["description"]
    assert list(step["menu_options"]) == options


async def start(hass: HomeAssistant, grant: str = "password") -> dict[str, Any]:
    """Choose how to sign in, and return the form of the account."""
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert_menu(result, "user", ["password", "client_credentials"])
    result = await choose(hass, result, grant)
    assert_form(result, grant)
    return result


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


async def choose(
    hass: HomeAssistant, result: Mapping[str, Any], option: str
) -> dict[str, Any]:
    """Choose from a menu."""
    assert option in result["menu_options"]
    return await go_on(hass, result, {"next_step_id": option})


async def go_back(hass: HomeAssistant, result: Mapping[str, Any]) -> dict[str, Any]:
    """Go back from a form or a menu."""
    if result["type"] is FlowResultType.MENU:
        return await choose(hass, result, "back")
    return await go_on(hass, result, {"back": True})


async def start_vehicles(hass: HomeAssistant, server: Server) -> dict[str, Any]:
    """Submit the account and its user, and return the next step."""
    result = await go_on(hass, await start(hass), account_input(server))
    assert_form(result, "enter_user")
    return await go_on(hass, result, user_input(server))


async def start_subentry(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, Any]:
    """Start the flow that adds a vehicle, and return its first step."""
    return dict(
        await hass.config_entries.subentries.async_init(
            (entry.entry_id, "vehicle"), context={"source": SOURCE_USER}
        )
    )


def assert_created(result: Mapping[str, Any], *vehicle_ids: str) -> ConfigEntry:
    """Assert that an entry was created, is loaded, and has these vehicles."""
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry: ConfigEntry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert [sub.unique_id for sub in entry.subentries.values()] == list(vehicle_ids)
    return entry


# The account, and whose vehicles they are.


async def test_password(
    hass: HomeAssistant, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A homeowner types an organization and a user, and gets all cars."""
    simulator = server.simulator
    typed = account_input(server)
    result = await go_on(hass, await start(hass), typed)
    assert assert_form(result, "enter_user") == {
        "organization_id": typed["organization_id"],
        "user_id": None,
        "back": None,
    }
    result = await go_on(hass, result, user_input(server))
    ids = [car.id for car in simulator.vehicles]
    assert assert_form(result, "vehicles") == {"vehicles": ids, "back": None}
    assert offered(result) == [FIRST_LABEL, SECOND_NAME]
    assert result["last_step"] is True

    result = await go_on(hass, result, {"vehicles": ids})
    entry = assert_created(result, *ids)
    assert entry.title == "Podero"
    account = simulator.account
    assert entry.unique_id == f"{account.organization_id}_{account.user_id}"
    assert entry.data == account_entry(server).data
    first, second = entry.subentries.values()
    assert (first.title, second.title) == (FIRST_NAME, SECOND_NAME)
    assert (first.subentry_type, first.data) == ("vehicle", {})
    assert typed["password"] not in caplog.text


async def test_client_credentials(
    hass: HomeAssistant, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """With client credentials the organization is typed, and the user selected by name."""
    simulator = server.simulator
    caplog.set_level(logging.DEBUG)
    typed = account_input(server, "client_credentials")
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert assert_form(result, "choose_user") == {"user": None, "back": None}
    # Those with cars come first.
    names = [
        "Robin Resident (resident@example.com)",
        "Noa Neighbor (neighbor@example.com)",
    ]
    assert offered(result, "user") == names
    # They are listed with one request and one token.
    assert [request.path.rsplit("/")[-1] for request in simulator.requests] == [
        "",
        "users",
    ]

    result = await go_on(hass, result, {})
    assert_form(result, "choose_user", {"user": "no_choice"})
    result = await go_on(hass, result, {"user": simulator.account.user_id})
    assert_form(result, "vehicles")
    first = simulator.vehicles[0]
    entry = assert_created(
        await go_on(hass, result, {"vehicles": [first.id]}), first.id
    )
    del typed["server"]
    assert entry.data == {
        **typed,
        "grant": "client_credentials",
        "base_url": server.url,
        "user_id": simulator.account.user_id,
    }
    for personal in ("Robin", "Noa", "example.com", typed["client_secret"]):
        assert personal not in caplog.text


async def test_users_with_vehicles_come_first(
    hass: HomeAssistant, server: Server
) -> None:
    """A user with a car is preselected, and one without a name is shown by its id."""
    simulator = server.simulator
    simulator.vehicles.clear()
    simulator.add_vehicle(owner=simulator.neighbor)
    simulator.account.first_name = simulator.account.last_name = ""
    simulator.account.username = ""
    result = await go_on(
        hass,
        await start(hass, "client_credentials"),
        account_input(server, "client_credentials"),
    )
    assert offered(result, "user") == [
        "Noa Neighbor (neighbor@example.com)",
        simulator.account.user_id,
    ]
    result = await go_on(hass, result, {"user": simulator.neighbor.user_id})
    assert offered(result) == [SECOND_NAME]


async def test_only_user(hass: HomeAssistant, server: Server) -> None:
    """A single user is not asked for."""
    simulator = server.simulator
    stranger = simulator.stranger
    car = simulator.add_vehicle(owner=stranger)
    typed = account_input(
        server,
        "client_credentials",
        client_id=stranger.client_id,
        client_secret=stranger.client_secret,
        organization_id=stranger.organization_id,
    )
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert assert_form(result, "vehicles") == {"vehicles": [car.id], "back": None}
    entry = assert_created(await go_on(hass, result, {"vehicles": [car.id]}), car.id)
    assert entry.data["user_id"] == stranger.user_id


async def test_user_is_typed_if_the_list_is_refused(
    hass: HomeAssistant, server: Server
) -> None:
    """A 401 for the list of users does not mean that the sign-in was refused."""
    server.simulator.add_fault(kind="users", status=401)
    result = await go_on(hass, await start(hass), account_input(server))
    assert_form(result, "enter_user")


@pytest.mark.parametrize(
    "prepare",
    [
        lambda simulator: setattr(simulator, "lists_users", False),
        lambda simulator: simulator.add_fault(kind="users", status=403),
        lambda simulator: simulator.add_fault(kind="users", status=405),
        lambda simulator: simulator.add_fault(kind="users", status=422),
        lambda simulator: simulator.add_fault(kind="users", body=b'{"items": []}'),
        lambda simulator: simulator.add_fault(kind="users", body=b"[]"),
        lambda simulator: simulator.add_fault(kind="users", body=b'[{"id": 7}, 8]'),
    ],
)
async def test_user_is_typed_without_a_list(
    hass: HomeAssistant, server: Server, prepare: Prepare
) -> None:
    """If users cannot be listed, an id is typed."""
    prepare(server.simulator)
    typed = account_input(server, "client_credentials")
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert_form(result, "enter_user")
    result = await go_on(hass, result, user_input(server))
    assert_form(result, "vehicles")


@pytest.mark.parametrize("environment", ["production", "sandbox"])
async def test_named_environment(
    hass: HomeAssistant,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
) -> None:
    """An environment selects its address; an outage is not an error of that field."""
    simulator = server.simulator
    assert forms.ENVIRONMENTS == {
        "production": "https://app.podero.com",
        "sandbox": "https://sandbox-app.podero.com",
    }
    monkeypatch.setitem(forms.ENVIRONMENTS, environment, server.url)
    typed = account_input(server, server={"environment": environment})
    simulator.add_fault(status=503)
    result = await go_on(hass, await start(hass), typed)
    assert_form(result, "password", {"base": "cannot_connect"})

    simulator.clear_faults()
    result = await go_on(hass, result, typed)
    result = await go_on(hass, result, user_input(server))
    vehicle_id = simulator.vehicles[0].id
    result = await go_on(hass, result, {"vehicles": [vehicle_id]})
    assert assert_created(result, vehicle_id).data["base_url"] == server.url


async def test_production_is_the_default(hass: HomeAssistant) -> None:
    """The section of the server is collapsed and optional."""
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
        ({"organization_id": "mine"}, {"organization_id": "no_id"}),
        (
            {"organization_id": f"{UNKNOWN_ID} {FIRST_CAR_ID}", "password": ""},
            {"organization_id": "several_ids", "password": "secret_required"},
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
    hass: HomeAssistant, server: Server, changes: Input, errors: dict[str, str]
) -> None:
    """An error is shown at its field, whose value stays and can be corrected."""
    typed = account_input(server, **changes)
    result = await go_on(hass, await start(hass), typed)
    suggestions = assert_form(result, "password", errors)
    typed["server"].setdefault("base_url", None)
    assert suggestions == typed
    server_section = result["data_schema"].schema["server"]
    assert server_section.options == {"collapsed": "server" not in errors}

    result = await go_on(hass, result, account_input(server))
    assert_form(result, "enter_user")


@pytest.mark.parametrize("grant", ["password", "client_credentials"])
@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ({"kind": "token", "status": 500}, {"server": "cannot_connect"}),
        ({"kind": "token", "reset": True}, {"server": "cannot_connect"}),
        ({"kind": "token", "status": 429}, {"base": "rate_limited"}),
        ({"kind": "token", "body": b"<html>"}, {"server": "invalid_response"}),
        ({"kind": "token", "status": 404}, {"server": "invalid_response"}),
        ({"kind": "users", "status": 503}, {"server": "cannot_connect"}),
        ({"kind": "users", "status": 429}, {"base": "rate_limited"}),
        ({"kind": "users", "status": 409}, {"base": "conflict"}),
    ],
)
async def test_account_fails(
    hass: HomeAssistant,
    server: Server,
    grant: str,
    fault: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Each failure has its own message, and the form can be submitted again."""
    typed = account_input(server, grant)
    server.simulator.add_fault(**fault)
    result = await go_on(hass, await start(hass, grant), typed)
    assert assert_form(result, grant, errors) == typed

    server.simulator.clear_faults()
    result = await go_on(hass, result, typed)
    step_id = "enter_user" if grant == "password" else "choose_user"
    assert_form(result, step_id)


async def test_client_refused(hass: HomeAssistant, server: Server) -> None:
    """A refused client secret is shown at the secret."""
    typed = account_input(server, "client_credentials", client_secret="wrong")
    result = await go_on(hass, await start(hass, "client_credentials"), typed)
    assert_form(result, "client_credentials", {"client_secret": "invalid_auth"})

    typed = account_input(server, "client_credentials")
    assert_form(await go_on(hass, result, typed), "choose_user")


@pytest.mark.parametrize(
    ("grant", "changes", "errors"),
    [
        ("password", {"user_id": UNKNOWN_ID}, {"user_id": "not_listed"}),
        ("password", {"organization_id": UNKNOWN_ID}, {"user_id": "not_listed"}),
        ("client_credentials", {"user_id": UNKNOWN_ID}, {"user_id": "not_listed"}),
        ("password", {"user_id": "me"}, {"user_id": "no_id"}),
        ("password", {"user_id": ""}, {"user_id": "no_id"}),
        (
            "password",
            {"user_id": f"{UNKNOWN_ID}0", "organization_id": f"0x{UNKNOWN_ID}"[:36]},
            {"user_id": "no_id", "organization_id": "no_id"},
        ),
        (
            "password",
            {"user_id": f"{UNKNOWN_ID} {FIRST_CAR_ID}"},
            {"user_id": "several_ids"},
        ),
    ],
)
async def test_user_mistyped(
    hass: HomeAssistant,
    server: Server,
    grant: str,
    changes: Input,
    errors: dict[str, str],
) -> None:
    """A wrong user is shown at its field, and can be corrected."""
    server.simulator.lists_users = False
    result = await go_on(hass, await start(hass, grant), account_input(server, grant))
    typed = user_input(server, **changes)
    result = await go_on(hass, result, typed)
    suggestions = assert_form(result, "enter_user", errors)
    assert {field: suggestions[field] for field in typed} == typed

    result = await go_on(hass, result, user_input(server))
    assert_form(result, "vehicles")


async def test_organization_mistyped(hass: HomeAssistant, server: Server) -> None:
    """A corrected organization lists its users."""
    simulator = server.simulator
    grant = "client_credentials"
    typed = account_input(server, grant, organization_id=UNKNOWN_ID)
    result = await go_on(hass, await start(hass, grant), typed)
    assert assert_form(result, "enter_user")["organization_id"] == UNKNOWN_ID
    result = await go_on(hass, result, {"organization_id": UNKNOWN_ID})
    assert_form(result, "enter_user", {"user_id": "no_id"})
    result = await go_on(hass, result, {"organization_id": "my provider"})
    assert_form(result, "enter_user", {"organization_id": "no_id"})

    right = {"organization_id": simulator.account.organization_id}
    simulator.add_fault(kind="users", status=503)
    result = await go_on(hass, result, right)
    assert_form(result, "enter_user", {"base": "cannot_connect"})
    simulator.clear_faults()
    result = await go_on(hass, result, right)
    assert_form(result, "choose_user")
    result = await go_back(hass, result)
    assert (
        assert_form(result, "enter_user")["organization_id"] == right["organization_id"]
    )
    result = await go_on(hass, result, right)
    result = await go_on(hass, result, {"user": simulator.account.user_id})
    car = simulator.vehicles[0]
    entry = assert_created(await go_on(hass, result, {"vehicles": [car.id]}), car.id)
    assert entry.data == account_entry(server, grant=grant).data


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ({"status": 503}, {"base": "cannot_connect"}),
        ({"status": 429}, {"base": "rate_limited"}),
        ({"status": 401}, {"base": "invalid_auth"}),
        ({"status": 409}, {"base": "conflict"}),
    ],
)
async def test_vehicles_fail(
    hass: HomeAssistant, server: Server, fault: dict[str, Any], errors: dict[str, str]
) -> None:
    """A list that fails is shown in the form before it, which can be submitted again."""
    server.simulator.add_fault(kind="vehicles", **fault)
    result = await start_vehicles(hass, server)
    assert_form(result, "enter_user", errors)
    server.simulator.clear_faults()
    result = await go_on(hass, result, user_input(server))
    assert_form(result, "vehicles")

    server.simulator.add_fault(kind="vehicles", **fault)
    grant = "client_credentials"
    typed = account_input(server, grant)
    result = await go_on(hass, await start(hass, grant), typed)
    chosen = {"user": server.simulator.account.user_id}
    result = await go_on(hass, result, chosen)
    assert assert_form(result, "choose_user", errors) == {**chosen, "back": None}
    server.simulator.clear_faults()
    assert_form(await go_on(hass, result, chosen), "vehicles")


# Pasted ids and addresses.


@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        lambda text: text.replace("-", ""),
        lambda text: f"  {{{text}}}\n",
        lambda text: text.replace("-", " - "),
        lambda text: text.replace("-", "\N{EN DASH}"),
        lambda text: f'"{text}"',
        lambda text: f"https://app.podero.com/dashboard?tab={text}#users",
    ],
)
async def test_ids_are_stored_canonical(
    hass: HomeAssistant, server: Server, spell: Callable[[str], str]
) -> None:
    """Ids are found in pasted text, and other fields are stripped."""
    simulator = server.simulator
    simulator.lists_vehicles = False
    account, car = simulator.account, simulator.vehicles[0]
    typed = account_input(
        server,
        username=f" {account.username} ",
        organization_id=spell(account.organization_id),
        server={"environment": "custom", "base_url": f" {server.url}/ "},
    )
    result = await go_on(hass, await start(hass), typed)
    typed = user_input(server, user_id=spell(account.user_id), vehicle=spell(car.id))
    del typed["vehicle"]
    result = await go_on(hass, result, typed)
    assert_form(result, "enter_user", {"user_id": "not_listed"})
    result = await go_on(hass, result, {**typed, "vehicle": spell(car.id)})
    entry = assert_created(result, car.id)
    assert entry.unique_id == f"{account.organization_id}_{account.user_id}"
    assert entry.data == account_entry(server).data


async def test_blanks_around_a_client_secret(
    hass: HomeAssistant, server: Server
) -> None:
    """They come from pasting, and are removed."""
    grant, car = "client_credentials", server.simulator.vehicles[0]
    secret = server.simulator.account.client_secret
    typed = account_input(
        server,
        grant,
        client_secret=f" {secret}\t",
        organization_id=address(server, vehicle_id=car.id),
    )
    entry = assert_created(await go_on(hass, await start(hass, grant), typed), car.id)
    assert entry.data["client_secret"] == secret


async def test_blanks_around_a_new_client_secret(home: Home) -> None:
    """They are removed when the user signs in again or changes the account, too."""
    home = home.with_vehicles(0, grant="client_credentials")
    home.entry.add_to_hass(home.hass)
    before = dict(home.entry.data)
    typed = sign_in_input(
        home.server,
        "client_credentials",
        client_secret=f"{before['client_secret']} ",
    )
    result = await go_on(
        home.hass, await home.entry.start_reconfigure_flow(home.hass), typed
    )
    assert result["reason"] == "reconfigure_successful"
    assert home.entry.data == before
    result = await go_on(
        home.hass,
        await home.entry.start_reauth_flow(home.hass),
        {"client_secret": typed["client_secret"]},
    )
    assert result["reason"] == "reauth_successful"
    assert home.entry.data == before


async def test_blanks_around_a_password(home: Home) -> None:
    """A password may begin and end with blanks."""
    home.simulator.account.password = " new "
    home.entry.add_to_hass(home.hass)
    result = await go_on(
        home.hass, await home.entry.start_reauth_flow(home.hass), {"password": " new "}
    )
    assert result["reason"] == "reauth_successful"
    assert home.entry.data["password"] == " new "


def address(server: Server, *, vehicle_id: str | None = None) -> str:
    """Return the API's URL of the resident or of a vehicle."""
    account = server.simulator.account
    user = f"{server.url}/api/partners/v2.0/org/{account.organization_id}/users/{account.user_id}"
    return f"{user}/electric-vehicles/{vehicle_id}" if vehicle_id else user


@pytest.mark.parametrize("lists_vehicles", [True, False])
async def test_address_answers_everything(
    hass: HomeAssistant, server: Server, lists_vehicles: bool
) -> None:
    """A URL with all three ids needs no other step."""
    simulator = server.simulator
    simulator.lists_users = simulator.lists_vehicles = lists_vehicles
    car = simulator.vehicles[1]
    pasted = address(server, vehicle_id=car.id).upper()
    typed = account_input(server, organization_id=pasted)
    entry = assert_created(await go_on(hass, await start(hass), typed), car.id)
    assert entry.data == account_entry(server).data


async def test_address_of_a_user(hass: HomeAssistant, server: Server) -> None:
    """A URL with two ids leaves the selection of vehicles."""
    grant = "client_credentials"
    typed = account_input(server, grant, organization_id=address(server))
    result = await go_on(hass, await start(hass, grant), typed)
    assert offered(result) == [FIRST_LABEL, SECOND_NAME]
    # Going back shows the ids of the URL.
    result = await go_back(hass, result)
    assert assert_form(result, grant) == typed


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ("users/2f", "users/3f", {"user_id": "forbidden"}),
        ("electric-vehicles/c0", "electric-vehicles/c1", {"vehicle": "not_found"}),
    ],
)
async def test_address_with_a_mistake(
    hass: HomeAssistant, server: Server, old: str, new: str, errors: dict[str, str]
) -> None:
    """The ids of a URL are shown with the error of each."""
    car = server.simulator.vehicles[0]
    pasted = address(server, vehicle_id=car.id)
    assert old in pasted
    typed = account_input(server, organization_id=pasted.replace(old, new))
    result = await go_on(hass, await start(hass), typed)
    if errors == {"user_id": "forbidden"}:
        errors = {"vehicle": "forbidden"}
    suggestions = assert_form(result, "enter_user", errors)
    assert suggestions["organization_id"] == server.simulator.account.organization_id
    result = await go_on(hass, result, {**user_input(server), "vehicle": car.id})
    assert_created(result, car.id)


async def test_address_that_was_corrected(hass: HomeAssistant, server: Server) -> None:
    """What was entered instead of a URL's ids is shown again after going back."""
    car = server.simulator.vehicles[0]
    pasted = address(server).replace("users/2f", "users/3f")
    typed = account_input(server, organization_id=pasted)
    result = await go_on(hass, await start(hass), typed)
    corrected = {**user_input(server), "vehicle": car.id}
    result = await go_on(hass, result, {**corrected, "back": True})
    assert assert_form(result, "password") == typed
    result = await go_on(hass, result, typed)
    assert assert_form(result, "enter_user") == {**corrected, "back": None}
    assert_created(await go_on(hass, result, corrected), car.id)


async def test_address_typed_for_a_user(hass: HomeAssistant, server: Server) -> None:
    """A URL can be pasted into any field."""
    car = server.simulator.vehicles[0]
    result = await go_on(hass, await start(hass), account_input(server))
    pasted = address(server, vehicle_id=car.id)
    result = await go_on(hass, result, user_input(server, user_id=pasted))
    assert_created(result, car.id)


# The cars.


@pytest.mark.parametrize(
    "prepare",
    [
        lambda simulator: setattr(simulator, "lists_vehicles", False),
        lambda simulator: simulator.add_fault(kind="vehicles", status=404),
        lambda simulator: simulator.add_fault(kind="vehicles", status=403),
        lambda simulator: simulator.add_fault(kind="vehicles", status=405),
        lambda simulator: simulator.add_fault(kind="vehicles", body=b'{"items": []}'),
    ],
)
async def test_vehicle_is_typed_without_a_list(
    hass: HomeAssistant, server: Server, prepare: Prepare
) -> None:
    """For a selected user only the vehicle's id is asked if it cannot be listed."""
    simulator = server.simulator
    prepare(simulator)
    grant = "client_credentials"
    result = await go_on(hass, await start(hass, grant), account_input(server, grant))
    result = await go_on(hass, result, {"user": simulator.account.user_id})
    assert assert_form(result, "enter_vehicle") == {"vehicle": None, "back": None}
    assert result["last_step"] is True
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert_created(result, simulator.vehicles[1].id)


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_nothing_is_listed(
    hass: HomeAssistant, server: Server, status: int
) -> None:
    """Whether the list or the user is refused shows when the vehicle is read."""
    simulator = server.simulator
    simulator.lists_users = False
    simulator.add_fault(kind="vehicles", status=status)
    result = await start_vehicles(hass, server)
    suggestions = assert_form(result, "enter_user", {"user_id": "not_listed"})
    assert suggestions == {**user_input(server), "vehicle": None, "back": None}

    typed = {**user_input(server), "vehicle": UNKNOWN_ID}
    result = await go_on(hass, result, typed)
    errors = {"vehicle": "not_found"}
    assert assert_form(result, "enter_user", errors) == {**typed, "back": None}
    vehicle_id = simulator.vehicles[0].id
    result = await go_on(hass, result, {**typed, "vehicle": vehicle_id})
    assert_created(result, vehicle_id)


async def test_list_that_is_none(hass: HomeAssistant, server: Server) -> None:
    """An error that means that there is no list does not question the user."""
    server.simulator.add_fault(kind="vehicles", status=405)
    result = await start_vehicles(hass, server)
    assert_form(result, "enter_vehicle")


async def test_some_vehicles(hass: HomeAssistant, server: Server) -> None:
    """Some vehicles can be selected, but not none."""
    simulator = server.simulator
    third = simulator.add_vehicle()
    result = await start_vehicles(hass, server)
    ids = [car.id for car in simulator.vehicles]
    assert assert_form(result, "vehicles")["vehicles"] == ids
    for nothing in ({}, {"vehicles": []}):
        result = await go_on(hass, result, nothing)
        assert_form(result, "vehicles", {"vehicles": "no_choice"})
    result = await go_on(hass, result, {"vehicles": [ids[1], third.id]})
    assert_created(result, ids[1], third.id)


async def test_vehicle_options(hass: HomeAssistant, server: Server) -> None:
    """The options show what distinguishes the vehicles."""
    simulator = server.simulator
    first, second = simulator.vehicles
    third, fourth = simulator.add_vehicle(first.model), simulator.add_vehicle()
    second.override(device_model=None)
    third.override(device_model={"manufacturer": "Volkswagen", "model": "ID.4"})
    fourth.override(deleted_at="2026-01-01T00:00:00Z")
    fifth = simulator.add_vehicle(first.model)
    simulator.add_vehicle().override(id=None)
    simulator.add_vehicle().replace_document("nonsense")
    result = await start_vehicles(hass, server)
    assert offered(result) == [
        f"{FIRST_LABEL} …{first.id[-4:]}",
        "Electric vehicle",
        "Volkswagen ID.4",
        f"{FIRST_LABEL} …{fifth.id[-4:]}",
    ]
    chosen = [first.id, second.id, third.id, fifth.id]
    entry = assert_created(await go_on(hass, result, {"vehicles": chosen}), *chosen)
    assert [subentry.title for subentry in entry.subentries.values()] == [
        FIRST_NAME,
        "Electric vehicle",
        "Volkswagen ID.4",
        FIRST_NAME,
    ]


async def test_vehicle_options_that_end_alike(
    hass: HomeAssistant, server: Server
) -> None:
    """The options are distinct, whatever the ids end with."""
    first, second = server.simulator.vehicles
    twin = f"11111111{first.id[8:]}"
    second.override(**first.document() | {"id": twin})
    result = await start_vehicles(hass, server)
    assert offered(result) == [f"{FIRST_LABEL} …{first.id}", f"{FIRST_LABEL} …{twin}"]


@pytest.mark.parametrize(
    ("manufacturer", "model"), [("電" * 255, "x"), ("Ab " * 85, "Cd " * 85)]
)
async def test_long_names(
    hass: HomeAssistant,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    manufacturer: str,
    model: str,
) -> None:
    """Long names are shortened, so that entity ids are valid."""
    car = server.simulator.vehicles[0]
    car.override(device_model={"manufacturer": manufacturer, "model": model})
    result = await start_vehicles(hass, server)
    entry = assert_created(await go_on(hass, result, {"vehicles": [car.id]}), car.id)
    await hass.async_block_till_done()
    (subentry,) = entry.subentries.values()
    assert f"{manufacturer} {model}".startswith(subentry.title)
    assert len(hass.states.async_all()) > 20
    assert not complaints(caplog)


async def test_no_vehicles(hass: HomeAssistant, server: Server) -> None:
    """An account without vehicles leads to a menu."""
    simulator = server.simulator
    for car in simulator.vehicles:
        car.delete()
    result = await start_vehicles(hass, server)
    assert_menu(result, "no_vehicles", ["connect", "enter_vehicle", "back"])
    result = await go_back(hass, result)
    assert_form(result, "enter_user")
    result = await go_on(hass, result, user_input(server))
    result = await choose(hass, result, "enter_vehicle")
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[0].id})
    assert_form(result, "enter_vehicle", {"vehicle": "not_found"})
    result = await go_back(hass, result)
    assert_menu(result, "no_vehicles", ["connect", "enter_vehicle", "back"])

    result = await choose(hass, result, "connect")
    entry = assert_created(result)
    kind, flow_id = result["next_flow"]
    assert kind is FlowType.CONFIG_SUBENTRIES_FLOW
    flow = hass.config_entries.subentries.async_get(flow_id)
    assert flow["handler"] == (entry.entry_id, "vehicle")
    assert flow["step_id"] == "connect"


async def test_no_vehicles_and_no_service(hass: HomeAssistant, server: Server) -> None:
    """An account without vehicles is created although the service fails."""
    server.simulator.vehicles.clear()
    result = await start_vehicles(hass, server)
    server.simulator.add_fault(status=503)
    result = await choose(hass, result, "connect")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    assert not hass.config_entries.subentries.async_progress()


VEHICLE_FAILURES: list[tuple[Prepare, dict[str, str]]] = [
    (lambda simulator: simulator.vehicles[0].delete(), {"vehicle": "not_found"}),
    (
        lambda simulator: simulator.vehicles[0].override(
            deleted_at="2026-01-01T00:00:00Z"
        ),
        {"vehicle": "not_found"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=422),
        {"vehicle": "invalid_request"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=403),
        {"vehicle": "forbidden"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=409),
        {"base": "conflict"},
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
        lambda simulator: simulator.add_fault(kind="vehicle", body=b'{"error": {}}'),
        {"base": "invalid_response"},
    ),
    (
        lambda simulator: simulator.add_fault(kind="vehicle", status=401),
        {"base": "invalid_auth"},
    ),
]


@pytest.mark.parametrize(("prepare", "errors"), VEHICLE_FAILURES)
async def test_vehicle_fails(
    hass: HomeAssistant, server: Server, prepare: Prepare, errors: dict[str, str]
) -> None:
    """A vehicle that cannot be read is not stored."""
    simulator = server.simulator
    simulator.add_fault(kind="vehicles", status=405)
    result = await start_vehicles(hass, server)
    simulator.clear_faults()
    prepare(simulator)
    typed = {"vehicle": simulator.vehicles[0].id}
    result = await go_on(hass, result, typed)
    assert assert_form(result, "enter_vehicle", errors) == {**typed, "back": None}
    assert not hass.config_entries.async_entries(DOMAIN)

    simulator.clear_faults()
    result = await go_on(hass, result, {"vehicle": simulator.vehicles[1].id})
    assert_created(result, simulator.vehicles[1].id)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("my car", "no_id"),
        ("", "no_id"),
        (f"{FIRST_CAR_ID} {UNKNOWN_ID}", "several_ids"),
        (UNKNOWN_ID, "not_found"),
    ],
)
async def test_vehicle_mistyped(
    hass: HomeAssistant, server: Server, typed: str, error: str
) -> None:
    """A vehicle may be mistyped."""
    server.simulator.add_fault(kind="vehicles", status=405)
    result = await start_vehicles(hass, server)
    result = await go_on(hass, result, {"vehicle": typed})
    suggestions = assert_form(result, "enter_vehicle", {"vehicle": error})
    assert suggestions["vehicle"] == typed
    result = await go_on(hass, result, {"vehicle": FIRST_CAR_ID})
    assert_created(result, FIRST_CAR_ID)


# Going back, and two flows at once.


async def test_there_and_back(hass: HomeAssistant, server: Server) -> None:
    """Each form can go back, and keeps what was typed."""
    simulator = server.simulator
    grant = "client_credentials"
    typed = account_input(server, grant)
    result = await go_on(hass, await start(hass, grant), typed)
    result = await go_on(hass, result, {"user": simulator.neighbor.user_id})
    assert_menu(result, "no_vehicles", ["connect", "enter_vehicle", "back"])
    result = await choose(hass, result, "enter_vehicle")
    result = await go_on(hass, result, {"vehicle": "my car", "back": True})
    assert_menu(result, "no_vehicles", ["connect", "enter_vehicle", "back"])
    result = await choose(hass, result, "enter_vehicle")
    assert assert_form(result, "enter_vehicle")["vehicle"] == "my car"
    result = await go_back(hass, await go_back(hass, result))
    neighbor = {"user": simulator.neighbor.user_id}
    assert assert_form(result, "choose_user") == {**neighbor, "back": None}

    result = await go_on(hass, result, {"user": simulator.account.user_id})
    chosen = [simulator.vehicles[1].id]
    result = await go_on(hass, result, {"vehicles": chosen, "back": True})
    result = await go_on(hass, result, {"user": simulator.account.user_id})
    assert assert_form(result, "vehicles")["vehicles"] == chosen
    result = await go_back(hass, await go_back(hass, result))
    assert assert_form(result, grant) == typed

    # Values typed for another account are not suggested.
    simulator.lists_users = False
    server_input = {"environment": "custom", "base_url": f"{server.url}/"}
    result = await go_on(hass, result, {**typed, "server": server_input})
    assert assert_form(result, "enter_user")["user_id"] is None
    result = await go_on(hass, result, {**user_input(server), "back": True})
    assert assert_form(result, grant)["server"] == server_input
    result = await go_on(hass, result, {**typed, "server": server_input})
    suggestions = assert_form(result, "enter_user")
    assert suggestions["user_id"] == simulator.account.user_id
    result = await go_on(hass, result, user_input(server))
    assert_created(await go_on(hass, result, {"vehicles": chosen}), *chosen)


async def test_back_from_anothers_cars(hass: HomeAssistant, server: Server) -> None:
    """The vehicles of a user selected before are neither suggested nor ignored."""
    simulator = server.simulator
    car = simulator.add_vehicle(owner=simulator.neighbor)
    grant = "client_credentials"
    result = await go_on(hass, await start(hass, grant), account_input(server, grant))
    result = await go_on(hass, result, {"user": simulator.account.user_id})
    chosen = [simulator.vehicles[0].id]
    result = await go_on(hass, result, {"vehicles": chosen, "back": True})
    result = await go_on(hass, result, {"user": simulator.neighbor.user_id})
    assert assert_form(result, "vehicles")["vehicles"] == [car.id]
    result = await go_back(hass, result)
    simulator.lists_vehicles = False
    result = await go_on(hass, result, {"user": simulator.neighbor.user_id})
    assert_created(await go_on(hass, result, {"vehicle": car.id}), car.id)
    assert not ir.async_get(hass).issues


async def test_same_account_twice(home: Home) -> None:
    """An account is refused the second time; an organization offers its other users."""
    home.entry.add_to_hass(home.hass)
    result = await start_vehicles(home.hass, home.server)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert not any("vehicles" in request.path for request in home.simulator.requests)

    grant = "client_credentials"
    typed = account_input(home.server, grant)
    result = await go_on(home.hass, await start(home.hass, grant), typed)
    assert offered(result, "user") == ["Noa Neighbor (neighbor@example.com)"]
    neighbor = home.simulator.neighbor
    MockConfigEntry(
        domain=DOMAIN, unique_id=f"{neighbor.organization_id}_{neighbor.user_id}"
    ).add_to_hass(home.hass)
    result = await go_on(home.hass, await start(home.hass, grant), typed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


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
    hass: HomeAssistant, server: Server, taken: list[str], title: str
) -> None:
    """The titles of entries are distinct, and not personal."""
    for name in taken:
        MockConfigEntry(domain=DOMAIN, title=name, unique_id=name).add_to_hass(hass)
    result = await start_vehicles(hass, server)
    result = await go_on(hass, result, {"vehicles": [FIRST_CAR_ID]})
    assert result["title"] == title


async def test_same_account_at_once(hass: HomeAssistant, server: Server) -> None:
    """Of two flows for an account the first one wins, and aborts the other."""
    left = await start_vehicles(hass, server)
    result = await start_vehicles(hass, server)
    first, second = server.simulator.vehicles
    assert_created(await go_on(hass, result, {"vehicles": [first.id]}), first.id)

    with pytest.raises(UnknownFlow):
        await go_on(hass, left, {"vehicles": [second.id]})
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_same_vehicle_twice(home: Home) -> None:
    """A vehicle of one entry is neither offered to another nor accepted by it."""
    home.entry.add_to_hass(home.hass)
    home.hass.config_entries.async_update_entry(home.entry, unique_id="another account")
    result = await start_vehicles(home.hass, home.server)
    first, second = home.simulator.vehicles
    assert offered(result) == [SECOND_NAME]

    result = await go_on(home.hass, await start(home.hass), account_input(home.server))
    typed = user_input(home.server, vehicle=first.id)
    pasted = {**typed, "user_id": address(home.server, vehicle_id=first.id.upper())}
    del pasted["vehicle"]
    result = await go_on(home.hass, result, pasted)
    assert_form(result, "enter_user", {"vehicle": "already_configured"})
    result = await go_on(home.hass, result, {**typed, "vehicle": second.id})
    assert_created(result, second.id)


# Reauthentication and reconfiguration.


@pytest.fixture
def setups() -> Iterator[AsyncMock]:
    """Count how often entries are set up."""
    setup = AsyncMock(wraps=podero.async_setup_entry)
    with patch.object(podero, "async_setup_entry", setup):
        yield setup


@pytest.mark.parametrize(
    ("grant", "secret", "account"),
    [
        ("password", "password", r"resident\@example\.com"),
        ("client_credentials", "client_secret", r"demo\-energy"),
    ],
)
async def test_reauth(
    home: Home,
    setups: AsyncMock,
    grant: str,
    secret: str,
    account: str,
) -> None:
    """Only the secret is asked for, validated, stored, and used at once."""
    home = home.with_vehicles(0, grant=grant)
    await home.set_up()
    entry = home.entry
    home.simulator.revoke_tokens()
    setattr(home.simulator.account, secret, "new")
    result = dict(await entry.start_reauth_flow(home.hass))
    assert assert_form(result, "reauth_confirm") == {secret: None}
    assert result["description_placeholders"]["account"] == account

    before = dict(entry.data)
    result = await go_on(home.hass, result, {secret: "wrong"})
    errors = {secret: "invalid_auth"}
    assert assert_form(result, "reauth_confirm", errors) == {secret: "wrong"}
    home.simulator.add_fault(kind="token", status=503)
    result = await go_on(home.hass, result, {secret: "new"})
    assert_form(result, "reauth_confirm", {"base": "cannot_connect"})
    assert entry.data == before

    home.simulator.clear_faults()
    result = await go_on(home.hass, result, {secret: "new"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == {**before, secret: "new"}
    assert entry.title == account_entry(home.server).title
    assert setups.call_count == 2
    assert entry.state is ConfigEntryState.LOADED


async def test_reauth_without_the_list(home: Home) -> None:
    """An account whose list is refused, but not its cars, can sign in again."""
    await home.set_up()
    home.simulator.add_fault(kind="vehicles", status=403)
    password = {"password": home.simulator.account.password}
    result = dict(await home.entry.start_reauth_flow(home.hass))
    result = await go_on(home.hass, result, password)
    assert result["reason"] == "reauth_successful"
    await home.settle()
    home.break_vehicle(0, status=403)
    result = dict(await home.entry.start_reauth_flow(home.hass))
    result = await go_on(home.hass, result, password)
    assert_form(result, "reauth_confirm", {"base": "forbidden"})


@pytest.mark.parametrize("cars", [(), (0,)])
async def test_reauth_without_the_list_or_a_car(
    home: Home, cars: tuple[int, ...]
) -> None:
    """An account whose list is refused, and whose cars are gone, can sign in again."""
    home = home.with_vehicles(*cars)
    home.car.delete()
    await home.set_up()
    home.simulator.add_fault(kind="vehicles", status=403)
    result = dict(await home.entry.start_reauth_flow(home.hass))
    result = await go_on(
        home.hass, result, {"password": home.simulator.account.password}
    )
    assert result["reason"] == "reauth_successful"
    await home.settle()


async def test_reauth_keeps_no_secret(home: Home) -> None:
    """Whoever opens the flow later is not shown what was entered before."""
    await home.set_up()
    result = dict(await home.entry.start_reauth_flow(home.hass))
    result = await go_on(home.hass, result, {"password": "wrong"})
    suggested = assert_form(result, "reauth_confirm", {"password": "invalid_auth"})
    assert suggested == {"password": "wrong"}
    flow = home.hass.config_entries.flow
    later = dict(await flow.async_configure(result["flow_id"]))
    assert assert_form(later, "reauth_confirm") == {"password": None}


async def test_reauth_of_an_entry_that_failed(home: Home, setups: AsyncMock) -> None:
    """Reauthentication sets up an entry that has failed."""
    home.simulator.account.password = "new"
    await home.fail_to_set_up()
    await home.hass.async_block_till_done()
    (flow,) = home.hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH

    result = await go_on(home.hass, flow, {"password": "new"})
    assert result["reason"] == "reauth_successful"
    assert setups.call_count == 2
    assert home.entry.state is ConfigEntryState.LOADED


async def test_reauth_with_the_same_secret(home: Home, setups: AsyncMock) -> None:
    """The stored secret is accepted if the service accepts it again."""
    await home.set_up()
    result = dict(await home.entry.start_reauth_flow(home.hass))
    result = await go_on(
        home.hass, result, {"password": home.simulator.account.password}
    )
    assert result["reason"] == "reauth_successful"
    assert setups.call_count == 2
    assert home.entry.state is ConfigEntryState.LOADED


async def test_reconfigure(home: Home, setups: AsyncMock) -> None:
    """Changed values are stored, and an empty secret keeps the stored one."""
    await home.set_up()
    result = dict(await home.entry.start_reconfigure_flow(home.hass))
    typed = sign_in_input(home.server)
    del typed["password"]
    assert assert_form(result, "reconfigure") == {**typed, "password": None}
    assert result["last_step"] is True

    typed["username"] = home.simulator.account.username = "moved@example.com"
    result = await go_on(home.hass, result, typed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert home.entry.data == account_entry(home.server).data
    assert setups.call_count == 2
    assert home.entry.state is ConfigEntryState.LOADED

    result = await go_on(
        home.hass, await home.entry.start_reconfigure_flow(home.hass), typed
    )
    assert result["reason"] == "reconfigure_successful"
    assert setups.call_count == 3
    assert home.entry.state is ConfigEntryState.LOADED


async def test_reconfigure_client(home: Home) -> None:
    """A new client secret is stored, and a changed title is kept."""
    home = home.with_vehicles(0, grant="client_credentials")
    await home.set_up()
    entry = home.entry
    home.hass.config_entries.async_update_entry(entry, title="My supplier")
    await home.hass.async_block_till_done()
    home.simulator.account.client_secret = "new"
    typed = sign_in_input(home.server, "client_credentials", client_secret="wrong")
    result = await go_on(
        home.hass, await entry.start_reconfigure_flow(home.hass), typed
    )
    errors = {"client_secret": "invalid_auth"}
    assert assert_form(result, "reconfigure", errors) == typed

    result = await go_on(
        home.hass, result, sign_in_input(home.server, "client_credentials")
    )
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == account_entry(home.server, grant="client_credentials").data
    assert entry.title == "My supplier"


async def test_reconfigure_named_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named environment is shown by its name."""
    monkeypatch.setitem(forms.ENVIRONMENTS, "sandbox", home.server.url)
    home.entry.add_to_hass(home.hass)
    result = dict(await home.entry.start_reconfigure_flow(home.hass))
    server = {"environment": "sandbox", "base_url": None}
    assert assert_form(result, "reconfigure")["server"] == server


@pytest.mark.parametrize("lists_vehicles", [True, False])
async def test_reconfigure_with_credentials_of_another_account(
    home: Home, lists_vehicles: bool
) -> None:
    """Credentials without access to the account are refused, with or without a list."""
    home.simulator.lists_vehicles = lists_vehicles
    home.entry.add_to_hass(home.hass)
    before = dict(home.entry.data)
    typed = sign_in_input(
        home.server,
        username=home.simulator.neighbor.username,
        password=home.simulator.neighbor.password,
    )
    result = await go_on(
        home.hass, await home.entry.start_reconfigure_flow(home.hass), typed
    )
    assert_form(result, "reconfigure", {"base": "forbidden"})
    assert home.entry.data == before

    result = await go_on(home.hass, result, sign_in_input(home.server))
    assert result["reason"] == "reconfigure_successful"


async def test_reconfigure_without_a_car(home: Home) -> None:
    """Credentials of another account are refused without a car to try them with, too."""
    home = home.with_vehicles()
    home.entry.add_to_hass(home.hass)
    neighbor = home.simulator.neighbor
    typed = sign_in_input(
        home.server, username=neighbor.username, password=neighbor.password
    )
    result = await go_on(
        home.hass, await home.entry.start_reconfigure_flow(home.hass), typed
    )
    assert_form(result, "reconfigure", {"base": "forbidden"})


async def test_reconfigure_server(home: Home) -> None:
    """A stored secret is not sent to another server than it was typed for."""
    home.entry.add_to_hass(home.hass)
    async with Server(Simulator()) as other:
        typed = sign_in_input(other)
        secret = typed.pop("password")
        result = await go_on(
            home.hass, await home.entry.start_reconfigure_flow(home.hass), typed
        )
        assert_form(result, "reconfigure", {"password": "secret_required"})
        assert not other.simulator.requests

        mistyped = {**typed, "server": {"environment": "custom", "base_url": "other"}}
        result = await go_on(home.hass, result, mistyped)
        assert_form(result, "reconfigure", {"server": "invalid_url"})

        result = await go_on(home.hass, result, {**typed, "password": secret})
        assert result["reason"] == "reconfigure_successful"
        assert home.entry.data["base_url"] == other.url


# More cars.


MENU = ["connect", "enter_vehicle"]


async def test_more_vehicles(home: Home, setups: AsyncMock) -> None:
    """Several vehicles are added at once to an account, and set up once."""
    await home.set_up()
    _, second = home.simulator.vehicles
    third = home.simulator.add_vehicle()
    names = [f"{SECOND_NAME} …{car.id[-4:]}" for car in (second, third)]
    result = await start_subentry(home.hass, home.entry)
    assert_menu(result, "user", ["vehicles", *MENU])
    result = await choose(home.hass, result, "vehicles")
    chosen = [second.id, third.id]
    assert assert_form(result, "vehicles") == {"vehicles": chosen, "back": None}
    assert offered(result) == names
    result = await go_back(home.hass, result)
    assert_menu(result, "user", ["vehicles", *MENU])
    result = await choose(home.hass, result, "vehicles")

    result = await go_on(home.hass, result, {"vehicles": chosen})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    added = list(home.entry.subentries.values())[1:]
    assert [subentry.unique_id for subentry in added] == chosen
    assert [subentry.title for subentry in added] == [SECOND_NAME, SECOND_NAME]
    assert {subentry.subentry_type for subentry in added} == {"vehicle"}
    assert home.entry.state is ConfigEntryState.LOADED
    assert setups.call_count == 2
    devices = dr.async_entries_for_config_entry(
        dr.async_get(home.hass), home.entry.entry_id
    )
    assert len(devices) == 3

    # None is left to select, but one can be typed.
    result = await start_subentry(home.hass, home.entry)
    assert_menu(result, "none_left", MENU)
    result = await choose(home.hass, result, "enter_vehicle")
    result = await go_on(home.hass, result, {"vehicle": second.id})
    assert_form(result, "enter_vehicle", {"vehicle": "already_configured"})
    result = await go_back(home.hass, result)
    assert_menu(result, "none_left", MENU)
    fourth = home.simulator.add_vehicle()
    result = await choose(home.hass, result, "enter_vehicle")
    result = await go_on(home.hass, result, {"vehicle": fourth.id})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert list(home.entry.subentries.values())[3].unique_id == fourth.id


@pytest.mark.parametrize(
    ("prepare", "step_id"),
    [
        (lambda simulator: simulator.vehicles.clear(), "no_vehicles"),
        (lambda simulator: setattr(simulator, "lists_vehicles", False), "not_listed"),
        (
            lambda simulator: simulator.add_fault(kind="vehicles", status=403),
            "not_listed",
        ),
        (
            lambda simulator: simulator.add_fault(kind="vehicles", body=b"{}"),
            "not_listed",
        ),
    ],
)
async def test_no_vehicle_to_choose(home: Home, prepare: Prepare, step_id: str) -> None:
    """The menu says why there is no vehicle to select, and one can be typed."""
    home.entry.add_to_hass(home.hass)
    prepare(home.simulator)
    result = await start_subentry(home.hass, home.entry)
    assert_menu(result, step_id, MENU)
    result = await choose(home.hass, result, "enter_vehicle")
    result = await go_back(home.hass, result)
    assert_menu(result, step_id, MENU)
    result = await choose(home.hass, result, "enter_vehicle")
    added = home.simulator.add_vehicle()
    result = await go_on(home.hass, result, {"vehicle": added.id})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(("prepare", "errors"), VEHICLE_FAILURES)
async def test_typed_vehicle_fails(
    home: Home, prepare: Prepare, errors: dict[str, str]
) -> None:
    """A vehicle that cannot be read is not added."""
    home = home.with_vehicles()
    home.entry.add_to_hass(home.hass)
    result = await choose(
        home.hass, await start_subentry(home.hass, home.entry), "enter_vehicle"
    )
    prepare(home.simulator)
    typed = {"vehicle": home.car.id}
    result = await go_on(home.hass, result, typed)
    assert assert_form(result, "enter_vehicle", errors) == {**typed, "back": None}
    result = await go_on(home.hass, result, {"vehicle": "second"})
    assert_form(result, "enter_vehicle", {"vehicle": "no_id"})
    assert not home.entry.subentries

    home.simulator.clear_faults()
    result = await go_on(home.hass, result, {"vehicle": home.simulator.vehicles[1].id})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (added,) = home.entry.subentries.values()
    assert added.unique_id == home.simulator.vehicles[1].id


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "token", "status": 503}, "cannot_connect"),
        ({"kind": "token", "body": b"[]"}, "invalid_response"),
        ({"kind": "vehicles", "status": 429}, "rate_limited"),
        ({"kind": "vehicles", "status": 401}, "invalid_auth"),
        ({"kind": "vehicles", "status": 409}, "conflict"),
    ],
)
async def test_vehicles_cannot_be_listed(
    home: Home, fault: dict[str, Any], reason: str
) -> None:
    """A list that fails aborts the flow with its reason."""
    home.entry.add_to_hass(home.hass)
    home.simulator.add_fault(**fault)
    result = await start_subentry(home.hass, home.entry)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == reason
    assert reason in TRANSLATIONS["config_subentries"]["vehicle"]["abort"]


async def test_same_vehicle_at_once(home: Home) -> None:
    """Vehicles that are added in two flows are added once."""
    home.entry.add_to_hass(home.hass)
    third = home.simulator.add_vehicle()
    windows = [
        await choose(home.hass, await start_subentry(home.hass, home.entry), "vehicles")
        for _ in range(2)
    ]
    chosen = {"vehicles": [home.simulator.vehicles[1].id, third.id]}
    results = await asyncio.gather(
        *(go_on(home.hass, window, chosen) for window in windows)
    )
    assert {result["type"] for result in results} == {
        FlowResultType.CREATE_ENTRY,
        FlowResultType.ABORT,
    }
    assert {result.get("reason") for result in results} == {None, "already_configured"}
    assert len(home.entry.subentries) == 3


# Texts, and a browser.


async def test_in_a_browser(
    hass: HomeAssistant, server: Server, hass_client: ClientSessionGenerator
) -> None:
    """The forms can be serialized, and a browser's requests are accepted."""
    assert await async_setup_component(hass, "config", {})
    # No view can be registered once the test's server runs.
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
    *plain, server_section = result["data_schema"]
    assert [field["name"] for field in plain] == [
        "username",
        "password",
        "organization_id",
    ]
    assert all(field["required"] for field in plain)
    assert plain[1]["selector"]["text"]["type"] == "password"
    assert (server_section["type"], server_section["expanded"]) == ("expandable", False)
    assert [field["name"] for field in server_section["schema"]] == [
        "environment",
        "base_url",
    ]

    typed = account_input(server, organization_id="?")
    result = await post(path, typed)
    assert result["errors"] == {"organization_id": "no_id"}
    suggested = [
        field["description"]["suggested_value"] for field in result["data_schema"][:3]
    ]
    assert suggested == list(typed.values())[:3]
    result = await post(path, account_input(server))
    assert result["step_id"] == "enter_user"
    result = await post(path, user_input(server))
    assert result["step_id"] == "vehicles"
    vehicles, back = result["data_schema"]
    first, second = server.simulator.vehicles
    assert vehicles["description"]["suggested_value"] == [first.id, second.id]
    assert vehicles["selector"]["select"]["options"] == [
        {"value": first.id, "label": FIRST_LABEL},
        {"value": second.id, "label": SECOND_NAME},
    ]
    assert (back["name"], back["default"]) == ("back", False)
    result = await post(path, {"vehicles": [first.id]})
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    assert server.simulator.account.password not in json.dumps(result)
    entry_id = result["result"]["entry_id"]
    assert result["result"]["supported_subentry_types"] == {
        "vehicle": {"supports_reconfigure": False}
    }

    result = await post("/subentries/flow", {"handler": [entry_id, "vehicle"]})
    path = f"/subentries/flow/{result['flow_id']}"
    result = await post(path, {"next_step_id": "vehicles"})
    result = await post(path, {"vehicles": [second.id]})
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED
    assert len(entry.subentries) == 2


async def test_texts(hass: HomeAssistant, server: Server) -> None:
    """Exactly the fields of the forms have texts."""
    server.simulator.add_fault(kind="vehicles", status=403, count=1)
    grant = "client_credentials"
    forms = [await start(hass, "password"), await start(hass, grant)]
    forms.append(await start_vehicles(hass, server))
    forms.append(await start_vehicles(hass, server))
    forms.append(await go_on(hass, forms[1], account_input(server, grant)))
    server.simulator.lists_vehicles = False
    forms.append(
        await go_on(hass, forms[4], {"user": server.simulator.account.user_id})
    )
    for entry in (account_entry(server), account_entry(server, grant=grant)):
        entry.add_to_hass(hass)
        forms.append(dict(await entry.start_reauth_flow(hass)))
        forms.append(dict(await entry.start_reconfigure_flow(hass)))
    steps = {
        step_id: step
        for step_id, step in TRANSLATIONS["config"]["step"].items()
        if "menu_options" not in step
    }
    assert_same_fields(steps, forms)


def assert_same_fields(
    steps: Mapping[str, Any], forms: Iterable[Mapping[str, Any]]
) -> None:
    """Assert that texts and forms have the same steps, sections and fields."""
    asked: dict[str, dict[str, Any]] = {}
    for form in forms:
        suggestions = assert_form(form, form["step_id"], form["errors"])
        asked[form["step_id"]] = asked.get(form["step_id"], {}) | suggestions
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


def test_each_error_has_its_text() -> None:
    """Each error of the API has a text."""
    keys = {kind.key for kind in errors_of(PoderoError)}
    assert keys >= {"invalid_auth", "not_found", "untrusted_link"}
    texts = (
        TRANSLATIONS["config"]["error"],
        TRANSLATIONS["config_subentries"]["vehicle"],
    )
    assert keys <= texts[0].keys()
    assert keys <= texts[1]["error"].keys()


def errors_of(kind: type[PoderoError]) -> Iterator[type[PoderoError]]:
    """Yield all kinds of an error."""
    for narrower in kind.__subclasses__():
        yield narrower
        yield from errors_of(narrower)


def test_texts_of_choices() -> None:
    """Each option and each reason to abort has a text."""
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
    assert environments.keys() == {*forms.ENVIRONMENTS, "custom"}
    vehicle = TRANSLATIONS["config_subentries"]["vehicle"]
    assert vehicle["entry_type"]
    assert vehicle["initiate_flow"]["user"]
