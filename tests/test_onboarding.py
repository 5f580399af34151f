"""A new car is connected on Podero's page, from the dialog that adds a car."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
import json
import logging
from typing import Any

from freezegun import freeze_time
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .dialogs import SUBENTRY_FLOWS, Person, account_input, user_input, walk
from .home import Home
from .repository import read_texts
from .support import HeldFault, token_requests, until
from custom_components.podero import external_step, onboarding
from custom_components.podero.api import PriceZone, Vehicle
from custom_components.podero.const import DOMAIN
from custom_components.podero.http import DATA_TICKETS
from custom_components.podero.onboarding import default_price_zone, onboarding_language
from simulator import Server, Simulator
from simulator.connections import Connection

pytestmark = pytest.mark.usefixtures("seldom_polls")

TEXTS = read_texts("en")["config_subentries"]["vehicle"]
THIRD_NAME = "Renault Megane E-Tech"


@pytest.fixture
async def person(
    hass: HomeAssistant, server: Server, hass_client: ClientSessionGenerator
) -> AsyncIterator[Person]:
    """Return an administrator; no ticket may be left when the dialogs are closed."""
    hass.config.country = "AT"
    for domain in ("config", DOMAIN):
        assert await async_setup_component(hass, domain, {})
    yield Person(hass, await hass_client(), flows=SUBENTRY_FLOWS)
    manager = hass.config_entries.subentries
    for flow in manager.async_progress(include_uninitialized=True):
        manager.async_abort(flow["flow_id"])
    assert not hass.data.get(DATA_TICKETS)


async def begin(person: Person, home: Home) -> dict[str, Any]:
    """Choose to connect a car, and return the form for it."""
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id="connect")
    assert (step["type"], step["step_id"]) == ("form", "connect")
    return step


async def open_page(person: Person, home: Home) -> dict[str, Any]:
    """Go on to Podero's page."""
    step = await person.submit(await begin(person, home), price_zone="at")
    assert (step["type"], step["step_id"]) == ("external", "onboarding")
    return step


def connection(simulator: Simulator) -> Connection:
    """Return the only connection that was started."""
    (started,) = simulator.connections.values()
    return started


def assert_added(step: dict[str, Any], home: Home, vehicle_id: str) -> None:
    """Assert that the car was added to the account."""
    assert step["type"] == "create_entry"
    added = list(home.entry.subentries.values())[-1]
    assert (added.unique_id, added.title) == (vehicle_id, THIRD_NAME)


async def test_connect(
    home: Home, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """The flow opens Podero's page, and adds the car when the browser comes back."""
    caplog.set_level(logging.DEBUG)
    await home.set_up()
    person.headers["Accept-Language"] = "de-AT"
    step = await begin(person, home)
    zone, back = step["data_schema"]
    assert zone["description"] == {"suggested_value": "at"}
    assert back["name"] == "back"
    assert not home.simulator.connections

    step = await person.submit(step, price_zone="at")
    assert (step["type"], step["step_id"]) == ("external", "onboarding")
    started = connection(home.simulator)
    assert step["url"] == f"{home.server.url}/onboarding/{started.id}"
    request = next(r for r in home.simulator.requests if "onboarding" in r.path)
    assert request.json["language"] == "de"
    assert request.json["price_zone_default"] == "AT"
    assert request.json["user_id"] == home.simulator.account.user_id
    addresses = URL(started.success_url), URL(started.cancel_url)
    for address in addresses:
        assert address.path.startswith("/api/podero/return/")

    await person.sign_in(step, "2")
    step = await person.wait(step)
    assert_added(step, home, home.simulator.vehicles[2].id)
    await home.hass.async_block_till_done()
    assert len(home.entry.runtime_data.coordinators) == 2
    # Home Assistant logs the requests that it serves: the address that was used.
    for secret in (started.id, addresses[1].path):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "option",
    # Podero does not say which device it is, or does not list it.
    ["onboarding_names_device", "lists_vehicles"],
)
async def test_the_new_car_is_found(home: Home, person: Person, option: str) -> None:
    """The new car is found by either way, and not mistaken for another."""
    home.entry.add_to_hass(home.hass)
    setattr(home.simulator, option, False)
    step = await open_page(person, home)
    await person.sign_in(step, "2")
    assert_added(await person.wait(step), home, home.simulator.vehicles[2].id)
    assert len(home.entry.subentries) == 2


