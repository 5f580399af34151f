"""Repair issues about vehicles of an account that are not configured."""

from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from .api import PoderoError, Vehicle
from .const import DOMAIN, LOGGER, NEW_VEHICLE
from .coordinator import PoderoConfigEntry
from .helpers import digest
from .vehicles import (
    async_list_vehicles,
    configured_vehicles,
    unconfigured_vehicles,
    vehicle_labels,
)

CHECK_INTERVAL = timedelta(days=1)


@callback
def async_track_new_vehicles(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Check for new vehicles now and once a day, until the account is unloaded.

    Not if polling is disabled in the system options of the entry.
    """

    @callback
    def check(_: datetime | None = None) -> None:
        entry.async_create_background_task(
            hass, _async_check(hass, entry), f"{entry.title} new vehicles"
        )

    @callback
    def clear() -> None:
        _async_delete_all_but(hass, entry, set())

    entry.async_on_unload(clear)
    if not entry.pref_disable_polling:
        entry.async_on_unload(async_track_time_interval(hass, check, CHECK_INTERVAL))
        check()


async def _async_check(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Create an issue for each new vehicle, and delete the resolved ones."""
    try:
        vehicles = await async_list_vehicles(entry.runtime_data.client)
    except PoderoError as err:
        LOGGER.debug("%s: new vehicles could not be listed: %s", entry.title, err)
        return
    if vehicles is None:
        return
    found = vehicle_labels(unconfigured_vehicles(hass, vehicles))
    for vehicle_id, name in found.items():
        _async_raise(hass, vehicle_id, name, entry)
    _async_delete_all_but(hass, entry, set(map(issue_id, found)))
    for configured in configured_vehicles(hass):
        # Including an ignored one whose vehicle was added after all.
        ir.async_delete_issue(hass, DOMAIN, issue_id(str(configured)))


@callback
def async_ignore_vehicle(
    hass: HomeAssistant,
    vehicle_id: str,
    name: str,
    entry: PoderoConfigEntry | None = None,
) -> None:
    """Create the issue about a vehicle, and ignore it: the user does not want it."""
    _async_raise(hass, vehicle_id, name, entry)
    ir.async_ignore_issue(hass, DOMAIN, issue_id(vehicle_id), True)


def find_vehicle(vehicles: tuple[Vehicle, ...], wanted: str) -> Vehicle | None:
    """Return the vehicle that an issue is about."""
    return next(
        (vehicle for vehicle in vehicles if issue_id(str(vehicle.id)) == wanted), None
    )


def issue_id(vehicle_id: str) -> str:
    """Return the id of the issue about a vehicle, with the vehicle's id hashed."""
    return f"{NEW_VEHICLE}_{digest(vehicle_id)}"


@callback
def _async_raise(
    hass: HomeAssistant, vehicle_id: str, name: str, entry: PoderoConfigEntry | None
) -> None:
    """Create the issue about a vehicle. One that was ignored stays ignored."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(vehicle_id),
        data={"entry_id": entry.entry_id} if entry else None,
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="new_vehicle",
        translation_placeholders={"vehicle": name},
    )


@callback
def _async_delete_all_but(
    hass: HomeAssistant, entry: PoderoConfigEntry, issue_ids: set[str]
) -> None:
    """Delete the other issues of an account, except ignored ones."""
    for issue in list(ir.async_get(hass).issues.values()):
        if (
            issue.domain == DOMAIN
            and issue.translation_key == NEW_VEHICLE
            and (issue.data or {}).get("entry_id") == entry.entry_id
            and issue.dismissed_version is None
            and issue.issue_id not in issue_ids
        ):
            ir.async_delete_issue(hass, DOMAIN, issue.issue_id)
