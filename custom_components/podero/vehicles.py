"""The vehicles of accounts: list, name, add and delete them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryData
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import slugify

from .api import InvalidRequestError, InvalidResponseError, PoderoClient, Vehicle
from .charging.memory import Memory
from .const import CONF_STATISTICS_ID, DOMAIN, LOGGER, SUBENTRY_VEHICLE
from .helpers import statistics_source
from .sessions import async_remove_store

MAX_NAME_LENGTH = 100
"""Limits the part of a name in an entity id, which may have 255 characters."""


async def async_list_vehicles(client: PoderoClient) -> tuple[Vehicle, ...] | None:
    """Return the vehicles of a user, or None if the service does not list them.

    Raises PoderoError: ForbiddenError or NotFoundError if the ids may be wrong.
    """
    try:
        return await client.get_vehicles()
    except InvalidRequestError, InvalidResponseError:
        return None


def unconfigured_vehicles(
    hass: HomeAssistant, vehicles: Collection[Vehicle]
) -> dict[str, Vehicle]:
    """Return the vehicles that are not configured, by id."""
    configured = configured_vehicles(hass)
    return {
        vehicle.id: vehicle
        for vehicle in vehicles
        if vehicle.id and vehicle.deleted_at is None and vehicle.id not in configured
    }


def configured_vehicles(hass: HomeAssistant) -> set[str | None]:
    """Return the ids of all configured vehicles."""
    return {
        subentry.unique_id
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.subentries.values()
    }


def vehicle_name(vehicle: Vehicle) -> str:
    """Return the display name of a vehicle, short enough for entity ids."""
    name = (vehicle.device_model and vehicle.device_model.name) or "Electric vehicle"
    name = name[:MAX_NAME_LENGTH]
    # Some characters become several in a slug.
    while len(slugify(name)) > MAX_NAME_LENGTH:
        name = name[:-1]
    return name.strip()


def vehicle_label(vehicle: Vehicle) -> str:
    """Return the name of a vehicle in a list of choices, with its year."""
    name = vehicle_name(vehicle)
    year = vehicle.device_model and vehicle.device_model.year
    return f"{name} ({year})" if year else name


def vehicle_labels(vehicles: Mapping[str, Vehicle]) -> dict[str, str]:
    """Return the labels of vehicles by id."""
    return {key: vehicle_label(vehicle) for key, vehicle in vehicles.items()}


def vehicle_subentry(
    hass: HomeAssistant, vehicle_id: str, vehicle: Vehicle
) -> ConfigSubentryData:
    """Return the subentry data of a vehicle.

    If the vehicle that replaced this one once has its statistics, it gets others.
    """
    taken = {
        statistics_source(subentry)[0]
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.subentries.values()
    }
    ids = chain([vehicle_id], (f"{vehicle_id}-{number}" for number in count(2)))
    statistics_id = next(candidate for candidate in ids if candidate not in taken)
    return ConfigSubentryData(
        data={} if statistics_id == vehicle_id else {CONF_STATISTICS_ID: statistics_id},
        subentry_type=SUBENTRY_VEHICLE,
        title=vehicle_name(vehicle),
        unique_id=vehicle_id,
    )


@callback
def async_add_vehicles(
    hass: HomeAssistant, entry: ConfigEntry[Any], vehicles: Iterable[ConfigSubentryData]
) -> None:
    """Add vehicles to an account, which reloads it."""
    for vehicle in vehicles:
        hass.config_entries.async_add_subentry(
            entry,
            ConfigSubentry(
                data=MappingProxyType(vehicle["data"]),
                subentry_type=vehicle["subentry_type"],
                title=vehicle["title"],
                unique_id=vehicle["unique_id"],
            ),
        )


async def async_delete_vehicle_data(hass: HomeAssistant, subentry_id: str) -> None:
    """Delete the stored data of a removed vehicle; a file that cannot be is left."""
    failures = await asyncio.gather(
        Memory(hass, subentry_id).async_remove(),
        async_remove_store(hass, subentry_id),
        return_exceptions=True,
    )
    for failure in filter(None, failures):
        # Only the type: the text contains the path.
        LOGGER.warning(
            "The stored data of a removed car could not be deleted: %s",
            type(failure).__name__,
        )