async def test_from_the_set_up(home: Home, person: Person) -> None:
    """The set-up of an account without cars continues with the connection of one."""
    home.simulator.vehicles.clear()
    result = await walk(
        home.hass,
        {"next_step_id": "password"},
        account_input(home.server),
        user_input(home.server),
        {"next_step_id": "connect"},
    )
    home = replace(home, entry=result["result"])
    step = await person.look({"flow_id": result["next_flow"][1]})
    assert (step["type"], step["step_id"]) == ("form", "connect")
    step = await person.submit(step, price_zone="at")
    await person.sign_in(step, "2")
    assert_added(await person.wait(step), home, home.car.id)


@pytest.mark.usefixtures("often_polls")
async def test_nobody_came_back_but_the_car_is_there(
    home: Home, person: Person
) -> None:
    """A window that is closed after the car was connected does not matter."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    started = connection(home.simulator)
    car = home.simulator.connect_vehicle(home.simulator.account.user_id, 2)
    started.object_id = car.id
    assert_added(await person.wait(step), home, car.id)


async def test_cancelled(home: Home, person: Person) -> None:
    """A cancelled onboarding ends the flow, and adds no car."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await person.sign_in(step, "cancel")
    await assert_ended(person, step, "cancelled")
    assert len(home.entry.subentries) == 1


async def test_cancelled_where_the_list_failed(home: Home, person: Person) -> None:
    """A car that was left out is not taken for a new one."""
    home.entry.add_to_hass(home.hass)
    home.simulator.add_fault(kind="vehicles", status=404, count=1)
    step = await person.add_vehicle(home.entry)
    assert step["step_id"] == "not_listed"
    step = await person.submit(step, next_step_id="connect")
    step = await person.submit(step, price_zone="at")
    await person.sign_in(step, "cancel")
    await assert_ended(person, step, "cancelled")
    assert len(home.entry.subentries) == 1


@pytest.mark.parametrize("failures", [1, 2])
async def test_connected_where_the_list_failed(
    home: Home, person: Person, failures: int
) -> None:
    """The new car is told from a list before and one after, or not at all."""
    home.entry.add_to_hass(home.hass)
    home.simulator.onboarding_names_device = False
    home.simulator.add_fault(kind="vehicles", status=404, count=failures)
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id="connect")
    step = await person.submit(step, price_zone="at")
    await person.sign_in(step, "2")
    step = await person.wait(step)
    if failures == 1:
        assert_added(step, home, home.simulator.vehicles[2].id)
    else:
        assert step["step_id"] == "not_connected"
        assert len(home.entry.subentries) == 1


async def test_cancelled_while_another_car_appears(home: Home, person: Person) -> None:
    """A car that was not connected in the dialog is not added after a cancellation."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    home.simulator.connect_vehicle(home.simulator.account.user_id, 2)
    await person.sign_in(step, "cancel")
    await assert_ended(person, step, "cancelled")
    assert len(home.entry.subentries) == 1


async def assert_ended(person: Person, step: dict[str, Any], reason: str) -> None:
    """Assert that a flow ends with a reason that has a text."""
    if step["type"] == "external":
        step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert TEXTS["abort"][reason]


@pytest.mark.usefixtures("often_polls")
async def test_expired(home: Home, person: Person) -> None:
    """An onboarding that has expired ends the flow."""
    home.entry.add_to_hass(home.hass)
    home.simulator.add_fault(
        kind="onboarding",
        body=json.dumps(
            {
                "id": "7",
                "authentication_url": "https://podero.example/page",
                "expiration_date": "2026-01-01T00:00:00Z",
            }
        ).encode(),
    )
    step = await open_page(person, home)
    await assert_ended(person, step, "expired")


async def test_nobody_came_back(
    home: Home, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow times out after half an hour."""
    assert onboarding.ONBOARDING_TIMEOUT == 30 * 60
    monkeypatch.setattr(onboarding, "ONBOARDING_TIMEOUT", 0.05)
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await assert_ended(person, step, "timed_out")


def change_password(simulator: Simulator) -> None:
    """Make the service refuse the stored credentials."""
    simulator.account.password = "another"
    simulator.revoke_tokens()


