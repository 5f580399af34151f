"""A plain integration: a coordinator with decoded JSON, entities that write at every poll."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, override

from pytest_homeassistant_custom_component.common import (
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.device_tracker import TrackerEntity
from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import (
    CoordinatorEntity,
    DataUpdateCoordinator,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads_object

from .shown import CHARGE_DEADLINE, CHARGING_FINISHES_AT, CHARGING_STATE, Shown
from custom_components.podero.const import LOGGER
from tests.oracle import charge_deadline, charging_finishes_at, charging_state

DOMAIN = "plain"

type PlainConfigEntry = ConfigEntry[dict[str, PlainCoordinator]]


class PlainConfigFlow(ConfigFlow, domain=DOMAIN):
    """No steps; Home Assistant requires a flow."""


class PlainCoordinator(DataUpdateCoordinator[dict[str, Any]]):
    """Poll one vehicle."""

    def __init__(self, hass: HomeAssistant, entry: PlainConfigEntry, url: str) -> None:
        """Poll a URL."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name="Car",
            update_interval=timedelta(seconds=60),
        )
        self._url = url
        self._session = async_get_clientsession(hass)

    @override
    async def _async_update_data(self) -> dict[str, Any]:
        async with self._session.get(
            self._url, headers={"Authorization": "Bearer token"}
        ) as answer:
            return json_loads_object(await answer.read())


class PlainEntity(CoordinatorEntity[PlainCoordinator]):
    """Show a field."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: PlainCoordinator, vehicle_id: str, shown: Shown
    ) -> None:
        """Show a field of a vehicle."""
        super().__init__(coordinator)
        self._shown = shown
        self._attr_unique_id = f"{vehicle_id}_{shown.key}"
        self._attr_name = shown.key.replace("_", " ")
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, vehicle_id)})
        self._attr_entity_registry_enabled_default = shown.is_default

    @property
    def _value(self) -> Any:
        data = self.coordinator.data
        if self._shown.key in _DERIVED:
            return _DERIVED[self._shown.key](data)
        value = data.get(self._shown.field)
        if value is not None and self._shown.device_class == "timestamp":
            return dt_util.parse_datetime(value)
        return value


class PlainSensor(PlainEntity, SensorEntity):
    """Show a value."""

    def __init__(
        self, coordinator: PlainCoordinator, vehicle_id: str, shown: Shown
    ) -> None:
        """Describe it as the integration does."""
        super().__init__(coordinator, vehicle_id, shown)
        if shown.device_class != "enum":
            self._attr_device_class = shown.device_class
        self._attr_native_unit_of_measurement = shown.unit
        self._attr_state_class = shown.state_class

    @property
    @override
    def native_value(self) -> Any:
        return self._value


class PlainBinarySensor(PlainEntity, BinarySensorEntity):
    """Show a boolean."""

    def __init__(
        self, coordinator: PlainCoordinator, vehicle_id: str, shown: Shown
    ) -> None:
        """Describe it as the integration does."""
        super().__init__(coordinator, vehicle_id, shown)
        self._attr_device_class = shown.device_class

    @property
    @override
    def is_on(self) -> bool | None:
        is_on: bool | None = self._value
        return is_on


class PlainTracker(PlainEntity, TrackerEntity):
    """Show the location."""

    @property
    @override
    def latitude(self) -> float | None:
        latitude: float | None = self.coordinator.data["latitude"]
        return latitude

    @property
    @override
    def longitude(self) -> float | None:
        longitude: float | None = self.coordinator.data["longitude"]
        return longitude


def _finishes_at(data: Mapping[str, Any]) -> datetime | None:
    reported_at = dt_util.parse_datetime(data["current_state_last_updated_at"])
    return None if reported_at is None else charging_finishes_at(data, reported_at)


_DERIVED: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    CHARGING_STATE: charging_state,
    CHARGING_FINISHES_AT: _finishes_at,
    CHARGE_DEADLINE: lambda data: charge_deadline(data, dt_util.now()),
}

_ENTITIES: dict[Platform, Callable[[PlainCoordinator, str, Shown], PlainEntity]] = {
    Platform.SENSOR: PlainSensor,
    Platform.BINARY_SENSOR: PlainBinarySensor,
    Platform.DEVICE_TRACKER: PlainTracker,
}


def install(
    hass: HomeAssistant, urls: Mapping[str, str], things: Sequence[Shown]
) -> None:
    """Register a mock integration that polls these URLs."""

    async def set_up_entry(hass: HomeAssistant, entry: PlainConfigEntry) -> bool:
        entry.runtime_data = {
            vehicle_id: PlainCoordinator(hass, entry, url)
            for vehicle_id, url in urls.items()
        }
        for coordinator in entry.runtime_data.values():
            await coordinator.async_config_entry_first_refresh()
        await hass.config_entries.async_forward_entry_setups(entry, list(_ENTITIES))
        return True

    async def add_entities(
        platform: Platform,
        hass: HomeAssistant,
        entry: PlainConfigEntry,
        async_add_entities: AddConfigEntryEntitiesCallback,
    ) -> None:
        for vehicle_id, coordinator in entry.runtime_data.items():
            async_add_entities(
                [
                    _ENTITIES[platform](coordinator, vehicle_id, shown)
                    for shown in things
                    if shown.platform is platform
                ],
                config_subentry_id=vehicle_id,
            )

    mock_integration(hass, MockModule(DOMAIN, async_setup_entry=set_up_entry))
    mock_platform(hass, f"{DOMAIN}.config_flow", None)
    for platform in _ENTITIES:
        mock_platform(
            hass,
            f"{DOMAIN}.{platform}",
            MockPlatform(async_setup_entry=partial(add_entities, platform)),
        )
