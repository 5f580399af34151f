"""Repair flows, and every way in which they end."""

import asyncio
from itertools import pairwise
import json
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .dialogs import Person, bring_about, cues, issues, kinds, only_issue
from .home import Home
from .support import HeldFault, until
from custom_components.podero import external_step, repairs
from custom_components.podero.const import DOMAIN
from custom_components.podero.diagnostics import async_get_config_entry_diagnostics
from custom_components.podero.http import DATA_TICKETS
from simulator import Simulator

pytestmark = pytest.mark.usefixtures("seldom_polls", "without_retry_delay")

STEP = "data_entry_flow_progressed"


@pytest.fixture
async def reconnect(home: Home) -> str:
    """Set up a car that has to be reconnected, and return the id of its issue."""
    home.car.raise_reauthenticate()
    await home.set_up()
    return only_issue(home.hass).issue_id


def reports(simulator: Simulator) -> list[str]:
    """Return the outcomes that were reported."""
    return [request.json["state"] for request in cues(simulator, "/state")]


# Reconnecting a car.


async def test_reconnect(home: Home, person: Person, reconnect: str) -> None:
    """The flow explains, opens the sign-in, reports its outcome, and verifies it."""
    step = await person.open(reconnect)
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    assert step["description_placeholders"] == {"vehicle": "Car 1"}
    assert not cues(home.simulator)

    step = await person.submit(step)
    assert (step["type"], step["step_id"]) == ("external", "sign_in")
    assert step["url"].startswith(f"{home.server.url}/maker/sign-in/")
    (request,) = cues(home.simulator)
    assert request.json.keys() == {"successUrl", "cancelUrl", "language"}
    assert request.json["language"] == "en"

    progressed = async_capture_events(home.hass, STEP)
    await person.sign_in(step)
    step = await person.wait(step)
    assert step["type"] == "create_entry"
    assert reports(home.simulator) == ["success"]
    assert not home.car.life.actions
    assert not issues(home.hass)
    assert progressed


async def test_the_link_is_new(home: Home, person: Person, reconnect: str) -> None:
    """The vehicle is read again for a new link when the form is submitted."""
    step = await person.open(reconnect)
    read = len(home.simulator.requests)
    await person.submit(step)
    first, second = home.simulator.requests[read:]
    assert first.method == "GET"
    assert second.path.endswith("/resolve")


async def test_reported_by_the_sign_in(
    home: Home, person: Person, reconnect: str
) -> None:
    """An outcome that the sign-in itself has reported is not reported again."""
    home.simulator.signin_reports_outcome = True
    step = await person.fix(reconnect)
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"
    assert reports(home.simulator) == []


async def test_reported_just_now(home: Home, person: Person, reconnect: str) -> None:
    """A 404 for the report means that the outcome was reported already."""
    step = await person.fix(reconnect)
    home.simulator.add_fault(kind="cues", status=404, count=1)
    await person.sign_in(step)
    step = await person.wait(step)
    # The reading still lists the action, whatever the report was answered.
    assert (step["type"], step["step_id"]) == ("form", "retry")
    home.car.clear_actions()
    assert (await person.submit(step))["type"] == "create_entry"
    assert len(cues(home.simulator, "/resolve")) == 1


