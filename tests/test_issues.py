"""Issues: raised while an action is pending, and deleted afterwards."""

from collections.abc import Callable
from datetime import timedelta
import json
from typing import Any

import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .dialogs import bring_about, issues, kinds, only_issue
from .home import Home
from custom_components.podero.const import DOMAIN, NEW_VEHICLE
from simulator import ABSENT, Car

pytestmark = pytest.mark.usefixtures("without_retry_delay")


KINDS = ["reauthenticate", "information", "unknown_action", "vehicle_not_found"]


def clear(car: Car) -> None:
    """End whatever raises an issue of a car."""
    car.clear_actions()
    car.life.deleted_at = None


@pytest.mark.parametrize("kind", KINDS)
async def test_raised_while_it_lasts(home: Home, kind: str) -> None:
    """An issue exists from the first reading with its cause to the first without it."""
    await home.set_up()
    assert not issues(home.hass)
    bring_about(home.simulator, kind)
    await home.refresh()
    issue = only_issue(home.hass)
    (subentry_id,) = home.entry.subentries
    assert issue.issue_id.startswith(f"{kind}_{subentry_id}")
    assert issue.translation_key == kind
    assert issue.translation_placeholders == {"vehicle": "Car 1"}
    assert issue.is_fixable
    assert not issue.is_persistent
    assert issue.data == {"entry_id": home.entry.entry_id, "subentry_id": subentry_id}
    await home.refresh()
    assert only_issue(home.hass) is issue
    clear(home.car)
    await home.refresh()
    assert not issues(home.hass)


@pytest.mark.parametrize("kind", KINDS)
async def test_raised_from_the_start(home: Home, kind: str) -> None:
    """An action that is pending at the set-up raises its issue."""
    bring_about(home.simulator, kind)
    await home.set_up()
    assert kinds(home.hass) == [kind]


async def test_severity(home: Home) -> None:
    """A reconnection is an error, a message or an unknown action a warning."""
    for kind in KINDS[:3]:
        bring_about(home.simulator, kind)
    await home.set_up()
    assert {
        issue.translation_key: issue.severity for issue in issues(home.hass).values()
    } == {
        "reauthenticate": ir.IssueSeverity.ERROR,
        "information": ir.IssueSeverity.WARNING,
        "unknown_action": ir.IssueSeverity.WARNING,
    }


async def test_several_for_one_vehicle(home: Home) -> None:
    """Each message and unknown code is an issue; two reconnections are one."""
    car = home.car
    for _ in range(2):
        car.raise_reauthenticate()
    for text in ("One.", "Two."):
        car.raise_message(text)
    for code in ("unheard", "unseen", "unheard"):
        car.raise_unknown_action(code)
    await home.set_up()
    assert kinds(home.hass) == [
        *("information", "information", "reauthenticate"),
        *("unknown_action", "unknown_action"),
    ]
    car.resolve(car.life.actions[0])
    await home.refresh()
    assert kinds(home.hass).count("reauthenticate") == 1


async def test_a_message_that_replaces_another_is_new(home: Home) -> None:
    """A message with another text or date is a new issue."""
    car = home.car
    car.raise_message("First.")
    await home.set_up()
    first = only_issue(home.hass)
    ir.async_ignore_issue(home.hass, DOMAIN, first.issue_id, True)
    car.life.actions[0].message = "Second."
    await home.refresh()
    second = only_issue(home.hass)
    assert second.issue_id != first.issue_id
    assert second.dismissed_version is None
    car.life.actions[0].sent_at += timedelta(minutes=1)
    await home.refresh()
    third = only_issue(home.hass)
    assert third.issue_id != second.issue_id
    await home.refresh()
    assert only_issue(home.hass) is third


