"""Cars that Podero lists and no entry has raise an issue."""

from dataclasses import replace
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .dialogs import Person, account_input, user_input, walk
from .home import Home
from .repository import read_texts
from .support import complaints
from custom_components.podero.const import DOMAIN, NEW_VEHICLE
from simulator import Simulator

TEXTS = read_texts("en")["issues"]["new_vehicle"]["fix_flow"]
SECOND_NAME = "Hyundai Kona Electric"

A_DAY = 24 * 3600 + 1


def new_cars(home: Home, *, is_ignored: bool = False) -> list[ir.IssueEntry]:
    """Return the issues about new cars that are active, or those that are ignored."""
    return [
        issue
        for issue in ir.async_get(home.hass).issues.values()
        if issue.domain == DOMAIN
        and issue.translation_key == NEW_VEHICLE
        and (issue.dismissed_version is not None) is is_ignored
    ]


def only_new_car(home: Home) -> ir.IssueEntry:
    """Return the only issue about a new car."""
    (issue,) = new_cars(home)
    return issue


def lists(simulator: Simulator) -> int:
    """Return how often the vehicles were listed."""
    return sum(
        request.path.endswith("/electric-vehicles") for request in simulator.requests
    )


async def test_told_and_added(home: Home, person: Person) -> None:
    """A car that is new at the set-up raises an issue, which adds it once."""
    await home.set_up()
    assert lists(home.simulator) == 1
    issue = only_new_car(home)
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.translation_placeholders == {"vehicle": SECOND_NAME}
    second = home.simulator.vehicles[1].id
    assert second not in repr(issue)

    step = await person.open(issue.issue_id)
    assert (step["type"], step["menu_options"]) == ("menu", ["add", "ignore"])
    assert step["description_placeholders"] == {"vehicle": SECOND_NAME}
    step = await person.submit(step, next_step_id="add")
    assert step["type"] == "create_entry"
    await home.settle()
    added = list(home.entry.subentries.values())[1]
    assert (added.unique_id, added.title) == (second, SECOND_NAME)
    assert len(home.entry.runtime_data.coordinators) == 2
    assert not new_cars(home)
    await home.later(A_DAY)
    assert not new_cars(home)


async def test_found_within_a_day(home: Home) -> None:
    """One request a day raises the issue of a new car, or deletes it."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    assert not new_cars(home)
    car = home.simulator.add_vehicle()
    await home.later(A_DAY)
    assert lists(home.simulator) == 2
    assert only_new_car(home).translation_placeholders == {"vehicle": SECOND_NAME}
    car.delete()
    await home.later(A_DAY)
    assert lists(home.simulator) == 3
    assert not new_cars(home)


async def test_ignored(home: Home, person: Person) -> None:
    """An ignored car raises no issue again, also after a reload."""
    await home.set_up()
    step = await person.open(only_new_car(home).issue_id)
    step = await person.submit(step, next_step_id="ignore")
    assert (step["type"], step["reason"]) == ("abort", "ignored")
    await home.later(A_DAY)
    await home.reload()
    await home.settle()
    assert not new_cars(home)
    (ignored,) = new_cars(home, is_ignored=True)

    # Another car raises an issue, and the ignored one can still be added.
    home.simulator.add_vehicle()
    await home.later(A_DAY)
    assert only_new_car(home).issue_id != ignored.issue_id
    step = await person.submit(await person.open(ignored.issue_id), next_step_id="add")
    assert step["type"] == "create_entry"
    await home.settle()
    assert not new_cars(home, is_ignored=True)


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
    home: Home, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    """A list that fails is not logged, and changes no issue."""
    home.simulator.add_fault(kind="vehicles", **fault)
    await home.set_up()
    await home.later(A_DAY)
    assert not new_cars(home)
    assert lists(home.simulator) == 2
    home.simulator.clear_faults()
    await home.later(A_DAY)
    assert only_new_car(home)
    if fault.get("body") is None:
        home.simulator.add_fault(kind="vehicles", **fault)
        await home.later(A_DAY)
        assert only_new_car(home)
    assert not complaints(caplog, logging.INFO + 1)
    assert not home.hass.config_entries.flow.async_progress()


async def test_polling_is_disabled(home: Home) -> None:
    """Home Assistant's option to disable polling is respected."""
    unpolled = MockConfigEntry(
        domain=DOMAIN,
        data=home.entry.data,
        unique_id=home.entry.unique_id,
        pref_disable_polling=True,
    )
    home = replace(home, entry=unpolled)
    await home.set_up()
    await home.later(A_DAY)
    assert not lists(home.simulator)


async def test_deleted_is_not_new(home: Home) -> None:
    """A deleted car is not a new one, also if it is still listed."""
    home.simulator.vehicles[1].override(deleted_at="2026-01-01T00:00:00Z")
    home.simulator.add_vehicle().delete()
    await home.set_up()
    assert not new_cars(home)


async def test_of_another_account(home: Home) -> None:
    """A car of another entry is not a new one."""
    home.with_vehicles(1).entry.add_to_hass(home.hass)
    await home.set_up()
    assert not new_cars(home)


