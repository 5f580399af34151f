"""The Podero integration: smart charging of electric cars."""

import asyncio

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, LOGGER, PLATFORMS, SUBENTRY_VEHICLE
from .coordinator import PoderoConfigEntry, PoderoCoordinator, PoderoData
from .dashboard import async_register_strategy
from .helpers import async_create_client
from .http import async_register_return_view
from .issues import async_delete_orphaned_issues, async_track_issues
from .new_vehicles import async_ignore_vehicle, async_track_new_vehicles
from .services import async_setup_services
from .vehicles import async_delete_vehicle_data

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what all accounts share."""
    async_setup_services(hass)
    async_register_return_view(hass)
    await async_register_strategy(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> bool:
    """Set up an account with its vehicles.

    A vehicle that cannot be read does not fail the setup: the entry is retried only if
    none of its vehicles can be read.
    """
    # Registered first: a vehicle may be added during the first refresh.
    entry.async_on_unload(entry.add_update_listener(_async_update_listener))
    if hasattr(entry, "runtime_data"):
        # The last attempt failed, and was not told of changes since.
        for subentry in _async_ignore_removed(hass, entry):
            await async_delete_vehicle_data(hass, subentry.subentry_id)
    client = async_create_client(hass, entry.data)
    entry.async_on_unload(client.close)
    subentries = tuple(entry.get_subentries_of_type(SUBENTRY_VEHICLE))
    coordinators = {
        subentry.subentry_id: PoderoCoordinator(hass, entry, subentry, client)
        for subentry in subentries
        if not _is_disabled(hass, entry, subentry)
    }
    entry.runtime_data = PoderoData(
        client=client, subentries=subentries, coordinators=coordinators
    )
    _async_track_devices(hass, entry)

    async def stop(_: Event) -> None:
        """Unblock calls that wait for a reading: they would delay the shutdown."""
        for coordinator in coordinators.values():
            await coordinator.async_shutdown()

    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))
    await _async_first_refresh(hass, entry)
    async_delete_orphaned_issues(hass)
    for coordinator in coordinators.values():
        async_track_issues(hass, coordinator)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    for coordinator in coordinators.values():
        # Missed events are fired once automations are set up.
        entry.async_on_unload(async_at_started(hass, coordinator.async_start_events))
    async_track_new_vehicles(hass, entry)
    return True


async def _async_first_refresh(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Refresh all coordinators. Raises the exception of one if no vehicle can be read."""
    coordinators = entry.runtime_data.coordinators.values()
    results = await asyncio.gather(
        *(
            coordinator.async_config_entry_first_refresh()
            for coordinator in coordinators
        ),
        return_exceptions=True,
    )
    failures = [result for result in results if result is not None]
    for failure in failures:
        if not isinstance(failure, ConfigEntryAuthFailed | ConfigEntryNotReady):
            raise failure
    is_any_reached = None in results or any(
        coordinator.is_missing for coordinator in coordinators
    )
    if coordinators and not is_any_reached:
        # Prefer a failure that a retry can solve to refused credentials.
        raise min(failures, key=_is_refusal)
    if any(map(_is_refusal, failures)):
        entry.async_start_reauth(hass)
    for coordinator, result in zip(coordinators, results, strict=True):
        if result is not None:
            LOGGER.warning("Error fetching %s data: %s", coordinator.name, result)


def _is_refusal(failure: BaseException) -> bool:
    """Return whether the credentials were refused."""
    return isinstance(failure, ConfigEntryAuthFailed)


def _is_disabled(
    hass: HomeAssistant, entry: PoderoConfigEntry, subentry: ConfigSubentry
) -> bool:
    """Return whether the device of a vehicle is disabled, which stops its polling."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, str(subentry.unique_id)), entry.entry_id
    )
    return device is not None and device.disabled


@callback
def _async_track_devices(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Reload the account when the device of a vehicle is disabled or enabled."""

    @callback
    def update(event: Event[dr.EventDeviceRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] != "update" or "disabled_by" not in data["changes"]:
            return
        device = dr.async_get(hass).async_get(data["device_id"])
        if device is not None and device.config_entry_id == entry.entry_id:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    entry.async_on_unload(
        hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, update)
    )


async def async_unload_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> bool:
    """Unload an account."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Abort the flows of an account, and delete its issues and stored data."""
    _async_abort_flows(hass, entry)
    async_delete_orphaned_issues(hass)
    for subentry_id in entry.subentries:
        await async_delete_vehicle_data(hass, subentry_id)


@callback
def _async_abort_flows(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Abort the flows that add vehicles to an account or change its credentials.

    Home Assistant itself aborts only those that ask to sign in again.
    """
    subentries = hass.config_entries.subentries
    for adding in subentries.async_progress(include_uninitialized=True):
        if adding["handler"][0] == entry.entry_id:
            subentries.async_abort(adding["flow_id"])
    for changing in hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, include_uninitialized=True, match_context={"entry_id": entry.entry_id}
    ):
        hass.config_entries.flow.async_abort(changing["flow_id"])


async def _async_update_listener(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Reload the account, and delete the stored data of removed vehicles."""
    was_loaded = entry.state is ConfigEntryState.LOADED
    removed = _async_ignore_removed(hass, entry)
    # Several vehicles may be added at once, each of which calls this listener.
    await asyncio.sleep(0)
    if was_loaded and entry.state is not ConfigEntryState.LOADED:
        # Another call of this listener reloads it with this change.
        return
    await hass.config_entries.async_reload(entry.entry_id)
    for subentry in removed:
        await async_delete_vehicle_data(hass, subentry.subentry_id)


@callback
def _async_ignore_removed(
    hass: HomeAssistant, entry: PoderoConfigEntry
) -> list[ConfigSubentry]:
    """Return the vehicles that were removed since the setup began.

    The user removed them: they are not reported as new vehicles.
    """
    data = entry.runtime_data
    removed = [
        subentry
        for subentry in data.subentries
        if subentry.subentry_id not in entry.subentries
    ]
    for subentry in removed:
        coordinator = data.coordinators.get(subentry.subentry_id)
        if coordinator is None or not coordinator.is_missing:
            async_ignore_vehicle(hass, str(subentry.unique_id), subentry.title, entry)
    return removed