@pytest.mark.usefixtures("often_polls")
async def test_refused_meanwhile(home: Home, person: Person) -> None:
    """Refused credentials end the flow, and are not tried again and again."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    change_password(home.simulator)
    home.simulator.requests.clear()
    await assert_ended(person, step, "invalid_auth")
    assert len(token_requests(home.simulator)) <= 4


@pytest.mark.usefixtures("often_polls")
async def test_told_to_wait_meanwhile(home: Home, person: Person) -> None:
    """The flow does not ask before it may, but continues if the browser returns."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    home.simulator.add_fault(status=429, headers={"Retry-After": "600"}, count=1)
    home.simulator.requests.clear()
    await asyncio.sleep(0.2)
    assert len(home.simulator.requests) == 1
    await person.sign_in(step, "2")
    assert_added(await person.wait(step), home, home.simulator.vehicles[2].id)


@pytest.mark.parametrize("chooses_look", [False, True])
@pytest.mark.parametrize(
    ("status", "reason"),
    [(503, "cannot_connect"), (429, "rate_limited"), (None, "invalid_auth")],
)
async def test_back_and_not_known(
    home: Home, person: Person, status: int | None, reason: str, chooses_look: bool
) -> None:
    """The flow says why it cannot find out whether there is a new car."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    address = await person.choose(step, "heat-pump")
    if chooses_look:
        await person.visit(address)
        step = await person.wait(step)
    if status is None:
        change_password(home.simulator)
    else:
        home.simulator.add_fault(status=status)
    if chooses_look:
        step = await person.submit(step, next_step_id="look")
    else:
        await person.visit(address)
    await assert_ended(person, step, reason)


async def test_only_the_list_can_be_read(home: Home, person: Person) -> None:
    """The list is enough to find the new car, or that there is none yet."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    address = await person.choose(step, "heat-pump")
    home.simulator.add_fault(kind="onboarding", status=503)
    await person.visit(address)
    step = await person.wait(step)
    assert step["step_id"] == "not_connected"
    car = home.simulator.connect_vehicle(home.simulator.account.user_id, 2)
    step = await person.submit(step, next_step_id="look")
    assert_added(step, home, car.id)


