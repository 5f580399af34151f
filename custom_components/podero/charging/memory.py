"""Derive events across restarts: keep what they are derived from."""

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..api import Vehicle, to_json
from ..const import DOMAIN, LOGGER
from .events import ChargingEvent, ChargingEvents, Known, resume
from .readings import MAX_STALE, is_stale

STORAGE_VERSION = 1

DATA_UNFIRED: HassKey[dict[str, list[tuple[ChargingEvent, bool]]]] = HassKey(
    f"{DOMAIN}_unfired"
)
"""By the id of a subentry."""

TIMES = "reported_at", "updated_at"

MAX_AGE = timedelta(hours=1)
"""Age at which the file is rewritten without an event, in case of a power cut."""


class Memory:
    """The stored values of one vehicle, in a file of its own."""

    def __init__(self, hass: HomeAssistant, subentry_id: str) -> None:
        """Use the file of a subentry."""
        self._store: Store[dict[str, Any]] = Store(
            hass, STORAGE_VERSION, f"{DOMAIN}.{subentry_id}.events", atomic_writes=True
        )
        self._written = Known()
        self._written_at = dt_util.utc_from_timestamp(0)

    async def async_load(self) -> tuple[Known, datetime] | None:
        """Return the values and when they were written, or None without a valid file."""
        try:
            return _parse(await self._store.async_load())
        except Exception as err:  # noqa: BLE001 - the file may contain anything
            LOGGER.debug("The stored values are invalid: %s", type(err).__name__)
            return None

    async def async_save(self, known: Known) -> None:
        """Write the values if an event changed them or the file is older than MAX_AGE."""
        if (
            _urgent(known) != _urgent(self._written)
            or dt_util.utcnow() - self._written_at > MAX_AGE
        ):
            await self.async_write(known)

    async def async_write(self, known: Known) -> None:
        """Write the values."""
        self._written, self._written_at = known, dt_util.utcnow()
        await self._store.async_save(
            {
                **asdict(known),
                **{name: to_json(getattr(known, name)) for name in TIMES},
                "written_at": self._written_at.isoformat(),
            }
        )

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


class RememberedEvents:
    """Derive a vehicle's events across restarts, and keep them until they are fired."""

    def __init__(self, hass: HomeAssistant, subentry_id: str) -> None:
        """Continue from what is stored of a subentry, once there is a reading."""
        unfired = hass.data.setdefault(DATA_UNFIRED, {})
        self.unfired: list[tuple[ChargingEvent, bool]] = unfired.setdefault(
            subentry_id, []
        )
        """Events to fire, and whether each happened while the vehicle was not polled.

        They are kept over a reload.
        """

        self._memory = Memory(hass, subentry_id)
        self._events: ChargingEvents | None = None
        self._stale_count = 0

    @property
    def is_waiting(self) -> bool:
        """Return whether only stale readings were processed."""
        return self._events is None and self._stale_count > 0

    async def async_derive(self, vehicle: Vehicle) -> list[ChargingEvent]:
        """Process a reading: return its events, and add them to the unfired ones.

        A first one that is older than what is stored is ignored, up to MAX_STALE in a row.
        """
        was_missed = False
        stored = await self._memory.async_load() if self._events is None else None
        if stored is not None:
            known, written_at = stored
            if is_stale(vehicle, known.updated_at):
                self._stale_count += 1
                if self._stale_count < MAX_STALE:
                    return []
            now = dt_util.utcnow()
            self._events, happened = resume(known, written_at, vehicle, now)
            was_missed = True
        else:
            self._events = self._events or ChargingEvents()
            happened = self._events.derive(vehicle)
        self.unfired.extend((event, was_missed) for event in happened)
        return happened

    def take(self) -> list[tuple[ChargingEvent, bool]]:
        """Return the unfired events, which are fired now."""
        taken = self.unfired.copy()
        self.unfired.clear()
        return taken

    async def async_save(self) -> None:
        """Save the values of the last reading, if necessary."""
        if self._events is not None:
            await self._memory.async_save(self._events.known)

    async def async_close(self) -> None:
        """Save the values of the last reading."""
        if self._events is not None:
            await self._memory.async_write(self._events.known)


def _urgent(known: Known) -> tuple[Any, ...]:
    """Return the values whose changes are written at once."""
    return known.is_plugged_in, known.is_fully_charged, known.has_been_full


def _parse(stored: dict[str, Any] | None) -> tuple[Known, datetime] | None:
    """Parse the content of a file. Raises an arbitrary exception if it is invalid."""
    if stored is None:
        return None
    written_at = datetime.fromisoformat(stored["written_at"])
    # A file of an earlier version has no `updated_at`.
    stored = {"updated_at": None, **stored}
    values = {field.name: stored[field.name] for field in fields(Known)}
    for name in ("is_plugged_in", "is_charging", "is_fully_charged", "has_been_full"):
        if values[name] not in (True, False, None):
            raise ValueError(name)
    times = {
        name: datetime.fromisoformat(values[name]) for name in TIMES if values[name]
    }
    if any(time.tzinfo is None for time in (written_at, *times.values())):
        raise ValueError("naive")
    return Known(**values | times), written_at
