"""Repair issues about the pending actions of a vehicle, and about a missing one."""

from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .api import Action, InformationAction, ReauthenticateAction, Vehicle
from .const import DOMAIN, NEW_VEHICLE
from .coordinator import PoderoCoordinator
from .helpers import digest

NOT_FOUND: Final = "vehicle_not_found"


@callback
def async_track_issues(hass: HomeAssistant, coordinator: PoderoCoordinator) -> None:
    """Keep a vehicle's issues in sync with its readings until it is unloaded."""
    registry = ir.async_get(hass)
    not_found = f"{NOT_FOUND}_{coordinator.subentry.subentry_id}"
    shown: tuple[set[str], bool] | None = None

    @callback
    def update() -> None:
        nonlocal shown
        vehicle, is_missing = coordinator.data, coordinator.is_missing
        if not is_missing and not coordinator.last_update_success:
            return
        issues: Mapping[str, Action | None] = (
            {not_found: None}
            if is_missing
            else pending_actions(coordinator.subentry.subentry_id, vehicle)
        )
        # Compared by id, as every reading renews the links.
        now = set(issues), vehicle.are_actions_known
        # A repair flow that ends deletes its issue, even if it was raised again since.
        is_any_deleted = any(
            registry.async_get_issue(DOMAIN, issue_id) is None for issue_id in issues
        )
        if now != shown or is_any_deleted:
            shown = now
            _async_update(hass, coordinator, issues)

    @callback
    def clear() -> None:
        for issue in _issues_of(hass, coordinator):
            # Keep ignored issues: after a reload they would be created as not ignored.
            if issue.dismissed_version is None:
                ir.async_delete_issue(hass, DOMAIN, issue.issue_id)

    coordinator.config_entry.async_on_unload(clear)
    coordinator.config_entry.async_on_unload(coordinator.async_add_listener(update))
    update()


@callback
def _async_update(
    hass: HomeAssistant,
    coordinator: PoderoCoordinator,
    issues: Mapping[str, Action | None],
) -> None:
    """Create the new issues of a vehicle, and delete the resolved ones.

    While its actions are not known, those about actions are kept.
    """
    for issue_id, action in issues.items():
        _async_raise(hass, coordinator, issue_id, action)
    over = {issue.issue_id for issue in _issues_of(hass, coordinator)} - {*issues}
    if not coordinator.is_missing and not coordinator.data.are_actions_known:
        over = {key for key in over if key.startswith(NOT_FOUND)}
    for issue_id in over:
        ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_delete_orphaned_issues(hass: HomeAssistant) -> None:
    """Delete the issues of vehicles that are no longer configured."""
    entries = hass.config_entries.async_entries(DOMAIN)
    keys = {subentry_id for entry in entries for subentry_id in entry.subentries}
    if entries:
        # Issues about vehicles that have not been configured yet.
        keys.add(NEW_VEHICLE)
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and not any(key in issue_id for key in keys):
            ir.async_delete_issue(hass, DOMAIN, issue_id)


def _issues_of(
    hass: HomeAssistant, coordinator: PoderoCoordinator
) -> list[ir.IssueEntry]:
    """Return a vehicle's issues, including inactive ones that are stored as ignored."""
    return [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and coordinator.subentry.subentry_id in issue.issue_id
    ]


def pending_actions(subentry_id: str, vehicle: Vehicle) -> dict[str, Action]:
    """Return the pending actions by issue id; the first one if several have the same id.

    If the vehicle needs an action and lists none, an action without a code is returned.
    """
    actions = vehicle.actions or ()
    if vehicle.action_needed and not actions and vehicle.are_actions_known:
        actions = (Action(),)
    return {_issue_id(subentry_id, action): action for action in reversed(actions)}


def _issue_id(subentry_id: str, action: Action) -> str:
    """Return the id of an action's issue, which is the same in every reading."""
    match action:
        case ReauthenticateAction():
            return f"reauthenticate_{subentry_id}"
        case InformationAction():
            message = digest(f"{action.sent_at} {action.message}")
            return f"information_{subentry_id}_{message}"
        case _:
            return f"unknown_action_{subentry_id}_{digest(str(action.code))}"


@callback
def _async_raise(
    hass: HomeAssistant,
    coordinator: PoderoCoordinator,
    issue_id: str,
    action: Action | None,
) -> None:
    """Create the issue of an action, or of a missing vehicle if it is None."""
    kinds = {ReauthenticateAction: "reauthenticate", InformationAction: "information"}
    kind = NOT_FOUND if action is None else kinds.get(type(action), "unknown_action")
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={
            "entry_id": coordinator.config_entry.entry_id,
            "subentry_id": coordinator.subentry.subentry_id,
        },
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR
        if kind in {"reauthenticate", NOT_FOUND}
        else ir.IssueSeverity.WARNING,
        translation_key=kind,
        translation_placeholders={"vehicle": coordinator.subentry.title},
    )