async def test_each_vehicle_has_its_own(home: Home) -> None:
    """Each of two cars to be reconnected has an issue."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    for car in home.simulator.vehicles:
        car.raise_reauthenticate()
    await home.refresh()
    assert sorted(
        (issue.translation_placeholders or {})["vehicle"]
        for issue in issues(home.hass).values()
    ) == ["Car 1", "Car 2"]
    clear(home.car)
    await home.refresh()
    assert only_issue(home.hass).translation_placeholders == {"vehicle": "Car 2"}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_outage_changes_nothing(home: Home, kind: str) -> None:
    """A failed poll neither raises nor deletes an issue."""
    bring_about(home.simulator, kind)
    await home.set_up()
    issue = only_issue(home.hass)
    for status in (503, 403, 429):
        fault = home.simulator.add_fault(kind="vehicle", status=status)
        await home.refresh()
        await home.refresh()
        assert only_issue(home.hass) is issue
        home.simulator.clear_faults()
        assert fault
        await home.refresh()
        assert only_issue(home.hass) is issue


async def test_a_missing_vehicle_asks_for_nothing_else(home: Home) -> None:
    """The issues of a missing car are deleted until it is found again."""
    bring_about(home.simulator, "reauthenticate")
    await home.set_up()
    bring_about(home.simulator, "vehicle_not_found")
    await home.refresh()
    assert kinds(home.hass) == ["vehicle_not_found"]
    home.car.life.deleted_at = None
    await home.refresh()
    assert kinds(home.hass) == ["reauthenticate"]


@pytest.mark.parametrize("actions", [None, [], "none", [1, "two", None]])
async def test_no_actions(home: Home, actions: Any) -> None:
    """Anything but a list of actions raises no issue."""
    home.car.override(actions=actions)
    await home.set_up()
    assert not issues(home.hass)


@pytest.mark.parametrize("is_action_needed", [True, None])
@pytest.mark.parametrize("actions", [None, ABSENT, "none", {}, [5]])
async def test_a_reading_without_actions_tells_nothing_of_them(
    home: Home, actions: Any, is_action_needed: bool | None
) -> None:
    """Issues, ignored ones included, stay until a reading says that they are over."""
    home = home.with_vehicles(0, 1)
    bring_about(home.simulator, "reauthenticate")
    bring_about(home.simulator, "information")
    await home.set_up()
    before = issues(home.hass)
    ignored, open_ = sorted(before)
    ir.async_ignore_issue(home.hass, DOMAIN, ignored, True)
    car = home.car
    car.override(actions=actions, action_needed=is_action_needed)
    await home.refresh()
    assert issues(home.hass).keys() == before.keys()
    car.clear_overrides("actions")
    await home.refresh()
    after = issues(home.hass)
    assert after[ignored].dismissed_version
    assert after[open_].dismissed_version is None

    car.override(actions=actions, action_needed=is_action_needed)
    await home.refresh()
    clear(home.car)
    car.clear_overrides()
    await home.refresh()
    assert not issues(home.hass)


async def test_found_again_without_actions(home: Home) -> None:
    """A reading ends the issue of a missing car even without valid actions."""
    await home.set_up()
    bring_about(home.simulator, "vehicle_not_found")
    await home.refresh()
    clear(home.car)
    home.car.override(actions="none", action_needed=True)
    await home.refresh()
    assert not issues(home.hass)


async def test_missing_after_a_reading_without_actions(home: Home) -> None:
    """A missing car has no other issue, whatever its last reading was."""
    bring_about(home.simulator, "reauthenticate")
    await home.set_up()
    home.car.override(actions="none", action_needed=True)
    await home.refresh()
    assert kinds(home.hass) == ["reauthenticate"]
    bring_about(home.simulator, "vehicle_not_found")
    await home.refresh()
    assert kinds(home.hass) == ["vehicle_not_found"]


@pytest.mark.parametrize(
    "action",
    [
        lambda number: {"code": f"code {number}"},
        lambda number: {"code": "information", "metadata": {"message": str(number)}},
    ],
)
async def test_flood(home: Home, action: Callable[[int], dict[str, Any]]) -> None:
    """The number of issues of a car is limited."""
    home.car.override(
        actions=[action(number) for number in range(10_000)], action_needed=True
    )
    await home.set_up()
    assert len(issues(home.hass)) == 50


@pytest.mark.parametrize("actions", [None, ABSENT])
async def test_nothing_needed(home: Home, actions: Any) -> None:
    """A reading without actions that needs none deletes the issues."""
    bring_about(home.simulator, "reauthenticate")
    await home.set_up()
    home.car.override(actions=actions, action_needed=False)
    await home.refresh()
    assert not issues(home.hass)


async def test_odd_actions_are_raised(home: Home) -> None:
    """An action without a code, a link or a text raises an issue all the same."""
    home.car.override(
        actions=[
            {},
            {"code": "reauthenticate"},
            {"code": "information", "metadata": {"message": 1}, "sent_at": "soon"},
            {"code": "information", "metadata": {"message": "\ud83d\ude97"}},
        ]
    )
    await home.set_up()
    assert kinds(home.hass) == [
        *("information", "information", "reauthenticate", "unknown_action")
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_ignored_while_it_is_the_same(
    home: Home, hass_storage: dict[str, Any], kind: str
) -> None:
    """An issue stays ignored across polls and reloads, but not when it is raised anew."""
    bring_about(home.simulator, kind)
    await home.set_up()
    issue_id = only_issue(home.hass).issue_id
    ir.async_ignore_issue(home.hass, DOMAIN, issue_id, True)
    await home.refresh()
    assert only_issue(home.hass).dismissed_version
    await home.reload()
    await home.hass.async_block_till_done()
    assert only_issue(home.hass).dismissed_version

    clear(home.car)
    await home.refresh()
    assert not issues(home.hass)
    bring_about(home.simulator, kind)
    await home.refresh()
    assert only_issue(home.hass).dismissed_version is None


async def _restart_registry(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    """Load the issue registry as after a restart of Home Assistant."""
    registry = ir.async_get(hass)
    hass_storage[ir.STORAGE_KEY] = {
        "version": ir.STORAGE_VERSION_MAJOR,
        "minor_version": ir.STORAGE_VERSION_MINOR,
        "key": ir.STORAGE_KEY,
        "data": json.loads(json.dumps(registry._data_to_save())),  # noqa: SLF001
    }
    await registry._async_load()  # noqa: SLF001


@pytest.mark.parametrize("is_gone", [False, True])
async def test_ignored_across_a_restart(
    home: Home, hass_storage: dict[str, Any], is_gone: bool
) -> None:
    """An issue stays ignored across a restart unless its cause is gone by then."""
    bring_about(home.simulator, "reauthenticate")
    await home.set_up()
    ir.async_ignore_issue(home.hass, DOMAIN, only_issue(home.hass).issue_id, True)
    await home.unload()
    await _restart_registry(home.hass, hass_storage)
    assert not issues(home.hass)
    if is_gone:
        clear(home.car)
    await home.load()
    await home.hass.async_block_till_done()
    if is_gone:
        assert not [key for key in ir.async_get(home.hass).issues if key[0] == DOMAIN]
    else:
        assert only_issue(home.hass).dismissed_version


async def test_unloading_clears(home: Home) -> None:
    """Unloading the account deletes its issues; setting it up raises them again."""
    for kind in KINDS[:3]:
        bring_about(home.simulator, kind)
    await home.set_up()
    assert len(issues(home.hass)) == 3
    await home.unload()
    assert not issues(home.hass)
    await home.load()
    assert len(issues(home.hass)) == 3


@pytest.mark.parametrize("is_ignored", [False, True])
async def test_removing_the_account_clears(home: Home, is_ignored: bool) -> None:
    """Removing the account deletes its issues, ignored ones included."""
    bring_about(home.simulator, "reauthenticate")
    await home.set_up()
    ir.async_ignore_issue(home.hass, DOMAIN, only_issue(home.hass).issue_id, is_ignored)
    await home.remove()
    assert not [key for key in ir.async_get(home.hass).issues if key[0] == DOMAIN]


@pytest.mark.parametrize("is_ignored", [False, True])
async def test_removing_a_vehicle_clears(home: Home, is_ignored: bool) -> None:
    """Removing a vehicle deletes its issues, and leaves those of the other one."""
    home = home.with_vehicles(0, 1)
    for number in (0, 1):
        bring_about(home.simulator, "reauthenticate", number)
    await home.set_up()
    for issue_id in issues(home.hass):
        ir.async_ignore_issue(home.hass, DOMAIN, issue_id, is_ignored)
    home.remove_vehicle(0)
    await home.hass.async_block_till_done()
    left = [
        issue
        for issue in ir.async_get(home.hass).issues.values()
        if issue.domain == DOMAIN and issue.translation_key != NEW_VEHICLE
    ]
    assert [issue.translation_placeholders for issue in left] == [{"vehicle": "Car 2"}]
    assert bool(left[0].dismissed_version) is is_ignored


async def test_what_is_needed_stands_in_the_app_only(home: Home) -> None:
    """An action that is needed but not listed raises an issue that points to the app."""
    await home.set_up()
    home.car.override(action_needed=True)
    await home.refresh()
    issue = only_issue(home.hass)
    assert issue.translation_key == "unknown_action"
    await home.refresh()
    assert only_issue(home.hass) is issue
    home.car.raise_message("The tariff changes.")
    await home.refresh()
    assert kinds(home.hass) == ["information"], "something is listed"
    home.car.clear_actions()
    await home.refresh()
    assert kinds(home.hass) == ["unknown_action"]
    home.car.override(action_needed=False)
    await home.refresh()
    assert not issues(home.hass)


@pytest.mark.parametrize("actions", [None, ABSENT, "none"])
async def test_what_is_needed_is_not_known(home: Home, actions: Any) -> None:
    """An action that is needed raises no issue while the list is not valid."""
    home.car.override(action_needed=True, actions=actions)
    await home.set_up()
    assert not issues(home.hass)


async def test_a_message_is_no_alarm(home: Home) -> None:
    """A message does not turn on the sensor of a needed action."""
    home.car.raise_message("The tariff changes.")
    await home.set_up()
    assert kinds(home.hass) == ["information"]
    assert home.state("binary_sensor.car_1_new_message") == "on"
    assert home.state("binary_sensor.car_1_action_needed") == "off"
