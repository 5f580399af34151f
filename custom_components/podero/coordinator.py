"""One coordinator per vehicle: polls it, maps errors, tells what happened."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any, NamedTuple, cast, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .api import (
    AuthenticationError,
    BoostState,
    DeviceModel,
    ForbiddenError,
    NotFoundError,
    PoderoClient,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    TokenRefusedError,
    Vehicle,
    differences,
)
from .charging.events import ChargingEvent, ChargingHistory
from .charging.optimistic import Changes
from .const import DOMAIN, LOGGER, SIGNAL_CHARGING_EVENT, SIGNAL_MISSING
from .helpers import to_home_assistant_error

type PoderoConfigEntry = ConfigEntry[dict[str, PoderoCoordinator]]
"""An account; its runtime data are the coordinators by the id of their subentry."""

UPDATE_INTERVAL = timedelta(seconds=60)
FAST_UPDATE_INTERVAL = timedelta(seconds=3)
"""How often a vehicle is polled while something that was asked for is awaited."""

BOOST_UPDATE_PERIOD = 120.0
"""Seconds for which a vehicle is polled more often after "charge now" was asked for."""

BLIP_DELAY = 3.0
"""Seconds after which a poll that failed for want of a connection is tried again."""

MIN_RETRY_AFTER, MAX_RETRY_AFTER = 30.0, 3600.0
"""The seconds within which the service's wish to wait is obeyed."""


class Interest(NamedTuple):
    """What a listener wants to know of."""

    fields: tuple[str, ...]
    """The fields of the vehicle that move it."""

    read: Callable[[Vehicle], Any] | None = None
    """What makes a value of them, where it need not move whenever they do."""


type Listener = tuple[CALLBACK_TYPE, Interest | None]

EVERYTHING = Interest(tuple(Vehicle.readers()))
"""What a listener wants to know of that does not say."""