@pytest.mark.usefixtures("often_polls")
async def test_nobody_looks(
    home: Home, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new car is added if the dialog does not continue, as on a phone."""
    monkeypatch.setattr(external_step, "RESULT_TIMEOUT", 0.1)
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await person.sign_in(step, "2")
    await until(lambda: len(home.entry.subentries) == 2)
    added = list(home.entry.subentries.values())[-1]
    assert added.unique_id == home.simulator.vehicles[2].id
    status, _ = await post(person, step)
    assert status == 404


@pytest.mark.usefixtures("often_polls")
async def test_nobody_looks_and_there_is_no_car(
    home: Home, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialog shows what to do when somebody comes back to it."""
    monkeypatch.setattr(external_step, "RESULT_TIMEOUT", 0.1)
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await person.sign_in(step, "heat-pump")
    manager = home.hass.config_entries.subentries
    await until(
        lambda: (
            [flow["step_id"] for flow in manager.async_progress()] == ["not_connected"]
        )
    )
    step = await person.submit(await person.look(step), next_step_id="connect")
    assert step["step_id"] == "connect"


async def test_back_without_a_car(home: Home, person: Person) -> None:
    """Without a new car the flow offers to look again, connect again or type an id."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await person.sign_in(step, "heat-pump")
    step = await person.wait(step)
    options = ["look", "connect", "enter_vehicle"]
    for _ in range(2):
        assert (step["type"], step["menu_options"]) == ("menu", options)
        assert TEXTS["step"]["not_connected"]["menu_options"].keys() == set(options)
        later = dt_util.now() + timedelta(minutes=5)
        with freeze_time(later):
            step = await person.submit(step, next_step_id="look")
        # The dialog shows that it looked again.
        assert step["description_placeholders"] == {"time": f"{later:%H:%M:%S}"}
    step = await person.submit(step, next_step_id="enter_vehicle")
    step = await person.submit(step, back=True)
    assert step["menu_options"] == options

    # It only needed a moment.
    home.simulator.onboarding_names_device = False
    car = home.simulator.connect_vehicle(home.simulator.account.user_id, 2)
    step = await person.submit(step, next_step_id="look")
    assert_added(step, home, car.id)


async def test_connected_again(home: Home, person: Person) -> None:
    """From that menu another onboarding can be started."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    await person.sign_in(step, "heat-pump")
    step = await person.wait(step)
    step = await person.submit(step, next_step_id="connect")
    # Going back leads to that menu, not to the one before it.
    step = await person.submit(step, back=True)
    assert step["step_id"] == "not_connected"
    step = await person.submit(step, next_step_id="connect")
    step = await person.submit(step, price_zone="de_lu")
    assert len(home.simulator.connections) == 2
    await person.sign_in(step, "2")
    assert_added(await person.wait(step), home, home.simulator.vehicles[2].id)


async def test_a_car_that_is_there(home: Home, person: Person) -> None:
    """A car that was only connected again is not added twice."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    started = connection(home.simulator)
    started.object_id = home.car.id
    status, _, _ = await person.visit(URL(started.success_url))
    assert status == 200
    await assert_ended(person, step, "already_configured")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 403}, "not_offered"),
        ({"status": 404}, "not_offered"),
        ({"status": 422}, "not_offered"),
        ({"status": 401}, "invalid_auth"),
        ({"status": 409}, "conflict"),
        ({"status": 429}, "rate_limited"),
        ({"status": 503}, "cannot_connect"),
        ({"body": b"[]"}, "invalid_response"),
        ({"body": b'{"authentication_url": "javascript:1"}'}, "untrusted_link"),
    ],
)
async def test_refused(
    home: Home, person: Person, fault: dict[str, Any], error: str
) -> None:
    """The form says why the onboarding cannot start, and can be submitted again."""
    home.entry.add_to_hass(home.hass)
    step = await begin(person, home)
    home.simulator.add_fault(kind="onboarding", **fault)
    step = await person.submit(step, price_zone="hu")
    assert (step["type"], step["errors"]) == ("form", {"base": error})
    assert step["data_schema"][0]["description"] == {"suggested_value": "hu"}
    assert TEXTS["error"][error]
    home.simulator.clear_faults()
    step = await person.submit(step, price_zone="hu")
    assert step["type"] == "external"


async def test_no_price_zone(home: Home, person: Person) -> None:
    """A price zone that is not known has to be selected."""
    home.hass.config.country = "SE"
    home.entry.add_to_hass(home.hass)
    home.simulator.vehicles[1].override(price_zone=None)
    home.car.override(price_zone=None)
    step = await begin(person, home)
    step = await person.submit(step)
    assert step["errors"] == {"price_zone": "no_choice"}
    step = await person.submit(step, back=True)
    assert (step["type"], step["step_id"]) == ("menu", "user")


async def test_closed_while_it_starts(home: Home, person: Person) -> None:
    """A flow that is closed while it starts leaves no ticket."""
    home.entry.add_to_hass(home.hass)
    step = await begin(person, home)
    held = HeldFault(kind="onboarding")
    home.simulator.add_fault(held)
    submitting = home.hass.async_create_task(person.submit(step, price_zone="at"))
    await until(lambda: any("onboarding" in r.path for r in home.simulator.requests))
    await person.close(step)
    held.let_go.set()
    assert (await submitting)["type"] == "abort"
    assert not home.hass.data.get(DATA_TICKETS)


async def test_the_account_is_reloaded_meanwhile(home: Home, person: Person) -> None:
    """A flow survives a reload of the account."""
    await home.set_up()
    step = await open_page(person, home)
    await home.reload()
    await home.hass.async_block_till_done()
    await person.sign_in(step, "2")
    assert_added(await person.wait(step), home, home.simulator.vehicles[2].id)


async def test_a_ticket_is_good_once(home: Home, person: Person) -> None:
    """A ticket can be used once."""
    home.entry.add_to_hass(home.hass)
    step = await open_page(person, home)
    address = await person.choose(step, "cancel")
    assert (await person.visit(address))[0] == 200
    assert (await person.visit(address))[0] == 404
    success = URL(connection(home.simulator).success_url)
    assert (await person.visit(success))[0] == 404
    await assert_ended(person, step, "cancelled")


@pytest.mark.parametrize(
    ("language", "known"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("sv", "sv"),
        ("fr", "en"),
        ("nb", "en"),
        ("", "en"),
        ("pl", "pl"),
        ("en-GB", "en"),
    ],
)
def test_languages(language: str, known: str) -> None:
    """The user's language is requested if the service supports it."""
    assert onboarding_language(language) == known


@pytest.mark.parametrize(
    ("country", "zones", "expected"),
    [
        ("AT", [], PriceZone.AT),
        ("DE", [], PriceZone.DE_LU),
        ("LU", [], PriceZone.DE_LU),
        ("GB", [], PriceZone.UK),
        ("SE", [], None),
        ("IT", [], None),
        ("US", [], None),
        (None, [], None),
        ("AT", [None], PriceZone.AT),
        ("AT", [PriceZone.HU, None], PriceZone.HU),
        ("SE", [PriceZone.SE_4, PriceZone.SE_3, PriceZone.SE_3], PriceZone.SE_3),
    ],
)
async def test_price_zones(
    hass: HomeAssistant,
    country: str | None,
    zones: list[PriceZone | None],
    expected: PriceZone | None,
) -> None:
    """The default is the zone of other cars, or of a country with a single one."""
    hass.config.country = country
    vehicles = [Vehicle(price_zone=zone) for zone in zones]
    assert default_price_zone(hass, vehicles) is expected


def test_texts() -> None:
    """Each zone that can be chosen has its text, the same as the sensor's."""
    texts = read_texts("en")
    zones = {zone.lower() for zone in PriceZone}
    assert texts["selector"]["price_zone"]["options"].keys() == zones
    assert (
        texts["selector"]["price_zone"]["options"]
        == texts["entity"]["sensor"]["price_zone"]["state"]
    )


# The dialog is open while something else happens.


async def post(person: Person, step: dict[str, Any], **answers: Any) -> tuple[int, Any]:
    """Submit a form, and return the status and the body of the response."""
    path = f"{SUBENTRY_FLOWS}/{step['flow_id']}"
    response = await person.client.post(path, json=answers)
    return response.status, await response.json()


async def test_reloaded_while_open(home: Home, person: Person) -> None:
    """A reload of the account does not disturb the dialog."""
    await home.set_up()
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id="enter_vehicle")
    await home.reload()
    step = await person.submit(step, vehicle=home.simulator.vehicles[1].id)
    assert step["type"] == "create_entry"


