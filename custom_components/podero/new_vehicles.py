"""Tell of the vehicles that an account has and Home Assistant does not, until they are ignored."""

from datetime import datetime, timedelta
from hashlib import sha256

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from .api import PoderoError, Vehicle
from .const import DOMAIN, LOGGER, NEW_VEHICLE
from .coordinator import PoderoConfigEntry
from .vehicles import (
    async_list_vehicles,
    configured_vehicles,
    new_vehicles,
    vehicle_labels,
)

LOOK_INTERVAL = timedelta(days=1)


@callback
def async_track_new_vehicles(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Look for new vehicles now and once a day, until the account is unloaded.

    Not at all where Home Assistant's own option disables polling.
    """

    @callback
    def look(_: datetime | None = None) -> None:
        entry.async_create_background_task(
            hass, _async_look(hass, entry), f"{entry.title} new vehicles"
        )

    @callback
    def clear() -> None:
        _async_delete_all_but(hass, entry, set())

    entry.async_on_unload(clear)
    if not entry.pref_disable_polling:
        entry.async_on_unload(async_track_time_interval(hass, look, LOOK_INTERVAL))
        look()


async def _async_look(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Raise an issue for each new vehicle. Nothing is said where none are listed."""
    try:
        vehicles = await async_list_vehicles(entry.runtime_data.client)
    except PoderoError as err:
        LOGGER.debug("%s: no look for new vehicles: %s", entry.title, err)
        return
    if vehicles is None:
        return
    found = vehicle_labels(new_vehicles(hass, vehicles))
    for vehicle_id, name in found.items():
        _async_raise(hass, vehicle_id, name, entry)
    _async_delete_all_but(hass, entry, set(map(issue_id, found)))
    for configured in configured_vehicles(hass):
        # Also one that was ignored before it was added.
        ir.async_delete_issue(hass, DOMAIN, issue_id(str(configured)))


@callback
def async_ignore_vehicle(
    hass: HomeAssistant,
    vehicle_id: str,
    name: str,
    entry: PoderoConfigEntry | None = None,
) -> None:
    """Do not tell of a vehicle that its owner does not want in Home Assistant."""
    _async_raise(hass, vehicle_id, name, entry)
    ir.async_ignore_issue(hass, DOMAIN, issue_id(vehicle_id), True)


@callback
def find_vehicle(vehicles: tuple[Vehicle, ...], wanted: str) -> Vehicle | None:
    """Return the vehicle that an issue is about."""
    return next(
        (vehicle for vehicle in vehicles if issue_id(str(vehicle.id)) == wanted), None
    )


def issue_id(vehicle_id: str) -> str:
    """Return the id of the issue about a vehicle, which does not tell the vehicle's."""
    return f"{NEW_VEHICLE}_{sha256(vehicle_id.encode()).hexdigest()[:16]}"


@callback
def _async_raise(
    hass: HomeAssistant, vehicle_id: str, name: str, entry: PoderoConfigEntry | None
) -> None:
    """Raise the issue about a vehicle. One that was ignored stays ignored."""
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
    """Delete the issues of an account that are over, but not what was ignored."""
    for issue in list(ir.async_get(hass).issues.values()):
        if (
            issue.domain == DOMAIN
            and issue.translation_key == NEW_VEHICLE
            and (issue.data or {}).get("entry_id") == entry.entry_id
            and issue.dismissed_version is None
            and issue.issue_id not in issue_ids
        ):
            ir.async_delete_issue(hass, DOMAIN, issue.issue_id)
