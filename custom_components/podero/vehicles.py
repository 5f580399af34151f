"""The vehicles of accounts: which there are, and what they are called."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryData
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import slugify

from .api import InvalidRequestError, InvalidResponseError, PoderoClient, Vehicle
from .charging.memory import Memory
from .const import DOMAIN, SUBENTRY_VEHICLE
from .sessions import async_remove_memory

MAX_NAME_LENGTH = 100
"""How much of the 255 characters of an entity id a name may take."""


async def async_list_vehicles(client: PoderoClient) -> tuple[Vehicle, ...] | None:
    """Return the vehicles of a user, or None if the service does not list any.

    Raises ForbiddenError or NotFoundError if that may be the user's fault.
    """
    try:
        return await client.get_vehicles()
    except InvalidRequestError, InvalidResponseError:
        return None


def new_vehicles(
    hass: HomeAssistant, vehicles: Collection[Vehicle]
) -> dict[str, Vehicle]:
    """Return the vehicles that no account has, by their ids."""
    configured = configured_vehicles(hass)
    return {
        vehicle.id: vehicle
        for vehicle in vehicles
        if vehicle.id and vehicle.deleted_at is None and vehicle.id not in configured
    }


def configured_vehicles(hass: HomeAssistant) -> set[str | None]:
    """Return the ids of the vehicles of all accounts."""
    return {
        subentry.unique_id
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.subentries.values()
    }


def vehicle_name(vehicle: Vehicle) -> str:
    """Return what people call a vehicle, short enough for the ids made of it."""
    name = (vehicle.device_model and vehicle.device_model.name) or "Electric vehicle"
    name = name[:MAX_NAME_LENGTH]
    # Some letters become many.
    while len(slugify(name)) > MAX_NAME_LENGTH:
        name = name[:-1]
    return name.strip()


def vehicle_label(vehicle: Vehicle) -> str:
    """Return the name by which a vehicle is chosen among others: with its year."""
    name = vehicle_name(vehicle)
    year = vehicle.device_model and vehicle.device_model.year
    return f"{name} ({year})" if year else name


def vehicle_labels(vehicles: Mapping[str, Vehicle]) -> dict[str, str]:
    """Return the labels of vehicles by their ids."""
    return {key: vehicle_label(vehicle) for key, vehicle in vehicles.items()}


def vehicle_subentry(vehicle_id: str, vehicle: Vehicle) -> ConfigSubentryData:
    """Return what is stored of a vehicle."""
    return ConfigSubentryData(
        data={},
        subentry_type=SUBENTRY_VEHICLE,
        title=vehicle_name(vehicle),
        unique_id=vehicle_id,
    )


@callback
def async_add_vehicles(
    hass: HomeAssistant, entry: ConfigEntry[Any], vehicles: Iterable[ConfigSubentryData]
) -> None:
    """Add vehicles to an account, which sets it up again."""
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


async def async_forget_vehicle(hass: HomeAssistant, subentry_id: str) -> None:
    """Delete what is remembered of a vehicle that was removed."""
    await Memory(hass, subentry_id).async_remove()
    await async_remove_memory(hass, subentry_id)


def distinct_labels(names: Mapping[str, str]) -> dict[str, str]:
    """Return labels by ids: the names, with an end of the id where two are alike."""
    bearers = Counter(names.values())
    return {
        key: name if bearers[name] == 1 else f"{name} …{_tail(key, names)}"
        for key, name in names.items()
    }


def _tail(key: str, among: Collection[str]) -> str:
    """Return the end of an id, or all of it where others end alike."""
    tail = key[-4:]
    return tail if sum(other.endswith(tail) for other in among) == 1 else key
