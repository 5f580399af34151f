"""Replace the vehicle of a subentry: a car that has a new id in Podero."""

from datetime import datetime, timedelta

from homeassistant.components.recorder import DOMAIN as RECORDER_DOMAIN, get_instance
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from .api import Vehicle
from .charging.statistics import SERIES, async_get_last_charge, statistic_id
from .const import CONF_STATISTICS_ID, CONF_STATISTICS_SINCE, DOMAIN
from .coordinator import PoderoConfigEntry
from .helpers import statistics_source
from .sessions import async_remove_store
from .vehicles import async_delete_vehicle_data


async def async_replace_vehicle(
    hass: HomeAssistant, entry: PoderoConfigEntry, subentry_id: str, vehicle: Vehicle
) -> None:
    """Assign another vehicle, which must have an id, to a subentry.

    The device, the entities and their history are kept. If the other vehicle has a
    subentry of its own, it is removed with its statistics.
    """
    vehicle_id = str(vehicle.id)
    await hass.config_entries.async_unload(entry.entry_id)
    try:
        # A session of the replaced vehicle that was running is not one of the other.
        await async_remove_store(hass, subentry_id)
        for other in list(entry.subentries.values()):
            if other.unique_id == vehicle_id and other.subentry_id != subentry_id:
                hass.config_entries.async_remove_subentry(entry, other.subentry_id)
                await async_delete_vehicle_data(hass, other.subentry_id)
                _async_clear_statistics(hass, other)
        subentry = entry.subentries[subentry_id]
        _async_update_registries(hass, entry, subentry, vehicle_id)
        statistics_id, _ = statistics_source(subentry)
        since = await _async_since(hass, statistics_id, vehicle)
        hass.config_entries.async_update_subentry(
            entry,
            subentry,
            unique_id=vehicle_id,
            # Keep the statistic ids, which dashboards and the energy settings contain.
            data={
                **subentry.data,
                CONF_STATISTICS_ID: statistics_id,
                CONF_STATISTICS_SINCE: since.isoformat(),
            },
        )
    finally:
        await hass.config_entries.async_setup(entry.entry_id)


async def _async_since(
    hass: HomeAssistant, statistics_id: str, vehicle: Vehicle
) -> datetime:
    """Return from when on the replacement's sessions are written.

    What is recorded of the replaced vehicle stays, even if both existed for a while.
    """
    now = dt_util.utcnow()
    since = min(vehicle.created_at or now, now)
    if RECORDER_DOMAIN in hass.config.components:
        last = await async_get_last_charge(hass, statistics_id, since)
        if last is not None:
            return last + timedelta(hours=1)
    return since


@callback
def _async_clear_statistics(hass: HomeAssistant, subentry: ConfigSubentry) -> None:
    """Delete the statistics of a vehicle; those of the replaced one continue with them."""
    if RECORDER_DOMAIN in hass.config.components:
        vehicle_id, _ = statistics_source(subentry)
        get_instance(hass).async_clear_statistics(
            [statistic_id(vehicle_id, series) for series in SERIES]
        )


@callback
def _async_update_registries(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    subentry: ConfigSubentry,
    vehicle_id: str,
) -> None:
    """Change the vehicle's id in the device and entity registries."""
    old_id = str(subentry.unique_id)
    entities = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
        if entity.config_subentry_id == subentry.subentry_id:
            entities.async_update_entity(
                entity.entity_id,
                new_unique_id=entity.unique_id.replace(old_id, vehicle_id, 1),
            )
    devices = dr.async_get(hass)
    device = devices.async_get_device_by_identifier((DOMAIN, old_id), entry.entry_id)
    if device is not None:
        devices.async_update_device(device.id, new_identifiers={(DOMAIN, vehicle_id)})
