"""Nothing secret or personal is shown, logged, stored or raised."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
import json
import logging
import re
import traceback
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    MATCH_ALL,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.json import JSONEncoder
from homeassistant.setup import async_setup_component

from .dialogs import Person, issues
from .home import Home
from custom_components.podero.const import DOMAIN

pytestmark = pytest.mark.usefixtures("without_retry_delay")

LATITUDE, LONGITUDE = 48.7654321, 16.1357924

# Marks for what must be shown nowhere.
MARKS = {
    "user name": "zq-user@example.com",
    "password": "zq-password",
    "new password": "zq-new-secret",
    "wrong password": "zq-wrong-secret",
    "client id": "zq-client-id",
    "client secret": "zq-client-secret",
    "first name": "zq-Robin",
    "last name": "zq-Resident",
    "another's e-mail": "zq-neighbor@example.com",
    "embedding": "zq-embed-token",
    "authorization": "zq-authorize-state",
    "message": "zq-message-text",
    "comment of another type": "zq, of the wrong type",
    "latitude": str(LATITUDE),
    "longitude": str(LONGITUDE),
}
PATTERNS = {
    "token": r"(access|refresh)-[0-9a-f]{40}",
    "link secret": r"\d{9,}\.\d{3}-\d+-[0-9a-f]{32}",
    "secret in a query": r"secret=[^ '\"]",
}
# The reauthentication form contains the credentials that its user has typed.
OWN_DATA = {"user name", "password", "new password", "client id", "client secret"}


@dataclass
class Witness:
    """Remember everything that was shown, written, logged or raised."""

    patterns: Mapping[str, re.Pattern[str]]
    places: dict[str, list[str]] = field(default_factory=dict)

    def note(self, place: str, thing: object) -> None:
        """Remember what was seen at a place."""
        text = thing if isinstance(thing, str) else _text(thing)
        self.places.setdefault(place, []).append(text)

    def note_exception(self, error: BaseException) -> None:
        """Remember an exception with its causes and contexts."""
        self.note("exceptions", "".join(traceback.format_exception(error)))
        chain: list[BaseException] = [error]
        for link in chain:
            chain += filter(None, (link.__cause__, link.__context__))
            self.note("exceptions", repr(link))
            self.note("exceptions", repr(vars(link)))

    def found(self, place: str) -> set[str]:
        """Return the marks that were found at a place."""
        return {
            name
            for name, pattern in self.patterns.items()
            for text in self.places[place]
            if pattern.search(text)
        }


def _text(thing: object) -> str:
    return json.dumps(thing, cls=JSONEncoder, default=str)


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home in which everything secret or personal can be recognized."""
    simulator = home.simulator
    account, neighbor = simulator.account, simulator.neighbor
    account.username, account.password = MARKS["user name"], MARKS["password"]
    account.first_name, account.last_name = MARKS["first name"], MARKS["last name"]
    for one in (account, neighbor):
        one.client_id, one.client_secret = MARKS["client id"], MARKS["client secret"]
    neighbor.username = MARKS["another's e-mail"]
    simulator.add_vehicle(owner=neighbor)
    for car in simulator.vehicles:
        car.override(
            embeddable_url=f"https://embed.example/?token={MARKS['embedding']}",
            authorization_url=f"https://maker.example/?state={MARKS['authorization']}",
            latitude=LATITUDE,
            longitude=LONGITUDE,
        )
    return home


