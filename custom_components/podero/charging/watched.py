"""Energy that polls saw, which shows in which hours a session charged."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ..api import Vehicle

HOUR = 3600.0

MAX_POLL_GAP = 1800.0
"""Seconds between two polls above which the time in between is unwatched."""

KEPT = 42 * 24 * HOUR
"""Seconds for which spans are kept, longer than sessions are read again."""

MIN_SPANS = 2000
"""Spans that are kept for longer, for a car that is away or plugged in for weeks."""


MAX_POWER = 400.0
"""kW above which a power is invalid."""

TYPICAL_POWER = 11000
"""Assumed power in W of a car that charges and does not report its power."""


class Span(NamedTuple):
    """A watched period within one hour: polls saw the car plugged in."""

    start: float
    """POSIX timestamp."""

    end: float
    energy: float
    """kWh; 0 if the car did not charge."""

    @property
    def hour(self) -> float:
        """Return the start of its hour."""
        return self.start // HOUR * HOUR


def power_of(vehicle: Vehicle) -> float | None:
    """Return the charging power in kW, None if the car is unplugged or it is unknown."""
    if not vehicle.is_plugged_in or vehicle.is_charging is None:
        return None
    if not vehicle.is_charging:
        return 0.0
    power = (vehicle.charge_rate_w or TYPICAL_POWER) / 1000
    return power if 0 < power <= MAX_POWER else None


class Watched:
    """Add up the energy between consecutive polls."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        """Continue with earlier spans."""
        self.spans = list(spans)
        self._last: tuple[float, float] | None = None

    def add(self, at: datetime, power: float | None) -> None:
        """Add the power in kW that a poll saw.

        It is None if the car is not plugged in or the power is not known.
        """
        last, now = self._last, at.timestamp()
        self._last = None if power is None else (now, power)
        if last is None or power is None:
            return
        before, power_before = last
        # The clock was ahead: forget what was watched then.
        while self._end > now + HOUR:
            self.spans.pop()
        # Do not count a time twice after the clock was set back by less.
        if not 0 < now - before <= MAX_POLL_GAP or self._end > before:
            return
        mean_power = (power_before + power) / 2
        start = before
        while start < now:
            end = min((start // HOUR + 1) * HOUR, now)
            self._append(Span(start, end, mean_power * (end - start) / HOUR))
            start = end

    @property
    def _end(self) -> float:
        return self.spans[-1].end if self.spans else 0.0

    def _append(self, span: Span) -> None:
        """Append a span, or extend the last one if both are of the same hour and kind."""
        last = self.spans[-1] if self.spans else None
        if (
            last is not None
            and last.end == span.start
            and span.start % HOUR
            and (last.energy > 0) is (span.energy > 0)
        ):
            self.spans[-1] = Span(last.start, span.end, last.energy + span.energy)
            return
        self.spans.append(span)
        while len(self.spans) > MIN_SPANS and self.spans[0].end < span.start - KEPT:
            del self.spans[0]

    def as_json(self) -> list[list[float]]:
        """Return the spans as JSON."""
        return [list(span) for span in self.spans]

    @classmethod
    def from_json(cls, stored: Any) -> Watched:
        """Continue with stored spans, without invalid ones and those out of order."""
        watched = cls()
        for item in stored if isinstance(stored, list) else ():
            if (span := _span(item)) is not None and span.start >= watched._end:
                watched.spans.append(span)
        if watched.spans:
            # Polling may go on soon, as after a restart.
            last = watched.spans[-1]
            watched._last = last.end, last.energy * HOUR / (last.end - last.start)
        return watched


def _span(item: Any) -> Span | None:
    """Return a stored span, or None if it is invalid."""
    if (
        not isinstance(item, list)
        or len(item) != 3
        or not all(isinstance(number, int | float) for number in item)
    ):
        return None
    span = Span(*item)
    if not span.start < span.end <= span.hour + HOUR or span.energy < 0:
        return None
    return span
