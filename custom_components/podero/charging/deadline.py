"""By when a vehicle is to be charged, and to which level."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from ..api import ChargePolicy, DayPolicy, Vehicle

DAY = timedelta(days=1)

MAX_ABSENCE = timedelta(minutes=15)
"""How long nobody may have looked for a deadline that passed meanwhile to be told as missed."""


class Deadline(NamedTuple):
    """A moment by which a level, in percent, is to be reached."""

    at: datetime
    level: float | None
    wall_clock: datetime
    """What the clock shows then, without a zone: it may show that twice."""


def next_deadline(
    vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo, now: datetime
) -> Deadline | None:
    """Return the first deadline after a moment, or None where there is none."""
    return next(_deadlines(vehicle, policy, zone, now), None)


def _deadlines(
    vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo, after: datetime
) -> Iterator[Deadline]:
    """Yield the deadlines of a week after a moment.

    A weekday without a time or a level of its own has that of every day.
    """
    if not vehicle.is_charge_policy_enabled:
        return
    days = (DayPolicy(),) * 7 if policy is None else policy.days
    today = after.astimezone(zone).date()
    for date in (today + offset * DAY for offset in range(8)):
        day = days[date.weekday()]
        clock_time = day.charge_deadline or vehicle.charge_deadline_at
        if clock_time is None:
            continue
        level = day.charge_percentage
        if level is None:
            level = vehicle.minimum_charge_limit
        wall_clock = datetime.combine(date, clock_time.replace(tzinfo=None))
        # The second one is later where the clock is set back, and only there.
        for fold in (0, 1):
            # Compared in UTC: two moments of one zone are compared by the wall clock.
            at = wall_clock.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if at > after:
                yield Deadline(at, level, wall_clock)


class DeadlineWatch:
    """Notice deadlines that pass while the vehicle is below the level."""

    def __init__(
        self, looked_at: datetime | None = None, missed: datetime | None = None
    ) -> None:
        """Go on from when somebody looked last, and the deadline that was missed last."""
        self.missed = missed
        """By the wall clock."""

        self._looked_at = looked_at
        self._next: Deadline | None = None
        self._passed: Deadline | None = None

    def look(
        self, vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo, now: datetime
    ) -> bool:
        """Take a reading, and return whether a deadline was missed that is not told yet."""
        looked_at, self._looked_at = self._looked_at, now
        if looked_at is None or not timedelta() <= now - looked_at <= MAX_ABSENCE:
            self._next = self._passed = None
        elif self._next is None:
            self._next = next_deadline(vehicle, policy, zone, looked_at)
        if self._next is not None and self._next.at <= now:
            self._passed = self._next
        # What was to be reached is what was asked for before.
        self._next = next_deadline(vehicle, policy, zone, now)
        return self._is_missed(vehicle, now)

    def _is_missed(self, vehicle: Vehicle, now: datetime) -> bool:
        """Return whether the deadline that passed was missed, once that is known."""
        passed, battery = self._passed, vehicle.battery_level
        if (
            passed is None
            or passed.wall_clock == self.missed
            or now - passed.at > MAX_ABSENCE
            or not vehicle.is_charge_policy_enabled
            or vehicle.is_plugged_in is False
        ):
            self._passed = None
            return False
        if vehicle.is_plugged_in is None or battery is None or passed.level is None:
            return False
        self._passed = None
        # A full car cannot be charged any further.
        if battery >= passed.level or vehicle.is_fully_charged:
            return False
        self.missed = passed.wall_clock
        return True