class PoderoCoordinator(DataUpdateCoordinator[Vehicle]):
    """Poll one vehicle, and write to it.

    What was set shows in `data` at once, before a reading does. Until the first reading
    nothing is known.
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
        self._described: tuple[DeviceModel | None, str | None] | None = None
        self._boost_polling_until: float | None = None
        self._logged_fields: set[str] = set()
        self._history = ChargingHistory()
        self._events: list[ChargingEvent] = []
        self._changes = Changes()
        self._write_lock = asyncio.Lock()
        self._reader: asyncio.Task[Any] | None = None
        self.data = self._told = Vehicle()
        self._was_available = False
        self._known_listeners = 0, 0
        self._by_field: dict[str, tuple[Listener, ...]] = {}

    @property
    def reading(self) -> Vehicle | None:
        """Return the last reading as it came, if there was one."""
        return self._changes.reading

    @override
    async def _async_update_data(self) -> Vehicle:
        """Read the vehicle, and take from the reading what is not a state."""
        try:
            vehicle = await self._async_get_vehicle()
        except PoderoError as err:
            if isinstance(err, AuthenticationError):
                # Nobody listens during set-up, which ends here.
                if not isinstance(err, TokenRefusedError) or not self._listeners:
                    raise ConfigEntryAuthFailed(
                        translation_domain=DOMAIN, translation_key="auth_failed"
                    ) from err
                # It may pass by itself: polling goes on.
                self.config_entry.async_start_reauth(self.hass)
            elif isinstance(err, NotFoundError):
                # Any other failure does not tell whether the vehicle is still there.
                self._async_set_missing(True)
            self._adapt_update_interval()
            failure = _update_failed(err)
            # The base class forgets it where this is the first reading.
            self._retry_after = failure.retry_after
            raise failure from err
        self._async_set_missing(False)
        if vehicle is not self.reading:
            if vehicle.invalid:
                self._log_unusable(vehicle)
            self._events.extend(self._history.add(vehicle))
            self._async_describe_device(vehicle)
        shown = self._changes.read(vehicle)
        self._adapt_update_interval()
        return shown

    @override
    async def _async_refresh(self, *args: Any, **kwargs: Any) -> None:
        """Read the vehicle now.

        Polling may end meanwhile, or whoever asked be stopped, as a script is that starts
        again: a reading that was broken off tells nothing of the vehicle.
        """
        self._reader = reader = asyncio.current_task()
        assert reader is not None
        try:
            await super()._async_refresh(*args, **kwargs)
        except asyncio.CancelledError:
            self.last_update_success = self._was_available
            # Whoever asked goes on where it was the end of polling, and nothing else.
            if not self._shutdown_requested or reader.uncancel():
                raise
        finally:
            self._reader = None

    @override
    async def async_shutdown(self) -> None:
        """Stop polling: nobody needs to wait any longer, for a reading or what was set."""
        await super().async_shutdown()
        self._changes.close()
        if self._reader is not None:
            self._reader.cancel()

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
        """Tell that the vehicle goes missing, or is found.

        The base class does not tell of a failure that follows another one.
        """
        if is_missing != self.is_missing:
            self.is_missing = is_missing
            async_dispatcher_send(self.hass, SIGNAL_MISSING, self)

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
        described = vehicle.device_model, vehicle.external_device_id
        if (
            described != self._described
            and self.subentry.subentry_id in self.config_entry.subentries
        ):
            self._described = described
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
        """Poll more often while a boost is starting or a change awaited, not forever."""
        reading, is_boosting = self.reading, False
        if reading is None or reading.boost_state is not BoostState.REQUESTED:
            self._boost_polling_until = None
        else:
            if self._boost_polling_until is None:
                self._boost_polling_until = monotonic() + BOOST_UPDATE_PERIOD
            is_boosting = monotonic() < self._boost_polling_until
        interval = (
            FAST_UPDATE_INTERVAL
            if is_boosting or self._changes.are_pending
            else UPDATE_INTERVAL
        )
        if interval is not self.update_interval:
            self.update_interval = interval

    async def async_set(self, preference: str, value: Any, **implied: Any) -> None:
        """Set a preference, by the API's name, and wait until a reading shows it.

        It is shown at once, together with what it implies. Raises HomeAssistantError
        where the service refuses it, or does not show it in time.
        """
        async with self._async_writing():
            await self.client.set_preferences(
                self.vehicle_id, **{preference: _to_json(value)}
            )
            if self._shutdown_requested:
                return
            change = self._changes.add(preference, value, implied)
            self._async_show()
        await self.async_refresh()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(change.until):
                await change.done.wait()
        if not change.done.is_set() and self.last_update_success:
            # The last word, also where polling is switched off.
            await self.async_refresh()
        if change.done.is_set():
            return
        is_confirmed = self._changes.end(change)
        self._async_show()
        if not is_confirmed:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_confirmed"
            )

    async def async_start_boost(self) -> None:
        """Charge now. Raises HomeAssistantError where the service refuses it."""
        async with self._async_writing():
            await self.client.start_boost(self.vehicle_id)
        await self.async_refresh()

    async def async_cancel_boost(self) -> None:
        """Take "charge now" back. Raises as async_start_boost does."""
        async with self._async_writing():
            await self.client.cancel_boost(self.vehicle_id)
        await self.async_refresh()

    @asynccontextmanager
    async def _async_writing(self) -> AsyncIterator[None]:
        """Write when those before have written, and say in words why it was refused."""
        async with self._write_lock:
            try:
                yield
            except PoderoError as err:
                if isinstance(err, AuthenticationError):
                    self.config_entry.async_start_reauth(self.hass)
                elif not isinstance(err, RateLimitError):
                    # What is shown may be why this was asked for, and not true any more.
                    self.config_entry.async_create_background_task(
                        self.hass, self.async_refresh(), f"{self.name} after a refusal"
                    )
                raise to_home_assistant_error(err) from err

    @callback
    def _async_show(self) -> None:
        """Show what is known now."""
        self._adapt_update_interval()
        if (shown := self._changes.shown) is not None:
            self.data = shown
            self.async_update_listeners()

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell the entities, then what happened: who hears of it finds the new states.

        Everyone is told when the vehicle becomes available or unavailable, otherwise
        those who have an interest in what moved: a listener's context is its Interest, or
        None for everything.
        """
        told, self._told = self._told, self.data
        was_available, self._was_available = (
            self._was_available,
            self.last_update_success,
        )
        if self.last_update_success is not was_available:
            super().async_update_listeners()
        elif self.data is not told:
            self._async_tell(told)
        events, self._events = self._events, []
        for event in events:
            async_dispatcher_send(self.hass, SIGNAL_CHARGING_EVENT, self, event)

    @callback
    def _async_tell(self, told: Vehicle) -> None:
        """Tell those who have an interest in what moved since they were told."""
        by_field = self._listeners_by_field()
        interested: dict[CALLBACK_TYPE, Interest | None] = {}
        for field in differences(vars(told), vars(self.data)):
            interested.update(by_field.get(field, ()))
        for update_callback, interest in interested.items():
            read = interest and interest.read
            try:
                if read is None or read(self.data) != read(told):
                    update_callback()
            except Exception:
                self.logger.exception("Unexpected error updating %s", self.name)

    def _listeners_by_field(self) -> dict[str, tuple[Listener, ...]]:
        """Return who has an interest in each field, as long as nobody comes or goes."""
        known = self._last_listener_id, len(self._listeners)
        if known != self._known_listeners:
            self._known_listeners = known
            self._by_field = {}
            for listener in cast(dict[int, Listener], self._listeners).values():
                for field in (listener[1] or EVERYTHING).fields:
                    self._by_field[field] = *self._by_field.get(field, ()), listener
        return self._by_field


def coordinators_of(
    entry: PoderoConfigEntry,
) -> Iterator[tuple[str, PoderoCoordinator]]:
    """Yield the id of each vehicle's subentry with its coordinator.

    A vehicle may be removed while the account is set up.
    """
    for subentry_id, coordinator in entry.runtime_data.items():
        if subentry_id in entry.subentries:
            yield subentry_id, coordinator


def _to_json(value: Any) -> Any:
    """Return a value as the API takes it."""
    return value.isoformat() if isinstance(value, datetime | time) else value


def _update_failed(err: PoderoError) -> UpdateFailed:
    """Return what a failed poll means to Home Assistant."""
    retry_after = None
    match err:
        case AuthenticationError():
            key = "auth_failed"
        case ForbiddenError():
            key = "forbidden"
        case NotFoundError():
            key = "vehicle_not_found"
        case RateLimitError():
            key = "rate_limited"
            retry_after = err.retry_after
            if retry_after is None:
                retry_after = UPDATE_INTERVAL.total_seconds()
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
