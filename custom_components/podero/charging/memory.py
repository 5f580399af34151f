"""Keep the values that events are derived from across restarts."""

from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from .events import Known

STORAGE_VERSION = 1

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
                "reported_at": known.reported_at and known.reported_at.isoformat(),
                "written_at": self._written_at.isoformat(),
            }
        )

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


def _urgent(known: Known) -> tuple[Any, ...]:
    """Return the values whose changes are written at once."""
    return known.is_plugged_in, known.is_fully_charged, known.has_been_full


def _parse(stored: dict[str, Any] | None) -> tuple[Known, datetime] | None:
    """Parse the content of a file. Raises an arbitrary exception if it is invalid."""
    if stored is None:
        return None
    written_at = datetime.fromisoformat(stored["written_at"])
    values = {field.name: stored[field.name] for field in fields(Known)}
    for name in ("is_plugged_in", "is_charging", "is_fully_charged", "has_been_full"):
        if values[name] not in (True, False, None):
            raise ValueError(name)
    if reported := values["reported_at"]:
        values["reported_at"] = datetime.fromisoformat(reported)
    if written_at.tzinfo is None or (reported and values["reported_at"].tzinfo is None):
        raise ValueError("naive")
    return Known(**values), written_at
