"""Deadlines of the charge policy, and whether they were missed."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from ..api import ChargePolicy, DayPolicy, Vehicle

DAY = timedelta(days=1)

MAX_GAP = timedelta(minutes=15)
"""A deadline within a longer gap between readings is not reported as missed."""


class Deadline(NamedTuple):
    """A moment in UTC by which a level, in percent, is to be reached."""

    at: datetime
    level: float | None
    wall_clock: datetime
    """The naive local time, which occurs twice when the clock is set back."""


def next_deadline(
    vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo, now: datetime
) -> Deadline | None:
    """Return the first deadline in the week after a moment, or None.

    A weekday without a time or a level of its own has the vehicle's.
    """
    if not vehicle.is_charge_policy_enabled:
        return None
    days = (DayPolicy(),) * 7 if policy is None else policy.days
    today = now.astimezone(zone).date()
    for date in (today + offset * DAY for offset in range(8)):
        day = days[date.weekday()]
        clock_time = day.charge_deadline or vehicle.charge_deadline_at
        if clock_time is None:
            continue
        level = day.charge_percentage
        if level is None:
            level = vehicle.minimum_charge_limit
        wall_clock = datetime.combine(date, clock_time.replace(tzinfo=None))
        # The second fold is later only for a time that occurs twice.
        for fold in (0, 1):
            # In UTC, as Python compares datetimes of the same zone by wall clock.
            at = wall_clock.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if at > now:
                return Deadline(at, level, wall_clock)
    return None


class NextDeadline:
    """Keep the next deadline until it has passed or what it depends on has changed.

    Every poll asks for it, and to calculate it local times are converted to UTC.
    """

    def __init__(self) -> None:
        """Start without a deadline."""
        self._depends_on: tuple[Any, ...] = ()
        self._calculated_at = datetime.max.replace(tzinfo=UTC)
        self._deadline: Deadline | None = None

    def after(
        self, now: datetime, vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo
    ) -> Deadline | None:
        """Return the first deadline after a moment, or None."""
        depends_on = (
            vehicle.is_charge_policy_enabled,
            vehicle.charge_deadline_at,
            vehicle.minimum_charge_limit,
            policy,
            zone,
        )
        if (
            depends_on != self._depends_on
            or self._deadline is None
            or not self._calculated_at <= now < self._deadline.at
        ):
            self._depends_on, self._calculated_at = depends_on, now
            self._deadline = next_deadline(vehicle, policy, zone, now)
        return self._deadline


class DeadlineWatch:
    """Detect deadlines that pass while the vehicle is below the level."""

    def __init__(
        self, read_at: datetime | None = None, missed: datetime | None = None
    ) -> None:
        """Continue from the last reading and the deadline that was missed last."""
        self.missed = missed
        """The naive local time of the deadline that was missed last."""

        self._read_at = read_at
        self._has_read = False
        self._next_deadline = NextDeadline()
        self._next: Deadline | None = None
        self._passed: Deadline | None = None

    def update(
        self, vehicle: Vehicle, policy: ChargePolicy | None, zone: tzinfo, now: datetime
    ) -> bool:
        """Process a reading, and return whether it shows a newly missed deadline."""
        if vehicle.is_charge_policy_enabled is None:
            # The next reading decides.
            return False
        read_at, self._read_at = self._read_at, now
        has_read, self._has_read = self._has_read, True
        if read_at is None or not timedelta() <= now - read_at <= MAX_GAP:
            self._passed = None
        elif not has_read or (self._next is not None and self._next.at <= now):
            # Calculated anew: it may have been moved since the last reading.
            passed = next_deadline(vehicle, policy, zone, read_at)
            if passed is not None and passed.at <= now:
                # The level is that of the last reading, before the deadline passed.
                self._passed = self._next if has_read else passed
        self._next = self._next_deadline.after(now, vehicle, policy, zone)
        return self._is_missed(vehicle, now)

    def _is_missed(self, vehicle: Vehicle, now: datetime) -> bool:
        """Return whether the deadline that passed was missed, once that is known."""
        passed, battery = self._passed, vehicle.battery_level
        if (
            passed is None
            or passed.wall_clock == self.missed
            or now - passed.at > MAX_GAP
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
