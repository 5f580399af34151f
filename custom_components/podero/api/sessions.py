"""Models of charging sessions and of the weekly charge policy.

Source: examples in the guide. Any value may be null.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, override

from .errors import InvalidResponseError
from .models import JsonObject, Model, read_by, to_json
from .readers import (
    between,
    boolean,
    clock_time,
    decimal,
    text,
    timestamp,
    timestamp_or_clock_time,
    whole_decimal,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, repr=False)
class ChargingSession(Model):
    """A charging session, from plugging in to unplugging; it may still be running.

    Levels are in percent, energies in kWh, powers in kW, money in EUR; timestamps are
    aware, in UTC, without microseconds. Implausible values, for example a negative energy
    or an end before the start, are kept.
    """

    id: str | None = read_by(text)
    plug_in_time: datetime | None = read_by(timestamp)
    unplug_time: datetime | None = read_by(timestamp)
    inferred_session_end: datetime | None = read_by(timestamp)
    desired_charging_start_time: datetime | None = read_by(timestamp)
    desired_charging_end_time: datetime | None = read_by(timestamp)
    charge_deadline: datetime | time | None = read_by(timestamp_or_clock_time)

    target_soc_pct: float | None = read_by(between(decimal, 0, 100))
    initial_soc_pct: float | None = read_by(between(decimal, 0, 100))
    final_soc_pct: float | None = read_by(between(decimal, 0, 100))
    energy_charged_kwh: float | None = read_by(decimal)
    avg_charge_power_kw: float | None = read_by(decimal)
    peak_charge_power_kw: float | None = read_by(decimal)
    actual_cost_eur: float | None = read_by(decimal)
    expected_savings_eur: float | None = read_by(decimal)
    actual_savings_eur: float | None = read_by(decimal)

    is_at_home: bool | None = read_by(boolean)
    session_outcome: str | None = read_by(text)

    @property
    def key(self) -> str:
        """Return what distinguishes the session from others: its id, or else its start."""
        return self.id or str(self.plug_in_time)

    @property
    def counts_as_home(self) -> bool:
        """Return whether it was charged at home, or may have been."""
        return self.is_at_home is not False

    def as_json(self) -> dict[str, Any]:
        """Return the values as JSON, which can be read as the same session."""
        return {name: to_json(getattr(self, name)) for name in self.readers()}


@dataclass(frozen=True, repr=False)
class DayPolicy(Model):
    """The level to reach on a day, in percent, and the wall-clock time to reach it by."""

    charge_percentage: int | None = read_by(between(whole_decimal, 0, 100))
    charge_deadline: time | None = read_by(clock_time)


@dataclass(frozen=True, repr=False)
class ChargePolicy(Model):
    """The weekly charge policy, and the time zone of its deadlines."""

    mon: DayPolicy | None = read_by(DayPolicy.from_json)
    tue: DayPolicy | None = read_by(DayPolicy.from_json)
    wed: DayPolicy | None = read_by(DayPolicy.from_json)
    thu: DayPolicy | None = read_by(DayPolicy.from_json)
    fri: DayPolicy | None = read_by(DayPolicy.from_json)
    sat: DayPolicy | None = read_by(DayPolicy.from_json)
    sun: DayPolicy | None = read_by(DayPolicy.from_json)
    timezone: str | None = read_by(text)

    @property
    def days(self) -> tuple[DayPolicy, ...]:
        """Return the policies of the seven days, from Monday to Sunday."""
        return tuple(getattr(self, day) or DayPolicy() for day in WEEKDAYS)

    @classmethod
    @override
    def _validate(cls, document: JsonObject) -> None:
        """Refuse an object without a weekday."""
        if document.keys().isdisjoint(WEEKDAYS):
            raise InvalidResponseError("The object is not a charge policy")