@pytest.fixture
def witness(home: Home, caplog: pytest.LogCaptureFixture) -> Witness:
    """Watch the log and the events."""
    caplog.set_level(logging.DEBUG)
    neighbor = home.simulator.neighbor
    pair = b64encode(f"{MARKS['client id']}:{MARKS['client secret']}".encode())
    texts = MARKS | {
        "organization": neighbor.organization_id,
        "user": home.simulator.account.user_id,
        "another user": neighbor.user_id,
        "basic": pair.decode(),
    }
    witness = Witness(
        {name: re.compile(re.escape(text)) for name, text in texts.items()}
        | {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
    )

    @callback
    def note(event: Event[Any]) -> None:
        entity_id = str(event.data.get("entity_id"))
        # A tracker has to show the location.
        if not entity_id.startswith("device_tracker."):
            witness.note("events", [event.event_type, event.data])

    home.hass.bus.async_listen(MATCH_ALL, note)
    for event_type in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        home.hass.bus.async_listen(
            event_type, note, event_filter=callback(lambda _: True)
        )
    return witness


@pytest.fixture(autouse=True)
async def _diagnostics(hass: HomeAssistant) -> None:
    """Set up diagnostics before the server of the person's frontend runs."""
    assert await async_setup_component(hass, "diagnostics", {})


# Answers of a service or proxy that echo what was sent.
ECHO = json.dumps(MARKS | {"error": MARKS["password"], "reason": MARKS["password"]})
REFUSALS: list[dict[str, Any]] = [
    *({"status": status, "body": ECHO.encode()} for status in (400, 403, 404, 409)),
    *({"status": status, "body": ECHO.encode()} for status in (410, 422, 429, 503)),
    {"status": 302, "headers": {"Location": f"https://x.example/?{ECHO}"}},
    {"status": 500, "headers": {"Set-Cookie": f"zq={MARKS['password']}; =;"}},
    {"status": 503, "headers": {"Retry-After": MARKS["password"]}},
]
FAULTS: list[dict[str, Any]] = [
    *REFUSALS,
    {"body": ECHO.encode()},
    {"body": ECHO[:-2].encode()},
    {"body": f"[{ECHO}]".encode()},
    {"body": f'"{MARKS["password"]}"'.encode()},
    {"body": ECHO.encode(), "headers": {"Content-Encoding": "gzip"}},
    *({"truncate_at": 1500}, {"reset": True}),
]
CAR = "volkswagen_id_4_pro"
CONTROLS: list[tuple[str, str, dict[str, Any]]] = [
    ("number.set_value", f"number.{CAR}_minimum_level_by_deadline", {"value": 85}),
    ("switch.turn_off", f"switch.{CAR}_smart_optimization", {}),
    ("time.set_value", f"time.{CAR}_charge_by", {"time": "07:00:00"}),
    ("button.press", f"button.{CAR}_charge_now", {}),
    ("podero.pause_charging", f"button.{CAR}_charge_now", {"duration": {"hours": 1}}),
]


async def _add_account(home: Home, witness: Witness, grant: str) -> ConfigEntry:
    """Walk through the flow, with invalid input and failures of the service."""
    name, secret, account = {
        "password": ("username", "password", home.simulator.account),
        "client_credentials": ("client_id", "client_secret", home.simulator.neighbor),
    }[grant]
    typed = {
        name: getattr(account, name),
        secret: MARKS["wrong password"],
        "organization_id": account.organization_id,
        "server": {"environment": "custom", "base_url": home.server.url},
    }
    flow = home.hass.config_entries.flow
    flow_id = (await flow.async_init(DOMAIN, context={"source": SOURCE_USER}))[
        "flow_id"
    ]

    async def submit(values: dict[str, Any]) -> Any:
        result = await flow.async_configure(flow_id, values)
        witness.note("forms", {**result, "data_schema": None, "result": None})
        return result

    await submit({"next_step_id": grant})
    await submit(typed)
    typed[secret] = getattr(account, secret)
    for fault in REFUSALS:
        home.simulator.add_fault(kind="token", **fault)
        assert (await submit(typed))["errors"]
        home.simulator.clear_faults()
    user = {"user": account.user_id}
    if (await submit(typed))["step_id"] == "enter_user":
        user = {
            "organization_id": account.organization_id,
            "user_id": account.user_id,
        }
    vehicle = next(car for car in home.simulator.vehicles if car.owner is account)
    for fault in REFUSALS:
        home.simulator.add_fault(kind="vehicles", **fault)
        # It may be that only the list is refused.
        step = await submit(user)
        home.simulator.clear_faults()
        if step["step_id"] == "enter_vehicle":
            await submit({"back": True})
        else:
            assert step["errors"]
    home.simulator.lists_vehicles = False
    if (await submit(user))["step_id"] == "enter_vehicle":
        user = {}
    for fault in REFUSALS:
        home.simulator.add_fault(kind="vehicle", **fault)
        assert (await submit({**user, "vehicle": vehicle.id}))["errors"]
        home.simulator.clear_faults()
    home.simulator.lists_vehicles = True
    entry: ConfigEntry = (await submit({**user, "vehicle": vehicle.id}))["result"]
    await home.hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def _poll_through_faults(
    home: Home, witness: Witness, entry: ConfigEntry
) -> None:
    """Poll while every kind of request goes wrong in every way."""
    (coordinator,) = entry.runtime_data.coordinators.values()
    for fault in FAULTS:
        home.simulator.add_fault(kind="vehicle", **fault)
        await coordinator.async_refresh()
        home.simulator.clear_faults()
        await coordinator.async_refresh()
        home.simulator.revoke_tokens()
        home.simulator.add_fault(kind="token", **fault)
        await coordinator.async_refresh()
        home.simulator.clear_faults()
        witness.note_exception(coordinator.last_exception)
        await coordinator.async_refresh()
        assert coordinator.last_update_success
    for name in ("battery_level", "is_charging", "boost_state", "latitude", "owner"):
        home.car.override(**{name: MARKS["comment of another type"]})
        await coordinator.async_refresh()
        home.car.clear_overrides(name)
    home.car.override(latitude=LATITUDE, news=MARKS)
    await coordinator.async_refresh()
    assert not home.reauth_flows()


async def _use_controls(home: Home, witness: Witness) -> None:
    """Call every action that writes, with every refusal."""
    for action, entity_id, data in CONTROLS:
        for fault in REFUSALS:
            home.simulator.add_fault(**fault)
            with pytest.raises(HomeAssistantError) as raised:
                await home.call(action, entity_id=entity_id, **data)
            home.simulator.clear_faults()
            witness.note_exception(raised.value)
            witness.note("exceptions", str(raised.value))
            await home.settle()


async def _repair(home: Home, witness: Witness, person: Person) -> None:
    """Raise every kind of issue, and try to fix each, with and without success."""
    car = home.car
    car.raise_reauthenticate()
    car.raise_message(MARKS["message"])
    car.raise_unknown_action("consent", url=f"https://x.example/?{MARKS['embedding']}")
    await home.later()
    assert len(issues(home.hass)) == 3
    witness.note("issues", [issue.to_json() for issue in issues(home.hass).values()])
    witness.note("issues", [vars_of(issue) for issue in issues(home.hass).values()])
    for issue_id in list(issues(home.hass)):
        for fault in (*REFUSALS, {"body": b'{"redirect_url": "javascript:zq"}'}):
            home.simulator.add_fault(kind="cues", **fault)
            step = await person.fix(issue_id)
            home.simulator.clear_faults()
            witness.note(
                "issues", [vars_of(issue) for issue in issues(home.hass).values()]
            )
            witness.note("forms", _but(step, "url", "description_placeholders"))
    reconnect = next(issue for issue in issues(home.hass) if issue.startswith("reauth"))
    step = await person.fix(reconnect)
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"
    car.clear_actions()
    await home.later()
    assert not issues(home.hass)


def vars_of(issue: ir.IssueEntry) -> dict[str, Any]:
    """Return all that an issue holds."""
    return {name: getattr(issue, name) for name in issue.__slots__ or vars(issue)}


async def _sign_in_again(home: Home, witness: Witness, entry: ConfigEntry) -> None:
    """Change the password, mistype it in the reauthentication flow, and enter it."""
    home.simulator.account.password = MARKS["new password"]
    home.simulator.revoke_tokens()
    await home.later()
    (flow,) = home.reauth_flows()
    witness.note(
        "issues", [vars_of(i) for i in ir.async_get(home.hass).issues.values()]
    )
    for password in (MARKS["wrong password"], MARKS["new password"]):
        result = await home.hass.config_entries.flow.async_configure(
            flow["flow_id"], {"password": password}
        )
        witness.note("forms", {**result, "data_schema": None})
    await home.hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_nothing_leaks(
    home: Home,
    witness: Witness,
    person: Person,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No mark is found after all flows, polls, controls and repairs."""
    entry = await _add_account(home, witness, "password")
    other = await _add_account(home, witness, "client_credentials")
    await _poll_through_faults(home, witness, entry)
    await _use_controls(home, witness)
    await _repair(home, witness, person)
    await _sign_in_again(home, witness, entry)
    for account in (entry, other):
        witness.note(
            "diagnostics",
            await get_diagnostics_for_config_entry(home.hass, hass_client, account),
        )
        (device,) = dr.async_entries_for_config_entry(
            dr.async_get(home.hass), account.entry_id
        )
        witness.note(
            "diagnostics",
            await get_diagnostics_for_device(home.hass, hass_client, account, device),
        )
        witness.note("objects", repr(account.runtime_data))
    for state in home.hass.states.async_all():
        tracked = {*state.attributes} & {"latitude", "longitude"}
        assert not tracked or state.domain in {"device_tracker", "zone"}
        witness.note("states", [state.state, _but(state.attributes, *tracked)])
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.hass.async_block_till_done()
    for key, content in hass_storage.items():
        witness.note("storage", [key, _without_own_data(key, content)])
    for record in caplog.records:
        witness.note("log", _logged(record))

    assert len(witness.places["log"]) > 500
    assert {"core.config_entries", "core.device_registry"} <= hass_storage.keys()
    assert "zq-password" not in json.dumps(_but(hass_storage, "core.config_entries"))
    assert MARKS["new password"] in json.dumps(hass_storage["core.config_entries"])
    leaks = {place: witness.found(place) for place in witness.places}
    # The reauthentication form shows the account to its user.
    leaks["forms"] -= {*OWN_DATA, "organization", "user", "another user"}
    assert not {place: names for place, names in leaks.items() if names}
    assert leaks.keys() == {
        *("diagnostics", "events", "exceptions", "forms", "issues", "log"),
        *("objects", "states", "storage"),
    }


def _but(mapping: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _without_own_data(key: str, content: Any) -> Any:
    """Return a stored file without the account's data and the states of trackers."""
    if key == "core.config_entries":
        entries = content["data"]["entries"]
        return [_but(entry, "data", "unique_id") for entry in entries]
    if key == "core.restore_state":
        return [
            state
            for state in content["data"]
            if not state["state"]["entity_id"].startswith("device_tracker.")
        ]
    return content


def _logged(record: logging.LogRecord) -> str:
    """Return the text of a log record, unless it is a test's or a tracker's."""
    if record.name.startswith("pytest_homeassistant"):
        return ""
    text = record.getMessage()
    if "entity_id=device_tracker." in text:
        return ""
    if record.exc_info:
        text += "".join(traceback.format_exception(*record.exc_info))
    return text


def test_what_is_searched_for_is_found(hass: HomeAssistant) -> None:
    """The search finds a mark in a nested value."""
    witness = Witness({"password": re.compile("zq-password")})
    witness.note("log", "nothing")
    assert not witness.found("log")
    witness.note("log", {"deep": [{"down": "a zq-password b"}]})
    assert witness.found("log") == {"password"}