async def test_still_pending(
    home: Home, person: Person, reconnect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the action is still pending, the flow offers to try again."""
    car = home.car
    car.raise_reauthenticate()
    step = await person.fix(reconnect)
    await person.sign_in(step)
    step = await person.wait(step)
    assert (step["type"], step["step_id"]) == ("form", "retry")
    assert step["description_placeholders"] == {"vehicle": "Car 1"}
    assert kinds(home.hass) == ["reauthenticate"]
    step = await person.submit(step)
    assert step["type"] == "external"
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"
    assert reports(home.simulator) == ["success", "success"]
    assert not issues(home.hass)


async def test_cancelled(home: Home, person: Person, reconnect: str) -> None:
    """A cancelled sign-in is reported; the issue stays and can be fixed later."""
    step = await person.fix(reconnect)
    await person.sign_in(step, "refuse")
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", "cancelled")
    assert reports(home.simulator) == ["fail"]
    assert kinds(home.hass) == ["reauthenticate"]
    step = await person.fix(reconnect)
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"


async def test_solved_elsewhere_before(
    home: Home, person: Person, reconnect: str
) -> None:
    """An action that is gone when the form is submitted needs no sign-in."""
    step = await person.open(reconnect)
    home.car.clear_actions()
    assert (await person.submit(step))["type"] == "create_entry"
    assert not cues(home.simulator)
    assert not issues(home.hass)


@pytest.mark.parametrize("kind", ["reauthenticate", "information", "unknown_action"])
@pytest.mark.parametrize("actions", [None, "none", [5]])
async def test_not_known_whether_it_waits(
    home: Home, person: Person, actions: Any, kind: str
) -> None:
    """A reading without valid actions does not count as fixed."""
    car = home.car
    bring_about(home.simulator, kind)
    await home.set_up()
    issue_id = only_issue(home.hass).issue_id
    step = await person.open(issue_id)
    car.override(actions=actions, action_needed=True)
    step = await person.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "invalid_response")
    assert only_issue(home.hass).issue_id == issue_id
    car.clear_overrides()
    car.clear_actions()
    step = await person.open(issue_id)
    if step["type"] == "form":
        step = await person.submit(step)
    assert step["type"] == "create_entry"
    assert not issues(home.hass)


async def test_come_back_while_it_is_not_known(
    home: Home, person: Person, reconnect: str
) -> None:
    """A reading without valid actions after the sign-in does not count as fixed."""
    step = await person.fix(reconnect)
    home.car.override(actions=None, action_needed=True)
    await person.sign_in(step)
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", "invalid_response")
    assert kinds(home.hass) == ["reauthenticate"]


def watches() -> list[asyncio.Task[Any]]:
    """Return the tasks that wait for the end of a sign-in."""
    name = f"{DOMAIN} sign-in"
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


@pytest.mark.parametrize("kind", ["vehicle", "cues"])
async def test_closed_while_it_starts(
    home: Home, person: Person, reconnect: str, kind: str
) -> None:
    """A flow that is closed while it starts leaves no task and no ticket."""
    step = await person.open(reconnect)
    held = HeldFault(kind=kind)
    home.simulator.add_fault(held)
    read = len(home.simulator.requests)
    submitting = asyncio.create_task(person.submit(step))
    await until(lambda: len(home.simulator.requests) > read + (kind == "cues"))
    await person.close(step)
    held.let_go.set()
    assert (await submitting)["type"] == "abort"
    assert not watches()
    assert not home.hass.data.get(DATA_TICKETS)
    assert kinds(home.hass) == ["reauthenticate"]


async def test_submitted_twice(home: Home, person: Person, reconnect: str) -> None:
    """A form that is submitted twice starts one task."""
    step = await person.open(reconnect)
    held = HeldFault(kind="cues", count=2)
    home.simulator.add_fault(held)
    submitting = [asyncio.create_task(person.submit(step)) for _ in range(2)]
    await until(lambda: len(cues(home.simulator)) == 2)
    held.let_go.set()
    await asyncio.gather(*submitting)
    await asyncio.sleep(0)
    assert len(watches()) == 1
    await person.close(step)
    await asyncio.sleep(0)
    assert not watches()


async def test_the_first_link_of_two(home: Home, person: Person) -> None:
    """Of two equal actions the first one is started."""
    car = home.car
    for _ in range(2):
        car.raise_reauthenticate()
    await home.set_up()
    await person.fix(only_issue(home.hass).issue_id)
    (request,) = cues(home.simulator)
    assert str(car.life.actions[0].id) in request.path


async def test_two_at_once(home: Home, person: Person) -> None:
    """Two cars are reconnected at the same time, each in its own flow."""
    for car in home.simulator.vehicles:
        car.raise_reauthenticate()
    home = home.with_vehicles(0, 1)
    await home.set_up()
    first, second = await asyncio.gather(*map(person.fix, issues(home.hass)))
    back_of_first = await person.choose(first, "sign-in")
    await person.sign_in(second, "refuse")
    second = await person.wait(second)
    assert (second["type"], second["reason"]) == ("abort", "cancelled")
    assert (await person.look(first))["type"] == "external"
    assert (await person.visit(back_of_first))[0] == 200
    assert (await person.wait(first))["type"] == "create_entry"
    assert [car.life.actions != [] for car in home.simulator.vehicles] == [False, True]
    assert only_issue(home.hass).translation_placeholders == {"vehicle": "Car 2"}


async def test_two_dialogs_for_one_car(
    home: Home, person: Person, reconnect: str
) -> None:
    """The browser comes back to the flow that has opened its sign-in."""
    first, second = await person.fix(reconnect), await person.fix(reconnect)
    await person.sign_in(second)
    assert (await person.wait(second))["type"] == "create_entry"
    assert (await person.look(first))["type"] == "external"
    await person.sign_in(first)
    assert (await person.wait(first))["type"] == "create_entry"
    assert reports(home.simulator) == ["success"]


# The browser does not come back.


@pytest.mark.usefixtures("often_polls")
async def test_noticed_by_polling(home: Home, person: Person, reconnect: str) -> None:
    """The flow ends when a poll finds the action gone, wherever the browser is."""
    step = await person.fix(reconnect)
    progressed = async_capture_events(home.hass, STEP)
    await asyncio.sleep(0.1)
    assert (await person.look(step))["type"] == "external"
    assert not progressed
    home.car.clear_actions()
    assert (await person.wait(step))["type"] == "create_entry"
    assert not issues(home.hass)
    assert reports(home.simulator) == []


@pytest.mark.usefixtures("often_polls")
async def test_pending_again_before_the_flow_ends(
    home: Home, person: Person, reconnect: str
) -> None:
    """The end of a flow deletes the issue; the next reading raises it again."""
    step = await person.fix(reconnect)
    progressed = async_capture_events(home.hass, STEP)
    home.car.clear_actions()
    await until(lambda: bool(progressed))
    assert not issues(home.hass)
    home.car.raise_reauthenticate()
    await home.refresh()
    assert only_issue(home.hass).issue_id == reconnect
    assert (await person.look(step))["type"] == "create_entry"
    assert not issues(home.hass)
    await home.refresh()
    assert only_issue(home.hass).issue_id == reconnect


@pytest.mark.usefixtures("often_polls")
async def test_waiting_through_failures(
    home: Home, person: Person, reconnect: str
) -> None:
    """While polls fail the flow leaves them to the coordinator, and waits."""
    step = await person.fix(reconnect)
    home.simulator.add_fault(kind="vehicle", status=503)
    await home.refresh()
    await asyncio.sleep(0.05)
    read = len(home.simulator.requests)
    await asyncio.sleep(0.1)
    assert len(home.simulator.requests) == read
    home.simulator.clear_faults()
    home.car.clear_actions()
    assert (await person.look(step))["type"] == "external"
    await home.refresh()
    assert (await person.wait(step))["type"] == "create_entry"


@pytest.mark.usefixtures("often_polls")
async def test_waiting_through_a_reload(
    home: Home, person: Person, reconnect: str
) -> None:
    """A flow survives a reload of the account."""
    step = await person.fix(reconnect)
    await home.unload()
    await asyncio.sleep(0.05)
    assert (await person.look(step))["type"] == "external"
    await home.load()
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"


@pytest.mark.usefixtures("often_polls")
async def test_giving_up(
    home: Home, person: Person, reconnect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow times out, and the issue stays."""
    assert repairs.SIGN_IN_TIMEOUT == 15 * 60
    monkeypatch.setattr(repairs, "SIGN_IN_TIMEOUT", 0.1)
    step = await person.fix(reconnect)
    address = await person.choose(step, "sign-in")
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", "timed_out")
    assert kinds(home.hass) == ["reauthenticate"]
    assert reports(home.simulator) == []
    assert (await person.visit(address))[0] == 404


@pytest.mark.usefixtures("often_polls")
async def test_nobody_looks(
    home: Home, person: Person, reconnect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The progress event is repeated until the flow is deleted."""
    monkeypatch.setattr(external_step, "RESULT_TIMEOUT", 0.1)
    progressed = async_capture_events(home.hass, STEP)
    step = await person.fix(reconnect)
    await person.sign_in(step)
    manager = repairs_flow_manager(home.hass)
    assert manager is not None
    async with asyncio.timeout(5):
        while manager.async_progress():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(progressed) > 2
    assert not home.car.life.actions
    assert not issues(home.hass)
    response = await person.client.get(f"/api/repairs/issues/fix/{step['flow_id']}")
    assert response.status == 404


async def test_closed_dialog(home: Home, person: Person, reconnect: str) -> None:
    """Closing the flow cancels its task and ticket: a late browser gets a 404."""
    step = await person.fix(reconnect)
    address = await person.choose(step, "sign-in")
    await person.close(step)
    assert not home.hass.data[DATA_TICKETS]
    assert not watches()
    assert (await person.visit(address))[0] == 404
    assert reports(home.simulator) == []
    assert kinds(home.hass) == ["reauthenticate"]


@pytest.mark.usefixtures("often_polls")
async def test_closed_while_reading(home: Home, person: Person, reconnect: str) -> None:
    """A poll that a closed flow has started still succeeds."""
    step = await person.fix(reconnect)
    home.simulator.add_fault(kind="vehicle", delay=0.2, count=1)
    await asyncio.sleep(0.1)
    await person.close(step)
    await asyncio.sleep(0.2)
    assert home.coordinator().last_update_success
    assert kinds(home.hass) == ["reauthenticate"]


# The browser and a poll at once.


@pytest.mark.parametrize("_", range(5))
async def test_coming_back_while_a_poll_tells(
    home: Home, person: Person, reconnect: str, monkeypatch: pytest.MonkeyPatch, _: int
) -> None:
    """A browser that comes back during a poll ends the flow once."""
    monkeypatch.setattr(external_step, "POLL_INTERVAL", 0.001)
    home.simulator.signin_reports_outcome = True
    progressed = async_capture_events(home.hass, STEP)
    step = await person.fix(reconnect)
    await person.sign_in(step)
    assert (await person.wait(step))["type"] == "create_entry"
    monkeypatch.setattr(external_step, "POLL_INTERVAL", 60.0)
    await asyncio.sleep(0.05)
    flows = {event.data["flow_id"] for event in progressed}
    assert flows <= {step["flow_id"]}
    assert not watches()
    assert not issues(home.hass)


@pytest.mark.parametrize("_", range(5))
async def test_coming_back_twice_at_once(
    home: Home, person: Person, reconnect: str, _: int
) -> None:
    """Of two browsers with the same ticket the first one counts."""
    step = await person.fix(reconnect)
    success = await person.choose(step, "sign-in")
    failure = await person.choose(step, "refuse")
    visits = await asyncio.gather(person.visit(success), person.visit(failure))
    assert sorted(status for status, _, _ in visits) == [200, 404]
    step = await person.wait(step)
    assert step["type"] == ("create_entry" if visits[0][0] == 200 else "abort")
    assert len(reports(home.simulator)) == 1


# Required parameters.


async def test_other_parameters_are_asked_for(home: Home, person: Person) -> None:
    """Unknown parameters are asked one by one, and the link is new afterwards."""
    car = home.car
    for _ in range(2):
        car.raise_reauthenticate(("successUrl", "cancelUrl", "location", "client_Info"))
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["step_id"]) == ("form", "parameter")
    assert step["description_placeholders"]["parameter"] == "client_Info"
    (field,) = step["data_schema"]
    assert (field["name"], field["required"]) == ("answer", True)
    flow = f"/api/repairs/issues/fix/{step['flow_id']}"
    response = await person.client.post(flow, json={"answer": ""})
    assert response.status == 400
    step = await person.submit(step, answer="garage")
    assert (step["type"], step["step_id"]) == ("form", "parameter")
    assert step["description_placeholders"]["parameter"] == "location"
    assert not cues(home.simulator)

    read = len(home.simulator.requests)
    step = await person.submit(step, answer="AT")
    assert step["type"] == "external"
    assert home.simulator.requests[read].method == "GET"
    (request,) = cues(home.simulator)
    assert request.json.keys() == {"successUrl", "cancelUrl", "location", "client_Info"}
    assert request.json["location"] == "AT"
    assert request.json["client_Info"] == "garage"

    await person.sign_in(step)
    step = await person.wait(step)
    assert step["step_id"] == "retry"
    # The answers are not asked for again.
    assert (await person.submit(step))["type"] == "external"
    assert cues(home.simulator, "/resolve")[-1].json["location"] == "AT"


@pytest.mark.parametrize("required", [(), ("successUrl",), ("language", "language")])
async def test_addresses_are_always_given(
    home: Home, person: Person, required: tuple[str, ...]
) -> None:
    """The addresses are always sent, other parameters only if they are required."""
    home.car.raise_reauthenticate(required)
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert step["type"] == "external"
    (request,) = cues(home.simulator)
    assert request.json.keys() == {"successUrl", "cancelUrl", *required}


# Failures.

LINK_FAILURES = {
    "link_forbidden": {"status": 403},
    "link_not_found": {"status": 404},
    "conflict": {"status": 409},
    "invalid_request": {"status": 422},
    "rate_limited": {"status": 429},
    "cannot_connect": {"status": 503},
    "invalid_response": {"status": 302},
    "invalid_auth": {"status": 401},
}
READING_FAILURES = {
    "forbidden": {"status": 403},
    "not_found": {"status": 404},
    "rate_limited": {"status": 429},
    "cannot_connect": {"reset": True},
    "invalid_response": {"status": 200, "body": b"[]"},
    "invalid_auth": {"status": 401},
}


@pytest.mark.parametrize(("reason", "fault"), LINK_FAILURES.items())
async def test_the_sign_in_does_not_start(
    home: Home, person: Person, reconnect: str, reason: str, fault: dict[str, Any]
) -> None:
    """Each refusal has its own message; afterwards the flow works again."""
    home.simulator.add_fault(kind="cues", **fault)
    step = await person.fix(reconnect)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert not home.hass.data[DATA_TICKETS]
    assert kinds(home.hass) == ["reauthenticate"]
    home.simulator.clear_faults()
    assert (await person.fix(reconnect))["type"] == "external"


@pytest.mark.parametrize(("reason", "fault"), READING_FAILURES.items())
async def test_the_vehicle_cannot_be_read(
    home: Home, person: Person, reconnect: str, reason: str, fault: dict[str, Any]
) -> None:
    """Without a new link no sign-in starts."""
    step = await person.open(reconnect)
    home.simulator.add_fault(kind="vehicle", **fault)
    step = await person.submit(step)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert not cues(home.simulator)
    assert kinds(home.hass) == [
        "vehicle_not_found" if reason == "not_found" else "reauthenticate"
    ]


@pytest.mark.parametrize("state", ["sign-in", "refuse"])
@pytest.mark.parametrize("reason", ["link_forbidden", "cannot_connect", "rate_limited"])
async def test_the_outcome_cannot_be_reported(
    home: Home, person: Person, reconnect: str, reason: str, state: str
) -> None:
    """A report that fails ends the flow with its reason; the issue stays."""
    step = await person.fix(reconnect)
    home.simulator.add_fault(kind="cues", **LINK_FAILURES[reason])
    await person.sign_in(step, state)
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert kinds(home.hass) == ["reauthenticate"]


@pytest.mark.parametrize(("reason", "fault"), READING_FAILURES.items())
async def test_the_outcome_cannot_be_verified(
    home: Home, person: Person, reconnect: str, reason: str, fault: dict[str, Any]
) -> None:
    """A reading that fails after the sign-in does not count as fixed."""
    step = await person.fix(reconnect)
    home.simulator.add_fault(kind="vehicle", **fault)
    await person.sign_in(step)
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert issues(home.hass)


@pytest.mark.usefixtures("often_polls")
async def test_the_car_is_removed_during_the_sign_in(
    home: Home, person: Person, reconnect: str
) -> None:
    """Removing the account ends the flow."""
    step = await person.fix(reconnect)
    await home.remove()
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")


async def test_a_link_expires(home: Home, person: Person, reconnect: str) -> None:
    """A link that the service refuses as expired ends the flow with that reason."""
    (action,) = home.car.life.actions
    old = action.document(home.simulator.signer.sign)["resolution_link"]["url"]
    action.url = old.replace("secret=", "secret=0")
    step = await person.fix(reconnect)
    assert (step["type"], step["reason"]) == ("abort", "link_forbidden")


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("no_address", b"{}"),
        ("no_address", b""),
        ("no_address", b'{"redirect_url": null}'),
        ("no_address", b'{"redirect_url": 7}'),
        ("untrusted_link", b'{"redirect_url": "javascript:alert(1)"}'),
        ("untrusted_link", b'{"redirect_url": "file:///etc/passwd"}'),
        ("untrusted_link", b'{"redirect_url": "/maker/sign-in"}'),
        ("untrusted_link", b'{"redirect_url": "https://"}'),
        ("untrusted_link", b'{"redirect_url": "https://[::"}'),
        ("untrusted_link", b'{"redirect_url": "https://[]@"}'),
        ("untrusted_link", b'{"redirect_url": "https://one two/"}'),
        ("untrusted_link", b'{"redirect_url": "https://a<b/"}'),
    ],
)
async def test_an_address_that_is_none(
    home: Home, person: Person, reconnect: str, reason: str, answer: bytes
) -> None:
    """The browser is only sent to valid addresses of web pages."""
    home.simulator.add_fault(kind="cues", status=200, body=answer)
    step = await person.fix(reconnect)
    assert (step["type"], step["reason"]) == ("abort", reason)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/partners/v2.0/cues/1/resolve",
        "//evil.example/api",
        "\\\\evil.example\\api",
        "/\\evil.example/api",
        "https://user:password@evil.example/api",
        "//user@evil.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://evil.example/",
    ],
)
async def test_a_link_that_leads_elsewhere(
    home: Home, person: Person, link: str
) -> None:
    """A link to another server is refused, and nothing is sent there."""
    home.car.raise_reauthenticate(url=link)
    await home.set_up()
    read = len(home.simulator.requests)
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["reason"]) == ("abort", "untrusted_link")
    assert [request.method for request in home.simulator.requests[read:]] == ["GET"]


@pytest.mark.parametrize("link", [None, 7, {}, {"url": None}, {"url": ""}, {"url": 7}])
async def test_no_link(home: Home, person: Person, link: Any) -> None:
    """An action without a valid link cannot be started."""
    action = {"code": "reauthenticate", "resolution_link": link}
    home.car.override(actions=[action])
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["reason"]) == ("abort", "no_link")


@pytest.mark.parametrize("kind", ["reauthenticate", "information", "unknown_action"])
async def test_the_account_is_not_loaded(home: Home, person: Person, kind: str) -> None:
    """A flow of an account that is disabled ends with that reason."""
    car = home.car
    car.raise_reauthenticate()
    car.raise_message("Hello.")
    car.raise_unknown_action("unheard")
    await home.set_up()
    issue_id = next(name for name in issues(home.hass) if name.startswith(kind))
    step = await person.open(issue_id)
    ir.async_ignore_issue(home.hass, DOMAIN, issue_id, True)
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )
    step = await person.submit(step)
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")
    step = await person.open(issue_id)
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")


async def test_come_back_to_an_account_that_is_not_loaded(
    home: Home, person: Person, reconnect: str
) -> None:
    """The outcome of a sign-in cannot be reported while the account is not loaded."""
    step = await person.fix(reconnect)
    await home.unload()
    await person.sign_in(step)
    step = await person.wait(step)
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")


# Messages.


async def test_message(home: Home, person: Person) -> None:
    """A message is shown, and marked as read when the form is submitted."""
    car = home.car
    car.raise_message("Maintenance on Sunday")
    car.raise_message("Another")
    await home.set_up()
    first = next(iter(issues(home.hass)))
    assert "Maintenance" not in repr(ir.async_get(home.hass).issues)
    step = await person.open(first)
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    placeholders = step["description_placeholders"]
    assert placeholders["vehicle"] == "Car 1"
    shown, other = placeholders["message"], ("Another", "Maintenance on Sunday")
    assert shown in other
    assert (await person.submit(step))["type"] == "create_entry"
    (action,) = car.life.actions
    assert action.message != shown
    assert only_issue(home.hass).issue_id != first
    (request,) = cues(home.simulator)
    assert request.json == {}


async def test_message_is_text(home: Home, person: Person) -> None:
    """The message is escaped for Markdown."""
    text = (
        "# <b>Hi</b> & [x](https://a.b)\n\n    1. *so* _on_\\\r\n~~~ `{y}` | $ \"'!^%"
    )
    home.car.raise_message(text)
    await home.set_up()
    step = await person.open(only_issue(home.hass).issue_id)
    shown = step["description_placeholders"]["message"]
    lines = [line.strip() for line in text.splitlines()]
    assert shown.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == (
        "\n".join(lines)
    )
    for line in shown.splitlines():
        assert line == line.strip()
        for before, character in pairwise(f" {line}"):
            if character in "#<>&[](){}*_~`|$\"'!^%.:/-+=@":
                assert before == "\\"


@pytest.mark.parametrize("message", [None, "", "  \n ", 7])
async def test_message_without_text(home: Home, person: Person, message: Any) -> None:
    """A message without a text can be marked as read."""
    car = home.car
    action = car.raise_message("")
    action.message = message
    await home.set_up()
    step = await person.open(only_issue(home.hass).issue_id)
    assert step["description_placeholders"]["message"] == "…"
    assert (await person.submit(step))["type"] == "create_entry"
    assert not car.life.actions


async def test_message_is_gone(home: Home, person: Person) -> None:
    """A message that was read elsewhere ends its flow."""
    car = home.car
    car.raise_message("Hello.")
    await home.set_up()
    step = await person.open(only_issue(home.hass).issue_id)
    car.clear_actions()
    assert (await person.submit(step))["type"] == "create_entry"
    assert not cues(home.simulator)

    car.raise_message("Hello again.")
    await home.refresh()
    step = await person.open(only_issue(home.hass).issue_id)
    car.clear_actions()
    await home.refresh()
    assert (await person.look(step))["type"] == "create_entry"


async def test_message_stays(home: Home, person: Person) -> None:
    """A message that is still listed does not count as fixed."""
    home.car.raise_message("Hello.")
    await home.set_up()
    issue_id = only_issue(home.hass).issue_id
    home.simulator.add_fault(kind="cues", status=200, body=b"{}", count=1)
    step = await person.fix(issue_id)
    assert (step["type"], step["reason"]) == ("abort", "still_pending")
    assert kinds(home.hass) == ["information"]
    assert (await person.fix(issue_id))["type"] == "create_entry"


@pytest.mark.parametrize(("reason", "fault"), LINK_FAILURES.items())
async def test_message_cannot_be_marked(
    home: Home, person: Person, reason: str, fault: dict[str, Any]
) -> None:
    """Each refusal has its own message."""
    home.car.raise_message("Hello.")
    await home.set_up()
    home.simulator.add_fault(kind="cues", **fault)
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert kinds(home.hass) == ["information"]


async def test_message_in_the_language_of_the_user(home: Home, person: Person) -> None:
    """A message can ask for parameters, too."""
    action = home.car.raise_message("Hello.")
    action.required_parameters = ["language", "mood"]
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["step_id"]) == ("form", "parameter")
    assert (await person.submit(step, answer="fine"))["type"] == "create_entry"
    (request,) = cues(home.simulator)
    assert request.json == {"language": "en", "mood": "fine"}


# Unknown actions.


async def test_unknown_action(home: Home, person: Person) -> None:
    """An unknown action points to the app, and is fixed when it is gone."""
    car = home.car
    car.raise_unknown_action("water_the_flowers")
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert (step["type"], step["step_id"]) == ("form", "confirm")
    assert step["errors"] == {"base": "still_pending"}
    assert kinds(home.hass) == ["unknown_action"]
    car.clear_actions()
    assert (await person.submit(step))["type"] == "create_entry"
    assert not issues(home.hass)
    assert not cues(home.simulator)


async def test_action_that_only_the_app_knows(home: Home, person: Person) -> None:
    """The issue is fixed when no action is needed any longer."""
    home.car.override(action_needed=True)
    await home.set_up()
    step = await person.fix(only_issue(home.hass).issue_id)
    assert step["errors"] == {"base": "still_pending"}
    home.car.override(action_needed=False)
    assert (await person.submit(step))["type"] == "create_entry"
    assert not issues(home.hass)


@pytest.mark.parametrize(("reason", "fault"), READING_FAILURES.items())
async def test_unknown_action_cannot_be_checked(
    home: Home, person: Person, reason: str, fault: dict[str, Any]
) -> None:
    """Each failure has its own message."""
    home.car.raise_unknown_action("water_the_flowers")
    await home.set_up()
    step = await person.open(only_issue(home.hass).issue_id)
    home.simulator.add_fault(kind="vehicle", **fault)
    step = await person.submit(step)
    assert (step["type"], step["reason"]) == ("abort", reason)


# Missing vehicles.


async def lose_car(home: Home) -> Home:
    """Set up an account of two cars, delete the first, and return the home."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.car.delete()
    await home.refresh()
    return home


async def test_missing_vehicle_is_removed(home: Home, person: Person) -> None:
    """The subentry, device and entities of a missing car are removed, not the other's."""
    home = await lose_car(home)
    step = await person.open(only_issue(home.hass).issue_id)
    assert (step["type"], step["step_id"]) == ("menu", "init")
    assert step["menu_options"] == ["replace", "remove", "keep"]
    assert step["description_placeholders"] == {"vehicle": "Car 1"}
    step = await person.submit(step, next_step_id="remove")
    assert step["type"] == "create_entry"
    await home.hass.async_block_till_done()
    (subentry,) = home.entry.subentries.values()
    assert subentry.title == "Car 2"
    (device,) = home.devices()
    assert device.name == "Car 2"
    assert {entity.device_id for entity in home.entities()} == {device.id}
    assert not issues(home.hass)


async def test_missing_vehicle_is_kept(home: Home, person: Person) -> None:
    """A kept car's issue stays ignored until the car is found and missing again."""
    home = await lose_car(home)
    step = await person.open(only_issue(home.hass).issue_id)
    step = await person.submit(step, next_step_id="keep")
    assert (step["type"], step["reason"]) == ("abort", "kept")
    assert len(home.entry.subentries) == 2
    await home.refresh()
    assert only_issue(home.hass).dismissed_version
    home.car.life.deleted_at = None
    await home.refresh()
    assert not issues(home.hass)
    home.car.delete()
    await home.refresh()
    assert only_issue(home.hass).dismissed_version is None


async def test_missing_vehicle_is_removed_twice(home: Home, person: Person) -> None:
    """The second flow of a removed car ends with that reason."""
    home = await lose_car(home)
    issue_id = only_issue(home.hass).issue_id
    first, second = await person.open(issue_id), await person.open(issue_id)
    assert (await person.submit(first, next_step_id="remove"))["type"] == "create_entry"
    await home.hass.async_block_till_done()
    second = await person.submit(second, next_step_id="remove")
    assert (second["type"], second["reason"]) == ("abort", "not_loaded")


@pytest.mark.parametrize("choice", ["remove", "keep"])
async def test_missing_vehicle_is_found(
    home: Home, person: Person, choice: str
) -> None:
    """A car that is found again is neither removed nor ignored."""
    home = await lose_car(home)
    step = await person.open(only_issue(home.hass).issue_id)
    home.car.life.deleted_at = None
    if choice == "keep":
        await home.refresh()
    step = await person.submit(step, next_step_id=choice)
    assert (step["type"], step["reason"]) == ("abort", "found")
    assert len(home.entry.subentries) == 2
    assert not issues(home.hass)


async def test_missing_vehicle_is_removed_while_unreachable(
    home: Home, person: Person
) -> None:
    """A missing car can be removed while the service is unreachable."""
    home = await lose_car(home)
    step = await person.open(only_issue(home.hass).issue_id)
    home.simulator.add_fault(kind="vehicle", status=503)
    step = await person.submit(step, next_step_id="remove")
    assert step["type"] == "create_entry"
    assert len(home.entry.subentries) == 1


@pytest.mark.parametrize("choice", ["remove", "keep"])
async def test_missing_vehicle_of_an_account_that_is_not_loaded(
    home: Home, person: Person, choice: str
) -> None:
    """A car of an account that is not loaded is neither removed nor ignored."""
    home = await lose_car(home)
    step = await person.open(only_issue(home.hass).issue_id)
    await home.unload()
    step = await person.submit(step, next_step_id=choice)
    assert step["type"] == "abort"
    assert step["reason"] == ("not_loaded" if choice == "remove" else "found")
    assert len(home.entry.subentries) == 2


# Permissions and secrets.


async def test_only_administrators_repair(
    hass: HomeAssistant,
    person: Person,
    reconnect: str,
    hass_client: ClientSessionGenerator,
    hass_read_only_access_token: str,
) -> None:
    """Only administrators can start a flow."""
    client = await hass_client(hass_read_only_access_token)
    body = {"handler": DOMAIN, "issue_id": reconnect}
    response = await client.post("/api/repairs/issues/fix", json=body)
    assert response.status == 401


async def test_secrets_stand_nowhere(
    home: Home,
    person: Person,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    hass_admin_user: MockUser,
) -> None:
    """No secret of a link is in a registry, state, diagnostics, log or address."""
    secrets: set[str] = set()
    sign = home.simulator.signer.sign

    def remember(subject: str) -> str:
        secrets.add(secret := sign(subject))
        return secret

    monkeypatch.setattr(home.simulator.signer, "sign", remember)
    caplog.set_level(logging.DEBUG)
    car = home.car
    car.raise_reauthenticate()
    car.raise_message("What nobody else may read.")
    car.raise_unknown_action("unheard")
    await home.set_up()
    seen: list[Any] = []

    async def look_around() -> None:
        registry = ir.async_get(home.hass)
        seen.extend(
            (
                repr(registry.issues),
                registry._data_to_save(),  # noqa: SLF001
                [state.as_dict() for state in home.hass.states.async_all()],
                await async_get_config_entry_diagnostics(home.hass, home.entry),
                home.entry.as_dict(),
            )
        )

    for issue_id in list(issues(home.hass)):
        step = await person.fix(issue_id)
        await look_around()
        if step["type"] == "external":
            await person.sign_in(step, "refuse")
            await person.wait(step)
            home.simulator.add_fault(kind="cues", reset=True, count=1)
            await person.fix(issue_id)
            home.simulator.add_fault(kind="cues", status=500, count=1)
            await person.fix(issue_id)
            step = await person.fix(issue_id)
            await person.sign_in(step)
            await person.wait(step)
        await look_around()
    assert len(secrets) > 10
    addresses = [
        request.json[name]
        for request in cues(home.simulator, "/resolve")
        for name in ("successUrl", "cancelUrl")
        if name in request.json
    ]
    assert addresses
    everything = json.dumps([seen, addresses], default=str) + caplog.text
    for secret in secrets:
        assert secret not in everything
    assert "What nobody else may read." not in everything
    assert "/cues/" not in caplog.text
