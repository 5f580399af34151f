"""Values written but not confirmed by a reading yet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..api import Vehicle

CONFIRMATION_PERIOD = 30.0
"""Seconds within which a reading has to show what was written."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PendingWrite:
    """A preference that was written."""

    preference: str
    value: Any
    implied: Mapping[str, Any]
    """Values of other fields that follow from it, overlaid too."""

    superseded: tuple[Any, ...]
    """Earlier written or read values, which a stale reading may still have."""

    confirmed_from: float
    """Event loop time before which no reading confirms it."""

    until: float
    """Event loop time until which it is pending."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a reading confirms it, a later write replaces it, or polling stops."""

    def agrees(self, reading: Vehicle | None) -> bool:
        """Return whether a reading has the written value.

        Implied values must match too, unless they are unknown.
        """
        return reading is not None and (
            getattr(reading, self.preference) == self.value
            and all(
                getattr(reading, name) in (None, value)
                for name, value in self.implied.items()
            )
        )


class PendingWrites:
    """Overlay readings with written values, so that stale readings do not flip states."""

    def __init__(self) -> None:
        """Start without a reading."""
        self.reading: Vehicle | None = None
        """The last reading, without the overlay."""

        self._pending: dict[str, PendingWrite] = {}
        self._is_closed = False

    def __bool__(self) -> bool:
        """Return whether a write is pending that has not timed out."""
        if not self._pending:
            return False
        now = asyncio.get_running_loop().time()
        return any(now < write.until for write in self._pending.values())

    @property
    def shown(self) -> Vehicle | None:
        """Return the last reading with the overlay."""
        return None if self.reading is None else self._overlay(self.reading)

    def _overlay(self, reading: Vehicle) -> Vehicle:
        """Return a reading overlaid with the written values."""
        values: dict[str, Any] = {}
        for write in self._pending.values():
            values |= {write.preference: write.value, **write.implied}
        return replace(reading, **values) if values else reading

    def add(
        self, preference: str, value: Any, implied: Mapping[str, Any]
    ) -> PendingWrite:
        """Add a preference that was written just now."""
        now = asyncio.get_running_loop().time()
        superseded: tuple[Any, ...] = (getattr(self.reading, preference, None),)
        confirmed_from = now
        if (earlier := self._pending.get(preference)) is not None:
            superseded = *earlier.superseded, earlier.value
            if value in superseded:
                # The value was current before: a reading that has it may be stale.
                confirmed_from = earlier.until
            earlier.done.set()
        write = PendingWrite(
            preference=preference,
            value=value,
            implied=implied,
            superseded=superseded,
            confirmed_from=confirmed_from,
            until=now + CONFIRMATION_PERIOD,
        )
        if self._is_closed:
            write.done.set()
        else:
            self._pending[preference] = write
        return write

    def read(self, reading: Vehicle) -> Vehicle:
        """Return a new reading overlaid with what is still pending.

        Writes that it confirms or that have timed out are no longer pending.
        """
        self.reading = reading
        if not self._pending:
            return reading
        now = asyncio.get_running_loop().time()
        for write in tuple(self._pending.values()):
            if write.agrees(reading) and now >= write.confirmed_from:
                write.done.set()
            if write.done.is_set() or now >= write.until:
                del self._pending[write.preference]
        return self._overlay(reading)

    def close(self) -> None:
        """Unblock calls that wait for a reading: there will be none."""
        self._is_closed = True
        for write in self._pending.values():
            write.done.set()

    def end(self, write: PendingWrite) -> bool:
        """Remove a write, and return whether the last reading has its value."""
        if self._pending.get(write.preference) is write:
            del self._pending[write.preference]
        return write.agrees(self.reading)
