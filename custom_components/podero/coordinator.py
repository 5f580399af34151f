"""One coordinator per vehicle: polls it, maps errors, tells what happened."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_PASSWORD,
    CONF_USERNAME,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .api import (
    AuthenticationError,
    BoostState,
    ClientCredentialsAuth,
    DeviceModel,
    ForbiddenError,
    NotFoundError,
    PasswordAuth,
    PoderoClient,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    Transport,
    Vehicle,
)
from .const import (
    CONF_BASE_URL,
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_USER_ID,
    DOMAIN,
    GRANT_PASSWORD,
    LOGGER,
    SIGNAL_CHARGING_EVENT,
)

type PoderoConfigEntry = ConfigEntry[dict[str, PoderoCoordinator]]
"""An account; its runtime data are the coordinators by the id of their subentry."""

UPDATE_INTERVAL = timedelta(seconds=60)
BOOST_UPDATE_INTERVAL = timedelta(seconds=3)
BOOST_UPDATE_PERIOD = timedelta(minutes=2)
"""How long a vehicle is polled more often after "charge now" was asked for."""

BLIP_DELAY = 3.0
"""Seconds after which a poll that failed for want of a connection is tried again."""

MIN_RETRY_AFTER, MAX_RETRY_AFTER = 30.0, 3600.0
"""The seconds within which the service's wish to wait is obeyed."""


class ChargingEvent(StrEnum):
    """What can be seen to have happened between two readings."""

    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    CHARGING_INTERRUPTED = "charging_interrupted"
    FULLY_CHARGED = "fully_charged"


def async_create_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PoderoClient:
    """Return a client for the account data of an entry. Close it after use."""
    transport = Transport(async_get_clientsession(hass), data[CONF_BASE_URL])
    auth = (
        PasswordAuth(transport, data[CONF_USERNAME], data[CONF_PASSWORD])
        if data[CONF_GRANT] == GRANT_PASSWORD
        else ClientCredentialsAuth(
            transport, data[CONF_CLIENT_ID], data[CONF_CLIENT_SECRET]
        )
    )
    return PoderoClient(transport, auth, data[CONF_ORGANIZATION_ID], data[CONF_USER_ID])


class PoderoCoordinator(DataUpdateCoordinator[Vehicle]):
    """Poll one vehicle.

    `data` is None until the first reading that succeeded.
    """

    config_entry: PoderoConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: PoderoConfigEntry,
        subentry: ConfigSubentry,
        client: PoderoClient,
    ) -> None:
        """Poll the vehicle of a subentry."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=subentry.title,
            update_interval=UPDATE_INTERVAL,
        )
        assert subentry.unique_id is not None
        self.client = client
        self.subentry = subentry
        self.vehicle_id = subentry.unique_id
        self.device_info = DeviceInfo(
            identifiers={(DOMAIN, self.vehicle_id)}, name=subentry.title
        )
        self.is_missing = False
        self._described: DeviceInfo | None = None
        self._boost_polling_until: datetime | None = None
        self._logged_fields: set[str] = set()
        self._history = ChargingHistory()
        self._events: list[ChargingEvent] = []

    @override
    async def _async_update_data(self) -> Vehicle:
        """Read the vehicle, and take from the reading what is not a state."""
        try:
            vehicle = await self._async_get_vehicle()
        except AuthenticationError as err:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="auth_failed"
            ) from err
        except PoderoError as err:
            self._async_set_missing(isinstance(err, NotFoundError))
            raise _update_failed(err) from err
        self._async_set_missing(False)
        self._log_unusable(vehicle)
        self._events.extend(self._history.add(vehicle))
        self._async_describe_device(vehicle)
        self._adapt_update_interval(vehicle)
        return vehicle

    async def _async_get_vehicle(self) -> Vehicle:
        """Read the vehicle, twice where a working connection just failed."""
        try:
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        except RateLimitError:
            raise
        except PoderoConnectionError as err:
            if not self.last_update_success or err.retry_after is not None:
                raise
            await asyncio.sleep(BLIP_DELAY)
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        if vehicle.deleted_at is not None:
            raise NotFoundError("The vehicle was deleted")
        return vehicle

    @callback
    def _async_set_missing(self, is_missing: bool) -> None:
        """Tell the listeners when the vehicle goes missing.

        The base class does not tell them of a failure that follows another one.
        """
        if is_missing != self.is_missing:
            self.is_missing = is_missing
            self.async_update_listeners()

    def _log_unusable(self, vehicle: Vehicle) -> None:
        """Name each field once that held a value which could not be used."""
        for field in sorted(vehicle.invalid - self._logged_fields):
            self._logged_fields.add(field)
            self.logger.warning(
                "%s: the value of %s could not be used, it is shown as unknown",
                self.name,
                field,
            )

    @callback
    def _async_describe_device(self, vehicle: Vehicle) -> None:
        """Bring what the device registry says of the vehicle up to date."""
        model = vehicle.device_model or DeviceModel()
        info = DeviceInfo(
            **self.device_info,
            manufacturer=model.manufacturer,
            model=model.model_with_year,
            serial_number=vehicle.external_device_id,
        )
        if info != self._described:
            self._described = info
            dr.async_get(self.hass).async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                config_subentry_id=self.subentry.subentry_id,
                **info,
            )

    def _adapt_update_interval(self, vehicle: Vehicle) -> None:
        """Poll more often while a boost is starting, but not forever."""
        now = dt_util.utcnow()
        if vehicle.boost_state is not BoostState.REQUESTED:
            self._boost_polling_until = None
        elif self._boost_polling_until is None:
            self._boost_polling_until = now + BOOST_UPDATE_PERIOD
        self.update_interval = (
            BOOST_UPDATE_INTERVAL
            if self._boost_polling_until and now < self._boost_polling_until
            else UPDATE_INTERVAL
        )

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell the entities, then what happened: who hears of it finds the new states."""
        super().async_update_listeners()
        events, self._events = self._events, []
        for event in events:
            async_dispatcher_send(self.hass, SIGNAL_CHARGING_EVENT, self, event)


