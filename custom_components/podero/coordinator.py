"""One coordinator per vehicle: reads it, maps errors, tells what happened."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
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
from homeassistant.util import dt as dt_util

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
)
from .charging.events import SESSION_ENDS, ChargingEvent, ChargingEvents, resume
from .charging.memory import Memory
from .charging.optimistic import PendingWrites
from .charging.readings import Reading, judge
from .const import DOMAIN, LOGGER, SIGNAL_CHARGING_EVENT
from .helpers import to_home_assistant_error
from .sessions import ChargingSessions

UPDATE_INTERVAL = timedelta(seconds=60)
FAST_UPDATE_INTERVAL = timedelta(seconds=3)
"""How often a vehicle is polled while the effect of a command is awaited."""

BOOST_UPDATE_PERIOD = 120.0
"""Seconds for which a vehicle is polled more often after "charge now" was pressed."""

RETRY_DELAY = 3.0
"""Seconds after which a poll that failed for want of a connection is retried, once."""

MIN_RETRY_AFTER, MAX_RETRY_AFTER = 30.0, 3600.0
"""Bounds of the seconds for which the service's Retry-After is obeyed."""


@dataclass(kw_only=True)
class PoderoData:
    """Runtime data of an account."""

    client: PoderoClient
    coordinators: dict[str, PoderoCoordinator]
    """By the id of the vehicle's subentry."""

    @property
    def vehicles(self) -> Iterator[tuple[str, PoderoCoordinator]]:
        """Yield the subentry id and the coordinator of each vehicle.

        A vehicle may be removed while the account is set up.
        """
        for subentry_id, coordinator in self.coordinators.items():
            if subentry_id in coordinator.config_entry.subentries:
                yield subentry_id, coordinator


type PoderoConfigEntry = ConfigEntry[PoderoData]


