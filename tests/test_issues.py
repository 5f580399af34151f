"""Issues: raised while something waits, gone when it does not, ignored while ignored."""

from collections.abc import Callable
from datetime import timedelta
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .conftest import Refresh, SetUp, account_entry
from .dialogs import bring_about, issues, kinds, only_issue
from .home import Home
from custom_components.podero.const import DOMAIN, NEW_VEHICLE
from simulator import ABSENT, Server, Simulator


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the end of a blip."""
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


KINDS = ["reauthenticate", "information", "unknown_action", "vehicle_not_found"]


def settle(simulator: Simulator, number: int = 0) -> None:
    """Have no issue any more."""
    simulator.vehicles[number].clear_actions()
    simulator.vehicles[number].life.deleted_at = None


@pytest.mark.parametrize("kind", KINDS)
async def test_raised_while_it_lasts(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    kind: str,
) -> None:
    """An issue is there from the reading that tells of it to the one that does not."""
    await set_up(entry)
    assert not issues(hass)
    bring_about(simulator, kind)
    await refresh(entry)
    issue = only_issue(hass)
    (subentry_id,) = entry.subentries
    assert issue.issue_id.startswith(f"{kind}_{subentry_id}")
    assert issue.translation_key == kind
    assert issue.translation_placeholders == {"vehicle": "Car 1"}
    assert issue.is_fixable
    assert not issue.is_persistent
    assert issue.data == {"entry_id": entry.entry_id, "subentry_id": subentry_id}
    await refresh(entry)
    assert only_issue(hass) is issue
    settle(simulator)
    await refresh(entry)
    assert not issues(hass)


@pytest.mark.parametrize("kind", KINDS)
async def test_raised_from_the_start(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    kind: str,
) -> None:
    """What waits when Home Assistant starts is raised at once."""
    bring_about(simulator, kind)
    await set_up(entry)
    assert kinds(hass) == [kind]


async def test_severity(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """What keeps Podero from working is an error, what it says a warning."""
    for kind in KINDS[:3]:
        bring_about(simulator, kind)
    await set_up(entry)
    assert {
        issue.translation_key: issue.severity for issue in issues(hass).values()
    } == {
        "reauthenticate": ir.IssueSeverity.ERROR,
        "information": ir.IssueSeverity.WARNING,
        "unknown_action": ir.IssueSeverity.WARNING,
    }


async def test_several_for_one_vehicle(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """Each message and each unknown code is an issue; to reconnect is one, asked twice."""
    car = simulator.vehicles[0]
    for _ in range(2):
        car.raise_reauthenticate()
    for text in ("One.", "Two."):
        car.raise_message(text)
    for code in ("unheard", "unseen", "unheard"):
        car.raise_unknown_action(code)
    await set_up(entry)
    assert kinds(hass) == [
        *("information", "information", "reauthenticate"),
        *("unknown_action", "unknown_action"),
    ]
    car.resolve(car.life.actions[0])
    await refresh(entry)
    assert kinds(hass).count("reauthenticate") == 1


async def test_a_message_that_replaces_another_is_new(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """Another text or another date is another message; another poll is not."""
    car = simulator.vehicles[0]
    car.raise_message("First.")
    await set_up(entry)
    first = only_issue(hass)
    ir.async_ignore_issue(hass, DOMAIN, first.issue_id, True)
    car.life.actions[0].message = "Second."
    await refresh(entry)
    second = only_issue(hass)
    assert second.issue_id != first.issue_id
    assert second.dismissed_version is None
    car.life.actions[0].sent_at += timedelta(minutes=1)
    await refresh(entry)
    third = only_issue(hass)
    assert third.issue_id != second.issue_id
    await refresh(entry)
    assert only_issue(hass) is third


async def test_each_vehicle_has_its_own(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """Two cars that have to be reconnected are two issues."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    for car in simulator.vehicles:
        car.raise_reauthenticate()
    await refresh(entry)
    assert sorted(
        (issue.translation_placeholders or {})["vehicle"]
        for issue in issues(hass).values()
    ) == ["Car 1", "Car 2"]
    settle(simulator, 0)
    await refresh(entry)
    assert only_issue(hass).translation_placeholders == {"vehicle": "Car 2"}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_outage_changes_nothing(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    kind: str,
) -> None:
    """A reading that fails tells nothing, of what waits as of what does not."""
    bring_about(simulator, kind)
    await set_up(entry)
    issue = only_issue(hass)
    for status in (503, 403, 429):
        fault = simulator.add_fault(kind="vehicle", status=status)
        await refresh(entry)
        await refresh(entry)
        assert only_issue(hass) is issue
        simulator.clear_faults()
        assert fault
        await refresh(entry)
        assert only_issue(hass) is issue


