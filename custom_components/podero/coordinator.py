"""Coordinator of a vehicle: polls it, writes to it, and fires its charging events."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util.signal_type import SignalType

from .api import (
    AuthenticationError,
    BoostState,
    DeviceModel,
    NotFoundError,
    PoderoClient,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    TokenRefusedError,
    Vehicle,
    to_json,
)
from .charging.events import SESSION_ENDS, ChargingEvent
from .charging.memory import RememberedEvents
from .charging.optimistic import PendingWrites
from .charging.readings import Reading, sanitize
from .const import DOMAIN, LOGGER
from .helpers import to_write_error
from .sessions import ChargingSessions

UPDATE_INTERVAL = timedelta(seconds=60)
FAST_UPDATE_INTERVAL = timedelta(seconds=3)
"""Interval while a command takes effect."""

BOOST_UPDATE_PERIOD = 120.0
"""Seconds of faster polling, at most, until "charge now" takes effect."""

RETRY_DELAY = 3.0
"""Seconds before the only retry of a poll that could not connect."""

MIN_RETRY_AFTER, MAX_RETRY_AFTER = 30.0, 3600.0
"""Bounds of the service's Retry-After, in seconds."""


@dataclass(kw_only=True)
class PoderoData:
    """Runtime data of an account."""

    client: PoderoClient
    subentries: tuple[ConfigSubentry, ...]
    """The vehicles when the account was set up."""

    coordinators: dict[str, PoderoCoordinator]
    """By the id of the vehicle's subentry; those of disabled devices are left out."""

    @property
    def vehicles(self) -> Iterator[tuple[str, PoderoCoordinator]]:
        """Yield the subentry id and the coordinator of each vehicle.

        Vehicles that were removed since the setup began are skipped.
        """
        for subentry_id, coordinator in self.coordinators.items():
            if subentry_id in coordinator.config_entry.subentries:
                yield subentry_id, coordinator


SIGNAL_CHARGING_EVENT: SignalType[PoderoCoordinator, ChargingEvent, bool] = SignalType(
    f"{DOMAIN}_charging_event"
)
"""Sent with the vehicle, the event, and whether it was missed."""

type PoderoConfigEntry = ConfigEntry[PoderoData]