class PoderoCoordinator(DataUpdateCoordinator[Vehicle]):
    """Poll one vehicle, and write to it.

    `data` shows written values at once, before a reading does. Before the first reading
    it knows nothing.
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
        self._memory = Memory(hass, subentry.subentry_id)
        self._reading: Reading | None = None
        self._events: ChargingEvents | None = None
        self._untold: list[tuple[ChargingEvent, bool]] = []
        """What happened and is not told yet, and whether it was missed when it did."""

        self._is_telling = False
        self._writes = PendingWrites()
        self._write_lock = asyncio.Lock()
        self._device_details: tuple[DeviceModel | None, str | None] | None = None
        self._fast_until: float | None = None
        self._logged_fields: set[str] = set()

    @property
    def reading(self) -> Vehicle | None:
        """Return the last reading as it came, if there was one."""
        return None if self._reading is None else self._reading.raw

    @override
    async def _async_update_data(self) -> Vehicle:
        """Read the vehicle."""
        try:
            raw = await self._async_get_vehicle()
        except PoderoError as err:
            raise self._async_fail(err) from err
        self._async_set_missing(False)
        self._async_set_refused(False)
        reading = judge(raw, self._reading)
        if reading is not self._reading:
            self._reading = reading
            if not reading.outdated:
                await self._async_take(reading)
        if self._events is not None:
            # Written before it is told: what was told is not told again after a crash.
            await self._memory.async_save(self._events.known)
        shown = self._writes.read(reading.vehicle)
        self._adapt_update_interval()
        if self.sessions.async_look(reading.vehicle):
            self._untold.append((ChargingEvent.DEADLINE_MISSED, False))
        if self._untold:
            # When the entities have been told: who hears of it finds the new states.
            self.hass.loop.call_soon(self._async_tell)
        return shown

    async def _async_get_vehicle(self) -> Vehicle:
        """Read the vehicle, with one retry where a working connection just failed."""
        try:
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        except RateLimitError:
            raise
        except PoderoConnectionError as err:
            if (
                self._is_setting_up
                or not self.last_update_success
                or err.retry_after is not None
            ):
                raise
            await asyncio.sleep(RETRY_DELAY)
            vehicle = await self.client.get_vehicle(self.vehicle_id)
        if vehicle.deleted_at is not None:
            raise NotFoundError("The vehicle was deleted")
        return vehicle

    async def _async_take(self, reading: Reading) -> None:
        """Take from a new reading what is not a state."""
        vehicle = reading.vehicle
        self._log_unusable(vehicle)
        self._async_update_device(vehicle)
        if reading.is_contradictory:
            return
        if self._events is not None:
            happened, was_missed = self._events.derive(vehicle), False
        elif (remembered := await self._memory.async_load()) is not None:
            self._events, happened = resume(*remembered, vehicle, dt_util.utcnow())
            was_missed = True
        else:
            self._events = ChargingEvents()
            happened, was_missed = self._events.derive(vehicle), False
        self._untold.extend((event, was_missed) for event in happened)
        if not SESSION_ENDS.isdisjoint(happened):
            self.sessions.async_end_session()

    def _async_fail(self, err: PoderoError) -> Exception:
        """Take note of a failed poll, and return what it means to Home Assistant."""
        if isinstance(err, AuthenticationError):
            self.is_refused = True
            if self._is_setting_up or not isinstance(err, TokenRefusedError):
                return ConfigEntryAuthFailed(
                    translation_domain=DOMAIN, translation_key=err.key
                )
            # It may pass by itself: polling goes on.
            self.config_entry.async_start_reauth(self.hass)
        elif isinstance(err, NotFoundError):
            # Any other failure does not tell whether the vehicle still exists.
            self._async_set_missing(True)
        self._adapt_update_interval()
        retry_after = _delay_after(err)
        if self._is_setting_up and retry_after is not None:
            # The base class does not obey it before Home Assistant 2026.11.
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
        """Note whether the service knows the vehicle, and tell the listeners.

        The base class does not tell them of a failure that follows another one.
        """
        if is_missing != self.is_missing:
            self.is_missing = is_missing
            self.async_update_listeners()

    @callback
    def _async_set_refused(self, is_refused: bool) -> None:
        """Note whether the credentials are refused, and withdraw a request for new ones.

        Home Assistant itself withdraws it only at the next set-up.
        """
        if is_refused == self.is_refused:
            return
        self.is_refused = is_refused
        entry = self.config_entry
        if any(other.is_refused for other in entry.runtime_data.coordinators.values()):
            return
        for flow in entry.async_get_active_flows(self.hass, {SOURCE_REAUTH}):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])

    def _log_unusable(self, vehicle: Vehicle) -> None:
        """Log each field once that held a value which could not be used."""
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
        """Poll more often while a command takes effect, not forever."""
        reading, is_boosting = self.reading, False
        if reading is None or reading.boost_state is not BoostState.REQUESTED:
            self._fast_until = None
        else:
            if self._fast_until is None:
                self._fast_until = monotonic() + BOOST_UPDATE_PERIOD
            is_boosting = monotonic() < self._fast_until
        interval = (
            FAST_UPDATE_INTERVAL if is_boosting or self._writes else UPDATE_INTERVAL
        )
        if interval is not self.update_interval:
            self.update_interval = interval

    @override
    async def async_refresh(self) -> None:
        """Read the vehicle now."""
        await self._async_uninterrupted(super().async_refresh())

    @override
    async def async_request_refresh(self) -> None:
        """Read the vehicle soon."""
        await self._async_uninterrupted(super().async_request_refresh())

    async def _async_uninterrupted(self, refresh: Coroutine[Any, Any, None]) -> None:
        """Wait for a refresh that goes on where the caller is cancelled, as scripts are."""
        task = self.config_entry.async_create_background_task(
            self.hass, refresh, f"{self.name} refresh"
        )
        await asyncio.wait([task])

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and release everybody who waits for a reading."""
        await super().async_shutdown()
        self._writes.close()
        if self._events is not None:
            await self._memory.async_write(self._events.known)
        await self.sessions.async_close()

    async def async_set(self, preference: str, value: Any, **implied: Any) -> None:
        """Set a preference, by the API's name, and wait until a reading shows it.

        It is shown at once, together with what it implies. Raises HomeAssistantError
        where the service refuses it, or does not show it in time.
        """
        async with self._async_writing():
            await self.client.set_preferences(
                self.vehicle_id, **{preference: _to_json(value)}
            )
            self.sessions.async_change_policy()
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

        Raises HomeAssistantError as async_set does, and where the car charges on.
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
        """Charge now. Raises HomeAssistantError where the service refuses it."""
        async with self._async_writing():
            await self.client.start_boost(self.vehicle_id)
        await self.async_refresh()

    async def async_cancel_boost(self) -> None:
        """Take back "charge now" at the next plug-in. Raises as async_start_boost does.

        The service accepts this where there is nothing to take back, and does nothing.
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
        await self.async_refresh()

    @asynccontextmanager
    async def _async_writing(self) -> AsyncIterator[None]:
        """Write one after the other, and translate why the service refused it."""
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
                raise to_home_assistant_error(err) from err

    @callback
    def _async_show(self) -> None:
        """Show what is known now."""
        self._adapt_update_interval()
        if (shown := self._writes.shown) is not None:
            self.data = shown
            self.async_update_listeners()

    @callback
    def async_start_telling(self, _: HomeAssistant) -> None:
        """Tell what happens from now on, and what happened before anybody listened."""
        self._is_telling = True
        self._async_tell()

    @callback
    def _async_tell(self) -> None:
        """Tell what happened."""
        if not self._is_telling:
            return
        untold, self._untold = self._untold, []
        for event, was_missed in untold:
            async_dispatcher_send(
                self.hass, SIGNAL_CHARGING_EVENT, self, event, was_missed
            )


def _to_json(value: Any) -> Any:
    """Return a value as the API takes it."""
    return value.isoformat() if isinstance(value, datetime | time) else value


def _delay_after(err: PoderoError) -> float | None:
    """Return the seconds after which to poll again, if not after the usual interval."""
    if not isinstance(err, PoderoConnectionError):
        return None
    retry_after = err.retry_after
    if retry_after is None and isinstance(err, RateLimitError):
        retry_after = UPDATE_INTERVAL.total_seconds()
    if retry_after is None:
        return None
    return min(max(retry_after, MIN_RETRY_AFTER), MAX_RETRY_AFTER)
