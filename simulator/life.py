"""The state of a car that changes, which is kept in the state file."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .actions import Action
from .habits import Trip
from .policy import WeeklyPolicy
from .preferences import Preferences
from .sessions import Charged, Session


@dataclass(frozen=True, slots=True)
class Reading:
    """The values that the car maker reported last, which the API serves."""

    at: datetime
    battery_level: int
    driving_range: int
    is_plugged_in: bool
    is_at_home: bool
    is_charging: bool
    is_fully_charged: bool
    charge_rate_w: int
    charge_time_remaining: int
    battery_at_plug_in: float | None
    latitude: float
    longitude: float
    consumption_last_day_kwh: float
    consumption_last_week_kwh: float
    consumption_last_month_kwh: float


@dataclass(slots=True)
class Boost:
    """The state of "charge now"."""

    is_armed: bool = False
    requested_at: datetime | None = None
    is_ongoing: bool = False
    triggered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None


@dataclass(slots=True)
class Life:
    """The state of a car."""

    created_at: datetime
    lived_until: datetime
    updated_at: datetime
    monitored_at: datetime
    next_report_at: datetime
    energy_kwh: float
    reading: Reading | None = None
    is_charging: bool = False
    # Whether charging was started or stopped by a command; reset when unplugged.
    wanted_by_hand: bool | None = None
    trip: Trip | None = None
    session: Session | None = None
    sessions: list[Session] = field(default_factory=list)
    charged: list[Charged] = field(default_factory=list)
    boost: Boost = field(default_factory=Boost)
    preferences: Preferences = field(default_factory=Preferences)
    policy: WeeklyPolicy = field(default_factory=WeeklyPolicy)
    policy_updated_at: datetime | None = None
    is_authenticated: bool = True
    deleted_at: datetime | None = None
    actions: list[Action] = field(default_factory=list)
    actions_raised: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    @property
    def boost_state(self) -> str:
        """Return the state of "charge now", with the API's value."""
        reading, boost = self.reading, self.boost
        if boost.requested_at is not None:
            return "requested"
        if boost.is_ongoing:
            return "ongoing"
        if reading is None or not (reading.is_plugged_in and reading.is_at_home):
            return "unavailable"
        if reading.is_charging or reading.is_fully_charged:
            return "unavailable"
        return "available"