class ChargingHistory:
    """Tell what happened from the last two known values of each field.

    A reading in which a value is not known is passed over, so an outage neither
    invents nor loses an event.
    """

    def __init__(self) -> None:
        """Know nothing yet: the first reading tells of no event."""
        self._plugged_in: bool | None = None
        self._charging: bool | None = None
        self._fully_charged: bool | None = None

    def add(self, vehicle: Vehicle) -> Iterator[ChargingEvent]:
        """Take a reading and yield what happened since the one before."""
        was_plugged_in, self._plugged_in = (
            self._plugged_in,
            _known(vehicle.is_plugged_in, self._plugged_in),
        )
        was_charging, self._charging = (
            self._charging,
            _known(vehicle.is_charging, self._charging),
        )
        was_fully_charged, self._fully_charged = (
            self._fully_charged,
            _known(vehicle.is_fully_charged, self._fully_charged),
        )
        if was_plugged_in is False and self._plugged_in:
            yield ChargingEvent.PLUGGED_IN
        if was_charging is False and self._charging:
            yield ChargingEvent.CHARGING_STARTED
        if was_charging and not self._charging:
            yield ChargingEvent.CHARGING_STOPPED
            if (
                self._plugged_in
                and not self._fully_charged
                and not vehicle.is_pause_power_active
            ):
                yield ChargingEvent.CHARGING_INTERRUPTED
        if was_fully_charged is False and self._fully_charged:
            yield ChargingEvent.FULLY_CHARGED
        if was_plugged_in and not self._plugged_in:
            yield ChargingEvent.UNPLUGGED


def _known(value: bool | None, before: bool | None) -> bool | None:
    """Return a value, or the one before where it is not known."""
    return before if value is None else value


def _update_failed(err: PoderoError) -> UpdateFailed:
    """Return what a failed poll means to Home Assistant."""
    retry_after = None
    match err:
        case ForbiddenError():
            key = "forbidden"
        case NotFoundError():
            key = "vehicle_not_found"
        case RateLimitError():
            key = "rate_limited"
            retry_after = err.retry_after or MIN_RETRY_AFTER
        case PoderoConnectionError():
            key = "cannot_connect"
            retry_after = err.retry_after
        case _:
            key = "invalid_response"
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=key,
        retry_after=None
        if retry_after is None
        else min(max(retry_after, MIN_RETRY_AFTER), MAX_RETRY_AFTER),
    )