@pytest.mark.parametrize("name", ["enter_vehicle", "vehicles", "connect"])
async def test_removed_while_open(home: Home, person: Person, name: str) -> None:
    """The removal of the account closes the dialog."""
    await home.set_up()
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id=name)
    await home.remove()
    status, _ = await post(person, step)
    assert status == 404


async def test_removed_while_connecting(home: Home, person: Person) -> None:
    """The return from Podero's page finds no dialog."""
    await home.set_up()
    step = await open_page(person, home)
    await home.remove()
    assert not home.hass.data.get(DATA_TICKETS)
    status, _ = await post(person, step)
    assert status == 404


async def test_some_were_added_while_open(home: Home, person: Person) -> None:
    """The others that were chosen are added."""
    await home.set_up()
    third = home.simulator.add_vehicle()
    second = home.simulator.vehicles[1]
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id="vehicles")
    home.add_vehicle(1)
    await home.settle()
    step = await person.submit(step, vehicles=[second.id, third.id])
    assert step["type"] == "create_entry"
    await home.settle()
    ids = [subentry.unique_id for subentry in home.entry.subentries.values()]
    assert ids == [home.car.id, second.id, third.id]
    step = await person.add_vehicle(home.entry)
    assert step["step_id"] == "none_left"


async def test_a_choice_that_is_no_longer_offered(home: Home, person: Person) -> None:
    """It is not suggested when the user goes back and forth."""
    await home.set_up()
    third = home.simulator.add_vehicle()
    step = await person.add_vehicle(home.entry)
    step = await person.submit(step, next_step_id="vehicles")
    chosen = [home.simulator.vehicles[1].id, third.id]
    home.add_vehicle(1)
    await home.settle()
    step = await person.submit(step, vehicles=chosen, back=True)
    step = await person.submit(step, next_step_id="vehicles")
    field = next(field for field in step["data_schema"] if field["name"] == "vehicles")
    options = field["selector"]["select"]["options"]
    assert [option["value"] for option in options] == [third.id]
    # The only one is always suggested.
    assert field["description"]["suggested_value"] == [third.id]
