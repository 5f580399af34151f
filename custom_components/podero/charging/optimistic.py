"""What was set and is not read back yet: shown all the same, for a while."""

import asyncio
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from ..api import Vehicle

CONFIRMATION_PERIOD = 30.0
"""Seconds within which a reading has to show what was set."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Change:
    """A preference that was set."""

    preference: str
    value: Any
    implied: Mapping[str, Any]
    """What follows from it: shown as long as the preference itself is."""

    superseded: tuple[Any, ...]
    """Values that a reading may still show, as they were set or read before this one."""

    proven_from: float
    until: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a reading confirms it, a later change takes its place, or no reading comes."""

    def agrees(self, reading: Vehicle | None) -> bool:
        """Tell whether a reading shows the preference as it was set."""
        return bool(getattr(reading, self.preference, None) == self.value)


class Changes:
    """Lay what was set over what is read, so that nothing flips while the cloud catches up."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self.reading: Vehicle | None = None
        """The last reading as it came."""

        self._pending: dict[str, Change] = {}

    @property
    def are_pending(self) -> bool:
        """Tell whether a change waits for a reading that confirms it."""
        if not self._pending:
            return False
        now = asyncio.get_running_loop().time()
        return any(now < change.until for change in self._pending.values())

    @property
    def shown(self) -> Vehicle | None:
        """Return the last reading as it is to be shown."""
        return None if self.reading is None else self._lay_over(self.reading)

    def _lay_over(self, reading: Vehicle) -> Vehicle:
        """Return a reading with what was set since."""
        values: dict[str, Any] = {}
        for change in self._pending.values():
            values |= {change.preference: change.value, **change.implied}
        return replace(reading, **values) if values else reading

    def add(self, preference: str, value: Any, implied: Mapping[str, Any]) -> Change:
        """Show a preference that was set just now."""
        now = asyncio.get_running_loop().time()
        superseded: tuple[Any, ...] = (getattr(self.reading, preference, None),)
        proven_from = now
        if (earlier := self._pending.get(preference)) is not None:
            superseded = *earlier.superseded, earlier.value
            if value in superseded:
                # Set back and forth: a reading that agrees may be an old one.
                proven_from = earlier.until
            earlier.done.set()
        change = Change(
            preference=preference,
            value=value,
            implied=implied,
            superseded=superseded,
            proven_from=proven_from,
            until=now + CONFIRMATION_PERIOD,
        )
        self._pending[preference] = change
        return change

    def read(self, reading: Vehicle) -> Vehicle:
        """Take a reading, and return it as it is to be shown.

        What it confirms and what is too old is no longer laid over it.
        """
        self.reading = reading
        if not self._pending:
            return reading
        now = asyncio.get_running_loop().time()
        for change in tuple(self._pending.values()):
            if change.agrees(reading) and now >= change.proven_from:
                change.done.set()
            if change.done.is_set() or now >= change.until:
                del self._pending[change.preference]
        return self._lay_over(reading)

    def close(self) -> None:
        """Let those go who wait for a reading: there will be none."""
        for change in self._pending.values():
            change.done.set()

    def end(self, change: Change) -> bool:
        """Show the truth again, and return whether it agrees with the change."""
        if self._pending.get(change.preference) is change:
            del self._pending[change.preference]
        return change.agrees(self.reading)
