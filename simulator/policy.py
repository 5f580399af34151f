"""The weekly charge policy: the level to reach by a time of day, for each weekday."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .preferences import Preferences, parse_wall_clock

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(slots=True)
class DayPolicy:
    """The level to reach on a day, in percent, and the time of day to reach it by."""

    charge_percentage: int
    charge_deadline: str | None


@dataclass(slots=True)
class WeeklyPolicy:
    """The weekdays that have a policy of their own; the others follow the preferences."""

    days: dict[str, DayPolicy] = field(default_factory=dict)
    timezone: str | None = None  # None: the home's

    def of(self, weekday: str, preferences: Preferences) -> DayPolicy:
        """Return the policy of a weekday."""
        return self.days.get(weekday) or DayPolicy(
            preferences.minimum_charge_limit, preferences.charge_deadline_at
        )

    def document(self, preferences: Preferences, home_zone: ZoneInfo) -> dict[str, Any]:
        """Return the policy as the API serves it."""
        data: dict[str, Any] = {}
        for weekday in WEEKDAYS:
            policy = self.of(weekday, preferences)
            data[weekday] = {
                "charge_percentage": policy.charge_percentage,
                "charge_deadline": policy.charge_deadline,
            }
        data["timezone"] = self.timezone or home_zone.key
        return {"metadata": {}, "data": data}

    def set_day(
        self, weekday: str, charge_percentage: int, charge_deadline: str | None
    ) -> None:
        """Give a weekday a policy of its own. Raises ValueError if it is invalid."""
        if weekday not in WEEKDAYS:
            raise ValueError(f"weekday: one of {', '.join(WEEKDAYS)}")
        if not 0 <= charge_percentage <= 100:
            raise ValueError("percentage: 0 to 100")
        self.days[weekday] = DayPolicy(
            charge_percentage, parse_wall_clock(charge_deadline)
        )

    def set_zone(self, timezone: str | None) -> None:
        """Set the time zone of the deadlines. Raises ValueError if it is unknown."""
        try:
            ZoneInfo(timezone or "UTC")
        except ZoneInfoNotFoundError as error:
            raise ValueError(f"no such time zone: {timezone}") from error
        self.timezone = timezone


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment by which a level is to be reached."""

    at: datetime
    percentage: int
    wall_clock: str


def next_deadline(
    policy: WeeklyPolicy, preferences: Preferences, home_zone: ZoneInfo, at: datetime
) -> Deadline | None:
    """Return the first deadline after a moment, or None."""
    if not preferences.is_charge_policy_enabled:
        return None
    zone = home_zone if policy.timezone is None else ZoneInfo(policy.timezone)
    today = at.astimezone(zone).date()
    for days in range(len(WEEKDAYS) + 1):
        day = today + timedelta(days=days)
        of_day = policy.of(WEEKDAYS[day.weekday()], preferences)
        if (wall_clock := of_day.charge_deadline) is None:
            continue
        local = datetime.combine(day, time.fromisoformat(wall_clock), zone)
        if (deadline := local.astimezone(UTC)) > at:
            return Deadline(deadline, of_day.charge_percentage, wall_clock)
    return None
