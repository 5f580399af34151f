"""What happened to a vehicle at the plug, seen from two readings."""

from collections.abc import Iterator
from enum import StrEnum

from ..api import Vehicle


class ChargingEvent(StrEnum):
    """What can be seen to have happened between two readings."""

    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    CHARGING_INTERRUPTED = "charging_interrupted"
    FULLY_CHARGED = "fully_charged"


class ChargingHistory:
    """Tell what happened from the last two known values of each field.

    A reading in which a value is not known is passed over, so an outage neither
    invents nor loses an event.
    """

    def __init__(self) -> None:
        """Know nothing yet: the first reading tells of no event."""
        self._known: tuple[bool | None, bool | None, bool | None] = None, None, None
        self._is_end_awaited = False
        """Whether it charged, and no reading has told yet why it does not any more."""
        self._are_pauses_told = False
        """Whether a reading ever told of a pause, or of none."""

    def add(self, vehicle: Vehicle) -> Iterator[ChargingEvent]:
        """Take a reading and yield what happened since the one before."""
        before = was_plugged_in, was_charging, was_fully_charged = self._known
        self._known = plugged_in, charging, fully_charged = (
            _known(vehicle.is_plugged_in, was_plugged_in),
            _known(vehicle.is_charging, was_charging),
            _known(vehicle.is_fully_charged, was_fully_charged),
        )
        if vehicle.is_charging:
            self._is_end_awaited = True
        elif vehicle.is_plugged_in is False:
            self._is_end_awaited = False
        is_paused = vehicle.is_pause_power_active
        if is_paused is not None:
            self._are_pauses_told = True
        if self._known == before and (charging or not self._is_end_awaited):
            return
        if was_plugged_in is False and plugged_in:
            yield ChargingEvent.PLUGGED_IN
        if was_charging is False and charging:
            yield ChargingEvent.CHARGING_STARTED
        if was_charging and not charging:
            yield ChargingEvent.CHARGING_STOPPED
        # A reading that does not know why leaves the answer to the next one.
        if (
            self._is_end_awaited
            and not charging
            and vehicle.is_plugged_in
            and vehicle.is_fully_charged is not None
            and (is_paused is not None or not self._are_pauses_told)
        ):
            self._is_end_awaited = False
            if not vehicle.is_fully_charged and not is_paused:
                yield ChargingEvent.CHARGING_INTERRUPTED
        if was_fully_charged is False and fully_charged:
            yield ChargingEvent.FULLY_CHARGED
        if was_plugged_in and not plugged_in:
            yield ChargingEvent.UNPLUGGED


def _known(value: bool | None, before: bool | None) -> bool | None:
    """Return a value, or the one before where it is not known."""
    return before if value is None else value
