"""Remember across restarts what the events of a vehicle are derived from."""

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
"""Age at which the file is written again though nothing happened, in case of a power cut."""


class Memory:
    """What is known of one vehicle, in a file of its own."""

    def __init__(self, hass: HomeAssistant, subentry_id: str) -> None:
        """Use the file of a subentry."""
        self._store: Store[dict[str, Any]] = Store(
            hass, STORAGE_VERSION, f"{DOMAIN}.{subentry_id}.events", atomic_writes=True
        )
        self._written = Known()
        self._written_at = dt_util.utc_from_timestamp(0)

    async def async_load(self) -> tuple[Known, datetime] | None:
        """Return what was known and when it was written, or None without a usable file."""
        try:
            return _parse(await self._store.async_load())
        except Exception as err:  # noqa: BLE001 - whatever stands in a foreign file
            LOGGER.debug("No memory of what happened before: %s", type(err).__name__)
            return None

    async def async_save(self, known: Known) -> None:
        """Write what is known if something happened, or if the file is older than MAX_AGE."""
        if (
            _what_happened(known) != _what_happened(self._written)
            or dt_util.utcnow() - self._written_at > MAX_AGE
        ):
            await self.async_write(known)

    async def async_write(self, known: Known) -> None:
        """Write what is known."""
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


def _what_happened(known: Known) -> tuple[Any, ...]:
    """Return the values whose change is written at once."""
    return known.is_plugged_in, known.is_fully_charged, known.has_been_full


def _parse(stored: dict[str, Any] | None) -> tuple[Known, datetime] | None:
    """Return the content of a file. Raises any error if it is not one of ours."""
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
