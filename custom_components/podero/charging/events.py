"""Derive charging events from consecutive readings."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ..api import BoostState, Vehicle

MAX_ABSENCE = timedelta(hours=12)
"""How long nobody may have read a vehicle for what happened meanwhile to be told."""


class ChargingEvent(StrEnum):
    """What can be seen to have happened between two readings.

    All but the last are derived from the readings alone.
    """

    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    CHARGING_INTERRUPTED = "charging_interrupted"
    FULLY_CHARGED = "fully_charged"
    DEADLINE_MISSED = "deadline_missed"


TOLD_WHEN_MISSED = {
    ChargingEvent.PLUGGED_IN,
    ChargingEvent.UNPLUGGED,
    ChargingEvent.FULLY_CHARGED,
}
"""What still matters to somebody who hears of it hours later."""

SESSION_ENDS = {
    ChargingEvent.UNPLUGGED,
    ChargingEvent.CHARGING_STOPPED,
    ChargingEvent.FULLY_CHARGED,
}
"""What may have ended a charging session."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """The last known values of what events are derived from; None before there is one."""

    is_plugged_in: bool | None = None
    is_charging: bool | None = None
    is_fully_charged: bool | None = None
    battery_at_plug_in: float | None = None
    reported_at: datetime | None = None
    """When the car reported them, by its own clock."""

    has_been_full: bool = False
    """Whether the vehicle was fully charged before, since it was plugged in."""

    def update(self, vehicle: Vehicle) -> Known:
        """Return what is known after a reading: what it does not tell stays."""
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
            # Where the plug is not known: a car that is no longer full has been driven.
            or (is_plugged_in is None and not is_full)
        )
        return Known(
            is_plugged_in=is_plugged_in,
            is_charging=_either(vehicle.is_charging, self.is_charging),
            is_fully_charged=is_full,
            battery_at_plug_in=at_plug_in,
            reported_at=_either(reported_at(vehicle), self.reported_at),
            has_been_full=not is_replugged
            and bool(self.has_been_full or self.is_fully_charged),
        )


class ChargingEvents:
    """Derive events from the last two known values of each field.

    An unknown value changes nothing, so an outage neither invents nor loses an event.
    """

    def __init__(self, known: Known | None = None) -> None:
        """Start from what is known: without it, the first reading tells of no event."""
        self.known = known or Known()
        self._may_be_interrupted = False
        """Whether charging stopped, or may stop, for a reason that no reading has told yet."""

        self._is_optimized = True
        """Whether Podero chose the hours of the charging that was seen last."""

        self._was_boosting = False
        """Whether "charge now" was running then."""

        self._are_pauses_told = False
        """Whether a reading ever told of a pause, or of none."""

    def derive(self, vehicle: Vehicle) -> list[ChargingEvent]:
        """Take a reading and return what happened since the one before."""
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
        """Return whether charging stopped for a reason that nobody gave.

        Podero stops and starts as it sees fit, unless its optimization is off or the
        user told the car to charge now. A reading that does not tell why charging
        stopped leaves the answer to the next one.
        """
        is_paused = vehicle.is_pause_power_active
        if is_paused is not None:
            self._are_pauses_told = True
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
            or (is_paused is None and self._are_pauses_told)
        ):
            return False
        self._may_be_interrupted = False
        if vehicle.is_fully_charged or is_paused:
            return False
        return self._was_boosting or not self._is_optimized


def resume(
    remembered: Known, remembered_at: datetime, vehicle: Vehicle, now: datetime
) -> tuple[ChargingEvents, list[ChargingEvent]]:
    """Take the first reading since events were derived last.

    Returns what derives the next events, and what happened while nobody looked: of
    TOLD_WHEN_MISSED, if the car has reported since, and not after more than MAX_ABSENCE.
    """
    if not timedelta() <= now - remembered_at <= MAX_ABSENCE:
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
    return events, [event for event in happened if event in TOLD_WHEN_MISSED]


def reported_at(vehicle: Vehicle) -> datetime | None:
    """Return when the car itself reported what a reading tells."""
    return vehicle.current_state_last_updated_at or vehicle.updated_at


def _either[T](value: T | None, before: T | None) -> T | None:
    """Return a value, or the previous one if it is unknown."""
    return before if value is None else value