class PoderoCoordinator(DataUpdateCoordinator[Vehicle]):
    """Poll one vehicle, and write to it.

    `data` is optimistic: the last reading, overlaid with written values that no reading
    has confirmed yet. Before the first reading all its fields are None.
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
            always_update=False,
        )
        assert subentry.unique_id is not None
        self.client = client
        self.subentry = subentry
        self.vehicle_id = subentry.unique_id
        self.device_info = DeviceInfo(
            identifiers={(DOMAIN, self.vehicle_id)}, name=subentry.title
        )
        self.data = Vehicle()
        self.is_missing = False
        self.is_refused = False
        """Whether the service refused the credentials of the last request."""

        self.sessions = ChargingSessions(
            hass, entry, subentry, client, self.async_update_listeners
        )
        self._reading: Reading | None = None
        self._events = RememberedEvents(hass, subentry.subentry_id)
        self._fires_events = False
        self._writes = PendingWrites()
        self._write_lock = asyncio.Lock()
        self._device_details: tuple[DeviceModel | None, str | None] | None = None
        self._boost: tuple[BoostState | None, bool | None] | None = None
        """What the last reading showed of "charge now"."""

        self._fast_until = 0.0
        """Until when "charge now" is expected to take effect."""

        self._logged_fields: set[str] = set()

    @property
    def raw(self) -> Vehicle | None:
        """Return the last reading as received, or None before the first."""
        return None if self._reading is None else self._reading.raw

    @override
    async def _async_update_data(self) -> Vehicle:
        """Read the vehicle."""
        try:
            raw = await self._async_get_vehicle()
        except PoderoError as err:
            raise self._async_process_failure(err) from err
        self._async_set_missing(False)
        self._async_set_refused(False)
        reading = sanitize(raw, self._reading)
        if reading is not self._reading or self._events.is_waiting:
            self._reading = reading
            if not reading.stale_count:
                await self._async_process(reading)
        # Saved before the events are fired, so that none fires again after a crash.
        await self._events.async_save()
        shown = self._writes.read(reading.vehicle)
        self._adapt_update_interval()
        if self.sessions.async_process(reading.vehicle):
            self._events.unfired.append((ChargingEvent.DEADLINE_MISSED, False))
        if self._events.unfired:
            # Fired after the entities are updated, so that automations see new states.
            self.hass.loop.call_soon(self._async_fire_events)
        return shown

    async def _async_get_vehicle(self) -> Vehicle:
        """Read the vehicle, with one retry if the poll before succeeded."""
        try:
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        except PoderoConnectionError as err:
            if (
                self._is_setting_up
                or not self.last_update_success
                or _delay_after(err) is not None
            ):
                raise
            await asyncio.sleep(RETRY_DELAY)
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        if vehicle.deleted_at is not None:
            raise NotFoundError("The vehicle was deleted")
        return vehicle

    async def _async_process(self, reading: Reading) -> None:
        """Process a new reading: log invalid fields, update the device, derive events."""
        vehicle = reading.vehicle
        self._log_invalid_fields(vehicle)
        self._async_update_device(vehicle)
        if reading.is_contradictory:
            return
        happened = await self._events.async_derive(vehicle)
        if not SESSION_ENDS.isdisjoint(happened):
            self.sessions.async_end_session()

    @callback
    def _async_process_failure(self, err: PoderoError) -> Exception:
        """Process a failed poll, and return the exception to raise."""
        if isinstance(err, AuthenticationError):
            self.is_refused = True
            if self._is_setting_up or not isinstance(err, TokenRefusedError):
                return ConfigEntryAuthFailed(
                    translation_domain=DOMAIN, translation_key=err.key
                )
            # The service may accept the next token: keep polling.
            self.config_entry.async_start_reauth(self.hass)
        elif isinstance(err, NotFoundError):
            # After any other failure the vehicle may still exist.
            self._async_set_missing(True)
        self._adapt_update_interval()
        retry_after = _delay_after(err)
        if self._is_setting_up and retry_after is not None:
            # The base class ignores `retry_after` here before Home Assistant 2026.11.
            self.update_interval = timedelta(seconds=retry_after)
        return UpdateFailed(
            translation_domain=DOMAIN, translation_key=err.key, retry_after=retry_after
        )

    @property
    def _is_setting_up(self) -> bool:
        """Return whether this is the first poll."""
        return self.config_entry.state is ConfigEntryState.SETUP_IN_PROGRESS

    @callback
    def _async_set_missing(self, is_missing: bool) -> None:
        """Set whether the service has no such vehicle, and update the listeners.

        The base class does not update them after a second failure in a row.
        """
        if is_missing != self.is_missing:
            self.is_missing = is_missing
            self.async_update_listeners()

    @callback
    def _async_set_refused(self, is_refused: bool) -> None:
        """Set whether the credentials are refused, and abort reauth if no vehicle is refused.

        Home Assistant itself aborts the reauth flow only at the next setup.
        """
        if is_refused == self.is_refused:
            return
        self.is_refused = is_refused
        entry = self.config_entry
        if any(other.is_refused for other in entry.runtime_data.coordinators.values()):
            return
        for flow in entry.async_get_active_flows(self.hass, {SOURCE_REAUTH}):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])

    def _log_invalid_fields(self, vehicle: Vehicle) -> None:
        """Log each field with an invalid value once."""
        for field in sorted(vehicle.invalid - self._logged_fields):
            self._logged_fields.add(field)
            self.logger.warning(
                "%s: the value of %s could not be used, it is shown as unknown",
                self.name,
                field,
            )

    @callback
    def _async_update_device(self, vehicle: Vehicle) -> None:
        """Update the device registry."""
        details = vehicle.device_model, vehicle.external_device_id
        if (
            details != self._device_details
            and self.subentry.subentry_id in self.config_entry.subentries
        ):
            self._device_details = details
            model = vehicle.device_model or DeviceModel()
            dr.async_get(self.hass).async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                config_subentry_id=self.subentry.subentry_id,
                identifiers={(DOMAIN, self.vehicle_id)},
                name=self.name,
                manufacturer=model.manufacturer,
                model=model.model_with_year,
                serial_number=vehicle.external_device_id,
            )

    def _adapt_update_interval(self) -> None:
        """Poll faster while a command takes effect, for a limited time."""
        if (reading := self.raw) is not None:
            boost = reading.boost_state, reading.boost_for_next_session
            if boost != self._boost:
                self._boost = boost
                self._expect_boost(reading.boost_state is BoostState.REQUESTED)
        is_fast = self._writes or monotonic() < self._fast_until
        interval = FAST_UPDATE_INTERVAL if is_fast else UPDATE_INTERVAL
        if interval is not self.update_interval:
            self.update_interval = interval

    @override
    async def async_refresh(self) -> None:
        """Read the vehicle now."""
        await self._async_await_refresh(super().async_refresh())

    @override
    async def async_request_refresh(self) -> None:
        """Read the vehicle soon."""
        await self._async_await_refresh(super().async_request_refresh())

    async def _async_await_refresh(self, refresh: Coroutine[Any, Any, None]) -> None:
        """Wait for a refresh, which continues if the caller is cancelled, like a script."""
        task = self.config_entry.async_create_background_task(
            self.hass, refresh, f"{self.name} refresh"
        )
        await asyncio.wait([task])

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, unblock calls that wait for a reading, and store the state."""
        await super().async_shutdown()
        self._writes.close()
        # Those that are not fired yet are fired after a reload.
        self._fires_events = False
        await self._events.async_close()
        await self.sessions.async_close()

    async def async_set(self, preference: str, value: Any, **implied: Any) -> None:
        """Set a preference by its API name, and wait until a reading confirms it.

        Its value and the implied values are shown optimistically. Raises
        HomeAssistantError if the service refuses it or no reading confirms it in time.
        """
        async with self._async_writing():
            await self.client.set_preferences(
                self.vehicle_id, **{preference: to_json(value)}
            )
            self.sessions.async_change_plan()
            write = self._writes.add(preference, value, implied)
            self._async_show()
        if write.done.is_set():
            return
        await self.async_refresh()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(write.until):
                await write.done.wait()
        if not write.done.is_set() and self.last_update_success:
            # Check one last time, even if polling is disabled.
            await self.async_refresh()
        if write.done.is_set():
            return
        is_confirmed = self._writes.end(write)
        self._async_show()
        if not is_confirmed:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_confirmed"
            )

    async def async_pause(self, until: datetime | None) -> None:
        """Pause charging until a moment, or resume it with None.

        Raises HomeAssistantError like async_set, and if a boost keeps the car charging.
        """
        await self.async_set(
            "pause_power_until", until, is_pause_power_active=until is not None
        )
        if until is not None and self.data.boost_state in (
            BoostState.REQUESTED,
            BoostState.ONGOING,
        ):
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="pause_does_not_stop_boost"
            )

    async def async_start_boost(self) -> None:
        """Charge now. Raises HomeAssistantError if the service refuses it."""
        async with self._async_writing():
            await self.client.start_boost(self.vehicle_id)
        self._expect_boost(True)
        self.sessions.async_change_plan()
        await self.async_refresh()

    async def async_cancel_boost(self) -> None:
        """Cancel "charge now" at the next plug-in.

        Raises HomeAssistantError if the service refuses it, ServiceValidationError if
        nothing is armed: the service itself accepts the request then.
        """
        async with self._async_writing():
            if self.data.boost_for_next_session is False:
                # It may have been armed in Podero's app since the last reading.
                await self.async_refresh()
                if (
                    self.last_update_success
                    and self.data.boost_for_next_session is False
                ):
                    raise ServiceValidationError(
                        translation_domain=DOMAIN, translation_key="nothing_to_cancel"
                    )
            await self.client.cancel_boost(self.vehicle_id)
        self._expect_boost(True)
        self.sessions.async_change_plan()
        await self.async_refresh()

    def _expect_boost(self, is_expected: bool) -> None:
        """Set whether "charge now" is expected to take effect."""
        self._fast_until = monotonic() + BOOST_UPDATE_PERIOD if is_expected else 0.0

    @asynccontextmanager
    async def _async_writing(self) -> AsyncIterator[None]:
        """Serialize writes, and map API errors to Home Assistant exceptions."""
        async with self._write_lock:
            try:
                yield
            except PoderoError as err:
                if isinstance(err, AuthenticationError):
                    self.is_refused = True
                    self.config_entry.async_start_reauth(self.hass)
                elif not isinstance(err, RateLimitError):
                    # A refusal suggests that our data is stale.
                    self.config_entry.async_create_background_task(
                        self.hass, self.async_refresh(), f"{self.name} after a refusal"
                    )
                raise to_write_error(err) from err

    @callback
    def _async_show(self) -> None:
        """Update the entities with the values that are written and not confirmed."""
        self._adapt_update_interval()
        if (shown := self._writes.shown) is not None:
            self.data = shown
            self.async_update_listeners()

    @callback
    def async_start_events(self, _: HomeAssistant) -> None:
        """Fire events from now on, and those that have been held back."""
        self._fires_events = True
        self._async_fire_events()

    @callback
    def _async_fire_events(self) -> None:
        """Fire the events, unless Home Assistant is still starting."""
        if not self._fires_events:
            return
        for event, was_missed in self._events.take():
            async_dispatcher_send(
                self.hass, SIGNAL_CHARGING_EVENT, self, event, was_missed
            )


def _delay_after(err: PoderoError) -> float | None:
    """Return the seconds until the next poll, or None for the usual interval."""
    if not isinstance(err, PoderoConnectionError):
        return None
    retry_after = err.retry_after
    if retry_after is None and isinstance(err, RateLimitError):
        retry_after = UPDATE_INTERVAL.total_seconds()
    if retry_after is None:
        return None
    return min(max(retry_after, MIN_RETRY_AFTER), MAX_RETRY_AFTER)