async def test_removed_on_purpose(home: Home, person: Person) -> None:
    """A removed car raises no issue, and can be added again."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.remove_vehicle(1)
    await home.settle()
    await home.later(A_DAY)
    assert not new_cars(home)
    (ignored,) = new_cars(home, is_ignored=True)
    step = await person.submit(await person.open(ignored.issue_id), next_step_id="add")
    assert step["type"] == "create_entry"
    await home.settle()
    assert len(home.entry.runtime_data.coordinators) == 2


async def test_removed_while_disabled(home: Home, hass_storage: dict[str, Any]) -> None:
    """The same if its device was disabled, and nothing of it is stored any longer."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    subentry_id = list(home.entry.subentries)[1]
    device = next(device for device in home.devices() if device.name == "Car 2")
    dr.async_get(home.hass).async_update_device(
        device.id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    await home.settle()
    assert len(home.entry.runtime_data.coordinators) == 1
    assert any(subentry_id in key for key in hass_storage)
    home.remove_vehicle(1)
    await home.settle()
    await home.later(A_DAY)
    assert not new_cars(home)
    assert new_cars(home, is_ignored=True)
    assert not any(subentry_id in key for key in hass_storage)


async def test_removed_while_the_setup_is_retried(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """A car that was removed then is not new, and its stored data go at the next try."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    await home.unload()
    home.simulator.add_fault(kind="vehicle", status=503)
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    subentry_id = list(home.entry.subentries)[1]
    assert any(subentry_id in key for key in hass_storage)
    home.remove_vehicle(1)
    home.simulator.clear_faults()
    await home.later(600)
    assert home.entry.state is ConfigEntryState.LOADED
    assert not any(subentry_id in key for key in hass_storage)
    assert not new_cars(home)


async def test_left_out_at_set_up(home: Home) -> None:
    """A car that was not selected at the set-up is ignored."""
    result = await walk(
        home.hass,
        {"next_step_id": "password"},
        account_input(home.server),
        user_input(home.server),
        {"vehicles": [home.car.id]},
    )
    await home.settle()
    assert not new_cars(home)
    (ignored,) = new_cars(home, is_ignored=True)
    assert ignored.data == {"entry_id": result["result"].entry_id}
    home.simulator.add_vehicle()
    await home.later(A_DAY)
    assert only_new_car(home).issue_id != ignored.issue_id


async def test_unloaded_and_removed(home: Home) -> None:
    """Unloading the account deletes its issues; removing it deletes ignored ones, too."""
    await home.set_up()
    issue = only_new_car(home)
    await home.unload()
    assert not new_cars(home)
    await home.load()
    await home.settle()
    ir.async_ignore_issue(home.hass, DOMAIN, issue.issue_id, True)
    await home.remove()
    assert not new_cars(home, is_ignored=True)


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
    home: Home, person: Person, fault: dict[str, Any], reason: str
) -> None:
    """A car that cannot be added ends the flow with the reason, and can be tried again."""
    await home.set_up()
    issue_id = only_new_car(home).issue_id
    home.simulator.add_fault(kind="vehicles", **fault)
    step = await person.submit(await person.open(issue_id), next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", reason)
    assert TEXTS["abort"][reason]
    home.simulator.clear_faults()
    assert only_new_car(home).issue_id == issue_id
    step = await person.submit(await person.open(issue_id), next_step_id="add")
    assert step["type"] == "create_entry"


async def test_added_meanwhile(home: Home, person: Person) -> None:
    """A car that was added while the dialog was open is not added twice."""
    await home.set_up()
    step = await person.open(only_new_car(home).issue_id)
    home.hass.config_entries.async_update_entry(home.entry, unique_id="first")
    await home.settle()
    home.with_vehicles(1).entry.add_to_hass(home.hass)
    step = await person.submit(step, next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", "already_configured")
    assert TEXTS["abort"]["already_configured"]


async def test_gone_meanwhile(home: Home, person: Person) -> None:
    """A car that Podero no longer lists cannot be left out."""
    await home.set_up()
    step = await person.open(only_new_car(home).issue_id)
    home.simulator.vehicles[1].delete()
    await home.later(A_DAY)
    step = await person.submit(step, next_step_id="ignore")
    assert (step["type"], step["reason"]) == ("abort", "not_listed")
    assert not new_cars(home, is_ignored=True)


async def test_account_is_not_loaded(home: Home, person: Person) -> None:
    """A car cannot be added while its account is not loaded."""
    await home.set_up()
    step = await person.open(only_new_car(home).issue_id)
    await home.unload()
    step = await person.submit(step, next_step_id="add")
    assert (step["type"], step["reason"]) == ("abort", "not_loaded")
    assert TEXTS["abort"]["not_loaded"]


async def test_names_are_shown_as_they_are(home: Home, person: Person) -> None:
    """The name is escaped for Markdown."""
    model = {"manufacturer": "[x](y)", "model": "**b**"}
    home.simulator.vehicles[1].override(device_model=model)
    await home.set_up()
    step = await person.open(only_new_car(home).issue_id)
    shown = step["description_placeholders"]["vehicle"]
    assert shown == r"\[x\]\(y\) \*\*b\*\*"
