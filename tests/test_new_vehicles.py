"""A car that Podero knows and Home Assistant does not is told of, once."""

from collections.abc import AsyncIterator
from datetime import timedelta
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import SetUp
from .dialogs import Person
from .home import account_entry
from .repository import read_texts
from .support import complaints
from custom_components.podero.const import DOMAIN, NEW_VEHICLE
from simulator import Server, Simulator

TEXTS = read_texts("en")["issues"]["new_vehicle"]["fix_flow"]
SECOND_NAME = "Hyundai Kona Electric"


@pytest.fixture
async def person(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> AsyncIterator[Person]:
    """Return an administrator."""
    for domain in ("repairs", DOMAIN):
        assert await async_setup_component(hass, domain, {})
    yield Person(hass, await hass_client())
    manager = repairs_flow_manager(hass)
    assert manager is not None
    for flow in manager.async_progress(include_uninitialized=True):
        manager.async_abort(flow["flow_id"])


def new_cars(hass: HomeAssistant, *, is_ignored: bool = False) -> list[ir.IssueEntry]:
    """Return the issues about new cars that are told of, or are ignored."""
    return [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
        and issue.translation_key == NEW_VEHICLE
        and (issue.dismissed_version is not None) is is_ignored
    ]


def only_new_car(hass: HomeAssistant) -> ir.IssueEntry:
    """Return the issue about the one new car."""
    (issue,) = new_cars(hass)
    return issue


async def next_day(hass: HomeAssistant) -> None:
    """Let a day pass."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(days=1, seconds=1))
    await hass.async_block_till_done(wait_background_tasks=True)


def lists(simulator: Simulator) -> int:
    """Return how often the vehicles were listed."""
    return sum(
        request.path.endswith("/electric-vehicles") for request in simulator.requests
    )


async def test_told_and_added(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    person: Person,
) -> None:
    """A car that is new at set-up is told of, added with two clicks, and not told again."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert lists(simulator) == 1
    issue = only_new_car(hass)
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.translation_placeholders == {"vehicle": SECOND_NAME}
    second = simulator.vehicles[1].id
    assert second not in repr(issue)

    step = await person.open(issue.issue_id)
    assert (step["type"], step["menu_options"]) == ("menu", ["add", "ignore"])
    assert step["description_placeholders"] == {"vehicle": SECOND_NAME}
    step = await person.submit(step, next_step_id="add")
    assert step["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    added = list(entry.subentries.values())[1]
    assert (added.unique_id, added.title) == (second, SECOND_NAME)
    assert len(entry.runtime_data.coordinators) == 2
    assert not new_cars(hass)
    await next_day(hass)
    assert not new_cars(hass)


async def test_found_within_a_day(
    hass: HomeAssistant, simulator: Simulator, server: Server, set_up: SetUp
) -> None:
    """One request a day finds a car that comes, and a car that goes."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass)
    car = simulator.add_vehicle()
    await next_day(hass)
    assert lists(simulator) == 2
    assert only_new_car(hass).translation_placeholders == {"vehicle": SECOND_NAME}
    car.delete()
    await next_day(hass)
    assert lists(simulator) == 3
    assert not new_cars(hass)


async def test_ignored(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    person: Person,
) -> None:
    """Who leaves a car out is not asked again, not after a restart either."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    step = await person.open(only_new_car(hass).issue_id)
    step = await person.submit(step, next_step_id="ignore")
    assert (step["type"], step["reason"]) == ("abort", "ignored")
    await next_day(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass)
    (ignored,) = new_cars(hass, is_ignored=True)

    # Another one is told of all the same, and the first one can still be added.
    simulator.add_vehicle()
    await next_day(hass)
    assert only_new_car(hass).issue_id != ignored.issue_id
    step = await person.submit(await person.open(ignored.issue_id), next_step_id="add")
    assert step["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass, is_ignored=True)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 404},
        {"status": 405},
        {"status": 429},
        {"status": 503},
        {"body": b"{}"},
        {"body": b'[{"detail": "maintenance"}, 7]'},
    ],
)
async def test_quiet_without_a_list(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """A service that lists nothing, or fails, is not spoken of; what was told stays."""
    simulator.add_fault(kind="vehicles", **fault)
    await set_up(entry)
    await next_day(hass)
    assert not new_cars(hass)
    assert lists(simulator) == 2
    simulator.clear_faults()
    await next_day(hass)
    assert only_new_car(hass)
    if fault.get("body") is None:
        simulator.add_fault(kind="vehicles", **fault)
        await next_day(hass)
        assert only_new_car(hass)
    assert not complaints(caplog, logging.INFO + 1)
    assert not reauth_started(hass)


async def test_polling_is_disabled(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Home Assistant's own option is obeyed."""
    unpolled = MockConfigEntry(
        domain=DOMAIN,
        data=entry.data,
        unique_id=entry.unique_id,
        pref_disable_polling=True,
    )
    await set_up(unpolled)
    await next_day(hass)
    assert not lists(simulator)


def reauth_started(hass: HomeAssistant) -> bool:
    """Return whether new credentials are asked for."""
    return bool(hass.config_entries.flow.async_progress())


async def test_deleted_is_not_new(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """A car that was deleted, softly or not, is no new one."""
    simulator.vehicles[1].override(deleted_at="2026-01-01T00:00:00Z")
    simulator.add_vehicle().delete()
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass)


async def test_of_another_account(
    hass: HomeAssistant, server: Server, set_up: SetUp
) -> None:
    """A car that another account has is no new one."""
    other = account_entry(server, 1)
    other.add_to_hass(hass)
    await set_up(account_entry(server, 0))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass)


async def test_removed_on_purpose(
    hass: HomeAssistant,
    simulator: Simulator,
    server: Server,
    set_up: SetUp,
    person: Person,
) -> None:
    """A car that its owner removed is not told of, and can be added again."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    second = list(entry.subentries.values())[1]
    hass.config_entries.async_remove_subentry(entry, second.subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await next_day(hass)
    assert not new_cars(hass)
    (ignored,) = new_cars(hass, is_ignored=True)
    step = await person.submit(await person.open(ignored.issue_id), next_step_id="add")
    assert step["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(entry.runtime_data.coordinators) == 2


async def test_left_out_at_set_up(
    hass: HomeAssistant, simulator: Simulator, server: Server
) -> None:
    """A car that was not chosen at set-up was offered already."""
    account = simulator.account
    flow = hass.config_entries.flow
    result: Any = await flow.async_init(DOMAIN, context={"source": "user"})
    for answer in (
        {"next_step_id": "password"},
        {
            "username": account.username,
            "password": account.password,
            "organization_id": account.organization_id,
            "server": {"environment": "custom", "base_url": server.url},
        },
        {"organization_id": account.organization_id, "user_id": account.user_id},
        {"vehicles": [simulator.vehicles[0].id]},
    ):
        result = await flow.async_configure(result["flow_id"], answer)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not new_cars(hass)
    (ignored,) = new_cars(hass, is_ignored=True)
    assert ignored.data == {"entry_id": result["result"].entry_id}
    simulator.add_vehicle()
    await next_day(hass)
    assert only_new_car(hass).issue_id != ignored.issue_id


async def test_unloaded_and_removed(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """With its account an issue goes, and what was ignored with the last account."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    issue = only_new_car(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not new_cars(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    ir.async_ignore_issue(hass, DOMAIN, issue.issue_id, True)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not new_cars(hass, is_ignored=True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 403}, "not_listed"),
        ({"status": 404}, "not_listed"),
        ({"status": 405}, "not_listed"),
        ({"body": b"[]"}, "not_listed"),
        ({"status": 401}, "invalid_auth"),
        ({"status": 409}, "conflict"),
        ({"status": 429}, "rate_limited"),
        ({"status": 503}, "cannot_connect"),
    ],
)
async def test_cannot_be_added(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    person: Person,
    fault: dict[str, Any],
    reason: str,
) -> None:
    """Why a car cannot be added is said, and it can be tried again."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    issue_id = only_new_car(hass).issue_id
    simulator.add_fault(kind="vehicles", **fault)
    step = await person.submit(await person.open(issue_id), next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert TEXTS["abort"][reason]
    simulator.clear_faults()
    assert only_new_car(hass).issue_id == issue_id
    step = await person.submit(await person.open(issue_id), next_step_id="add")
    assert step["type"] == "create_entry"


async def test_added_meanwhile(
    hass: HomeAssistant,
    server: Server,
    entry: MockConfigEntry,
    set_up: SetUp,
    person: Person,
) -> None:
    """A car that was added while the dialog was open is not added twice."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    step = await person.open(only_new_car(hass).issue_id)
    other = account_entry(server, 1)
    hass.config_entries.async_update_entry(entry, unique_id="first")
    await hass.async_block_till_done(wait_background_tasks=True)
    other.add_to_hass(hass)
    step = await person.submit(step, next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", "already_configured")
    assert TEXTS["abort"]["already_configured"]


async def test_account_is_not_loaded(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, person: Person
) -> None:
    """Without its account nothing can be added."""
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    step = await person.open(only_new_car(hass).issue_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    step = await person.submit(step, next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")
    assert TEXTS["abort"]["not_loaded"]


async def test_names_are_shown_as_they_are(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    person: Person,
) -> None:
    """A name cannot put anything into the dialog."""
    model = {"manufacturer": "[x](y)", "model": "**b**"}
    simulator.vehicles[1].override(device_model=model)
    await set_up(entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    step = await person.open(only_new_car(hass).issue_id)
    shown = step["description_placeholders"]["vehicle"]
    assert shown == r"\[x\]\(y\) \*\*b\*\*"