async def test_a_missing_vehicle_asks_for_nothing_else(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """What it waited for does not matter any more, until it is found again."""
    bring_about(simulator, "reauthenticate")
    await set_up(entry)
    bring_about(simulator, "vehicle_not_found")
    await refresh(entry)
    assert kinds(hass) == ["vehicle_not_found"]
    simulator.vehicles[0].life.deleted_at = None
    await refresh(entry)
    assert kinds(hass) == ["reauthenticate"]


@pytest.mark.parametrize("actions", [None, [], "none", [1, "two", None]])
async def test_no_actions(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    actions: Any,
) -> None:
    """What is no list of actions raises nothing."""
    simulator.vehicles[0].override(actions=actions)
    await set_up(entry)
    assert not issues(hass)


@pytest.mark.parametrize("is_action_needed", [True, None])
@pytest.mark.parametrize("actions", [None, ABSENT, "none", {}, [5]])
async def test_a_reading_without_actions_tells_nothing_of_them(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    refresh: Refresh,
    actions: Any,
    is_action_needed: bool | None,
) -> None:
    """What waits goes on waiting, ignored where it was, until it is known to be over."""
    entry = account_entry(server, 0, 1)
    bring_about(simulator, "reauthenticate")
    bring_about(simulator, "information")
    await set_up(entry)
    before = issues(hass)
    ignored, open_ = sorted(before)
    ir.async_ignore_issue(hass, DOMAIN, ignored, True)
    car = simulator.vehicles[0]
    car.override(actions=actions, action_needed=is_action_needed)
    await refresh(entry)
    assert issues(hass).keys() == before.keys()
    car.clear_overrides("actions")
    await refresh(entry)
    after = issues(hass)
    assert after[ignored].dismissed_version
    assert after[open_].dismissed_version is None

    car.override(actions=actions, action_needed=is_action_needed)
    await refresh(entry)
    settle(simulator)
    car.clear_overrides()
    await refresh(entry)
    assert not issues(hass)


async def test_found_again_without_actions(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """A car that is there is not missing, whatever else is known of it."""
    await set_up(entry)
    bring_about(simulator, "vehicle_not_found")
    await refresh(entry)
    settle(simulator)
    simulator.vehicles[0].override(actions="none", action_needed=True)
    await refresh(entry)
    assert not issues(hass)


async def test_missing_after_a_reading_without_actions(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """A car that is not there asks for nothing, whatever was known of it."""
    bring_about(simulator, "reauthenticate")
    await set_up(entry)
    simulator.vehicles[0].override(actions="none", action_needed=True)
    await refresh(entry)
    assert kinds(hass) == ["reauthenticate"]
    bring_about(simulator, "vehicle_not_found")
    await refresh(entry)
    assert kinds(hass) == ["vehicle_not_found"]


@pytest.mark.parametrize(
    "action",
    [
        lambda number: {"code": f"code {number}"},
        lambda number: {"code": "information", "metadata": {"message": str(number)}},
    ],
)
async def test_flood(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    action: Callable[[int], dict[str, Any]],
) -> None:
    """Nobody is asked for thousands of things at once."""
    simulator.vehicles[0].override(
        actions=[action(number) for number in range(10_000)], action_needed=True
    )
    await set_up(entry)
    assert len(issues(hass)) == 50


@pytest.mark.parametrize("actions", [None, ABSENT])
async def test_nothing_needed(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    actions: Any,
) -> None:
    """No actions where none is needed means that none waits any more."""
    bring_about(simulator, "reauthenticate")
    await set_up(entry)
    simulator.vehicles[0].override(actions=actions, action_needed=False)
    await refresh(entry)
    assert not issues(hass)


async def test_odd_actions_are_raised(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Without a code, a link, or a message that is text, it is an action all the same."""
    simulator.vehicles[0].override(
        actions=[
            {},
            {"code": "reauthenticate"},
            {"code": "information", "metadata": {"message": 1}, "sent_at": "soon"},
            {"code": "information", "metadata": {"message": "\ud83d\ude97"}},
        ]
    )
    await set_up(entry)
    assert kinds(hass) == [
        *("information", "information", "reauthenticate", "unknown_action")
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_ignored_while_it_is_the_same(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    kind: str,
) -> None:
    """Polls and reloads leave it ignored; gone and come again it is not."""
    bring_about(simulator, kind)
    await set_up(entry)
    issue_id = only_issue(hass).issue_id
    ir.async_ignore_issue(hass, DOMAIN, issue_id, True)
    await refresh(entry)
    assert only_issue(hass).dismissed_version
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert only_issue(hass).dismissed_version

    settle(simulator)
    await refresh(entry)
    assert not issues(hass)
    bring_about(simulator, kind)
    await refresh(entry)
    assert only_issue(hass).dismissed_version is None


async def _restart_registry(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    """Have the issue registry as it is after a restart of Home Assistant."""
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
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    is_gone: bool,
) -> None:
    """It stays ignored after a restart, but not when it was gone by then."""
    bring_about(simulator, "reauthenticate")
    await set_up(entry)
    ir.async_ignore_issue(hass, DOMAIN, only_issue(hass).issue_id, True)
    await hass.config_entries.async_unload(entry.entry_id)
    await _restart_registry(hass, hass_storage)
    assert not issues(hass)
    if is_gone:
        settle(simulator)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    if is_gone:
        assert not [key for key in ir.async_get(hass).issues if key[0] == DOMAIN]
    else:
        assert only_issue(hass).dismissed_version


async def test_unloading_clears(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    """An account that is not loaded raises nothing; another one keeps its own."""
    first = account_entry(server, 0)
    for kind in KINDS[:3]:
        bring_about(simulator, kind)
    await set_up(first)
    assert len(issues(hass)) == 3
    assert await hass.config_entries.async_unload(first.entry_id)
    assert not issues(hass)
    assert await hass.config_entries.async_setup(first.entry_id)
    assert len(issues(hass)) == 3


@pytest.mark.parametrize("is_ignored", [False, True])
async def test_removing_the_account_clears(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    is_ignored: bool,
) -> None:
    """Not even what was ignored is left."""
    bring_about(simulator, "reauthenticate")
    await set_up(entry)
    ir.async_ignore_issue(hass, DOMAIN, only_issue(hass).issue_id, is_ignored)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not [key for key in ir.async_get(hass).issues if key[0] == DOMAIN]


@pytest.mark.parametrize("is_ignored", [False, True])
async def test_removing_a_vehicle_clears(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    is_ignored: bool,
) -> None:
    """The other vehicle's issues stay as they were."""
    entry = account_entry(server, 0, 1)
    for number in (0, 1):
        bring_about(simulator, "reauthenticate", number)
    await set_up(entry)
    for issue_id in issues(hass):
        ir.async_ignore_issue(hass, DOMAIN, issue_id, is_ignored)
    hass.config_entries.async_remove_subentry(entry, next(iter(entry.subentries)))
    await hass.async_block_till_done()
    left = [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.translation_key != NEW_VEHICLE
    ]
    assert [issue.translation_placeholders for issue in left] == [{"vehicle": "Car 2"}]
    assert bool(left[0].dismissed_version) is is_ignored


async def test_what_is_needed_stands_in_the_app_only(home: Home) -> None:
    """An action is needed, and none is listed: the app knows, until none is needed."""
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
    """The list may be empty or not: nothing is raised."""
    home.car.override(action_needed=True, actions=actions)
    await home.set_up()
    assert not issues(home.hass)


async def test_a_message_is_no_alarm(home: Home) -> None:
    """It is new until it is read, and nothing has to be done."""
    home.car.raise_message("The tariff changes.")
    await home.set_up()
    assert kinds(home.hass) == ["information"]
    assert home.state("binary_sensor.car_1_new_message") == "on"
    assert home.state("binary_sensor.car_1_action_needed") == "off"
