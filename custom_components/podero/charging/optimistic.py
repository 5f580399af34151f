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
    """What follows from it: shown as long as the preference itself is."""

    superseded: tuple[Any, ...]
    """Values that a reading may still show, as they were written or read before this one."""

    confirmed_from: float
    until: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a reading confirms it, a later write takes its place, or no reading comes."""

    def agrees(self, reading: Vehicle | None) -> bool:
        """Return whether a reading shows the preference, and what it is for.

        What follows from it counts where the reading tells it.
        """
        return reading is not None and (
            getattr(reading, self.preference) == self.value
            and all(
                getattr(reading, name) in (None, value)
                for name, value in self.implied.items()
            )
        )


class PendingWrites:
    """Overlay readings with written values, so that nothing flips while the cloud catches up."""

    def __init__(self) -> None:
        """Start without a reading."""
        self.reading: Vehicle | None = None
        """The last reading, without what is pending."""

        self._pending: dict[str, PendingWrite] = {}
        self._is_closed = False

    def __bool__(self) -> bool:
        """Return whether a write still waits for a reading that confirms it."""
        if not self._pending:
            return False
        now = asyncio.get_running_loop().time()
        return any(now < write.until for write in self._pending.values())

    @property
    def shown(self) -> Vehicle | None:
        """Return the last reading overlaid with what is pending."""
        return None if self.reading is None else self._overlay(self.reading)

    def _overlay(self, reading: Vehicle) -> Vehicle:
        """Return a reading with the written values."""
        values: dict[str, Any] = {}
        for write in self._pending.values():
            values |= {write.preference: write.value, **write.implied}
        return replace(reading, **values) if values else reading

    def add(
        self, preference: str, value: Any, implied: Mapping[str, Any]
    ) -> PendingWrite:
        """Show a preference that was written just now."""
        now = asyncio.get_running_loop().time()
        superseded: tuple[Any, ...] = (getattr(self.reading, preference, None),)
        confirmed_from = now
        if (earlier := self._pending.get(preference)) is not None:
            superseded = *earlier.superseded, earlier.value
            if value in superseded:
                # Written back and forth: a reading that agrees may be an old one.
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
        """Take a reading, and return it overlaid with what is still pending.

        What it confirms, and what has waited too long, is pending no longer.
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
        """Release everybody who waits for a reading: there will be none."""
        self._is_closed = True
        for write in self._pending.values():
            write.done.set()

    def end(self, write: PendingWrite) -> bool:
        """Show the reading again, and return whether it agrees with what was written."""
        if self._pending.get(write.preference) is write:
            del self._pending[write.preference]
        return write.agrees(self.reading)
