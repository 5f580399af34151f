"""Derive charging events from consecutive readings."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ..api import BoostState, Vehicle

MAX_DOWNTIME = timedelta(hours=12)
"""Events of a longer time without Home Assistant are not fired."""


class ChargingEvent(StrEnum):
    """What happened between two readings.

    All but DEADLINE_MISSED are derived from the readings alone.
    """

    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    CHARGING_INTERRUPTED = "charging_interrupted"
    FULLY_CHARGED = "fully_charged"
    DEADLINE_MISSED = "deadline_missed"


FIRED_LATE = {
    ChargingEvent.PLUGGED_IN,
    ChargingEvent.UNPLUGGED,
    ChargingEvent.FULLY_CHARGED,
}
"""Missed events that are fired later, as they still matter after hours."""

SESSION_ENDS = {
    ChargingEvent.UNPLUGGED,
    ChargingEvent.CHARGING_STOPPED,
    ChargingEvent.FULLY_CHARGED,
}
"""Events that may end a charging session."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """The last known values of the fields that events are derived from."""

    is_plugged_in: bool | None = None
    is_charging: bool | None = None
    is_fully_charged: bool | None = None
    battery_at_plug_in: float | None = None
    reported_at: datetime | None = None
    """When the car reported them, see reported_at."""

    updated_at: datetime | None = None
    """When the service changed the document."""

    has_been_full: bool = False
    """Whether the vehicle was full at an earlier reading since it was plugged in."""

    def update(self, vehicle: Vehicle) -> Known:
        """Return the values after a reading; unknown ones keep the last known value."""
        is_plugged_in = _either(vehicle.is_plugged_in, self.is_plugged_in)
        is_full = _either(vehicle.is_fully_charged, self.is_fully_charged)
        at_plug_in = _either(vehicle.battery_at_plug_in, self.battery_at_plug_in)
        is_replugged = bool(
            (is_plugged_in and self.is_plugged_in is False)
            # Unplugged and plugged in again between two readings.
            or (
                is_plugged_in
                and self.battery_at_plug_in is not None
                and self.battery_at_plug_in != at_plug_in
            )
            # If the plug is unknown: a car that is no longer full has been driven.
            or (is_plugged_in is None and not is_full)
        )
        return Known(
            is_plugged_in=is_plugged_in,
            is_charging=_either(vehicle.is_charging, self.is_charging),
            is_fully_charged=is_full,
            battery_at_plug_in=at_plug_in,
            reported_at=_either(reported_at(vehicle), self.reported_at),
            updated_at=_either(vehicle.updated_at, self.updated_at),
            has_been_full=not is_replugged
            and bool(self.has_been_full or self.is_fully_charged),
        )


class ChargingEvents:
    """Derive events from the last two known values of each field.

    An unknown value changes nothing, so an outage neither invents nor loses an event.
    """

    def __init__(self, known: Known | None = None) -> None:
        """Start from known values; without them the first reading yields no events."""
        self.known = known or Known()
        self._may_be_interrupted = False
        """Whether charging was seen, and no later reading has explained its end."""

        self._is_optimized = True
        """Whether Podero's optimization controlled the charging that was seen last."""

        self._was_boosting = False
        """Whether "charge now" was ongoing then."""

        self._has_pauses = False
        """Whether any reading had a known `is_pause_power_active`."""

    def derive(self, vehicle: Vehicle) -> list[ChargingEvent]:
        """Process a reading, and return the events since the one before."""
        before = self.known
        self.known = now = before.update(vehicle)
        seen = {
            ChargingEvent.PLUGGED_IN: before.is_plugged_in is False
            and now.is_plugged_in,
            ChargingEvent.CHARGING_STARTED: before.is_charging is False
            and now.is_charging,
            ChargingEvent.CHARGING_STOPPED: before.is_charging and not now.is_charging,
            ChargingEvent.CHARGING_INTERRUPTED: self._is_interrupted(vehicle),
            ChargingEvent.FULLY_CHARGED: before.is_fully_charged is False
            and now.is_fully_charged
            and not now.has_been_full,
            ChargingEvent.UNPLUGGED: before.is_plugged_in and not now.is_plugged_in,
        }
        return [event for event, happened in seen.items() if happened]

    def _is_interrupted(self, vehicle: Vehicle) -> bool:
        """Return whether charging stopped without a reason.

        With its optimization on, Podero itself stops and starts charging, except during
        "charge now". If a reading lacks the fields that give a reason, the next one
        decides.
        """
        is_paused = vehicle.is_pause_power_active
        if is_paused is not None:
            self._has_pauses = True
        is_optimized = vehicle.is_smart_optimization_active
        if vehicle.is_charging:
            self._may_be_interrupted = True
            self._is_optimized = is_optimized is not False
            self._was_boosting = vehicle.boost_state is BoostState.ONGOING
            return False
        if is_optimized:
            self._is_optimized = True
        if vehicle.is_plugged_in is False:
            self._may_be_interrupted = False
        if (
            not self._may_be_interrupted
            or self.known.is_charging
            or not vehicle.is_plugged_in
            or vehicle.is_fully_charged is None
            or (is_paused is None and self._has_pauses)
        ):
            return False
        self._may_be_interrupted = False
        if vehicle.is_fully_charged or is_paused:
            return False
        return self._was_boosting or not self._is_optimized


def resume(
    remembered: Known, remembered_at: datetime, vehicle: Vehicle, now: datetime
) -> tuple[ChargingEvents, list[ChargingEvent]]:
    """Continue from remembered values with the first reading after a restart.

    Returns what derives the next events, and the missed ones: those of FIRED_LATE, if
    the car has reported since, and none after a gap of more than MAX_DOWNTIME.
    """
    if not timedelta() <= now - remembered_at <= MAX_DOWNTIME:
        remembered = Known(
            battery_at_plug_in=remembered.battery_at_plug_in,
            has_been_full=bool(remembered.has_been_full or remembered.is_fully_charged),
        )
    events = ChargingEvents(replace(remembered, is_charging=None))
    happened = events.derive(vehicle)
    reported = reported_at(vehicle)
    if (
        reported is None
        or remembered.reported_at is None
        or reported <= remembered.reported_at
    ):
        return events, []
    return events, [event for event in happened if event in FIRED_LATE]


def reported_at(vehicle: Vehicle) -> datetime | None:
    """Return when the car reported the values of a reading, if known."""
    return vehicle.current_state_last_updated_at or vehicle.updated_at


def _either[T](value: T | None, before: T | None) -> T | None:
    """Return a value, or the one before if it is unknown."""
    return before if value is None else value
