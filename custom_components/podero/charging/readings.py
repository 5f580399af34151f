"""Validate a reading before it is shown."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..api import Vehicle

MAX_STALE = 3
"""Stale readings in a row after which the service's clock is considered set back."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Reading:
    """A reading as received, and its plausible values."""

    raw: Vehicle
    vehicle: Vehicle
    """The reading that is shown, with implausible values replaced."""

    stale_count: int = 0
    """How many stale readings in a row have been ignored since."""

    is_contradictory: bool = False
    """Whether the vehicle charges without being plugged in, according to it."""


def sanitize(raw: Vehicle, last: Reading | None) -> Reading:
    """Replace the implausible values of a reading, given the last one.

    - A stale reading, whose `updated_at` is before the last one's, is ignored, up to
      MAX_STALE in a row: then the service's clock was set back.
    - A reading with "unplugged" and "charging" changes neither; a second one in a row
      means "unplugged".
    - If the vehicle does not charge, its power and remaining time are 0.
    - Without a position, or at 0/0, the last position is kept.
    """
    if last is not None:
        if is_stale(raw, last.raw.updated_at) and last.stale_count + 1 < MAX_STALE:
            return replace(last, stale_count=last.stale_count + 1)
        if raw is last.raw and not last.stale_count and not last.is_contradictory:
            return last
    before = Vehicle() if last is None else last.vehicle
    values: dict[str, Any] = {}
    is_contradictory = bool(raw.is_plugged_in is False and raw.is_charging)
    is_charging = raw.is_charging
    if is_contradictory:
        if last is not None and not last.is_contradictory:
            is_charging = before.is_charging
            values["is_plugged_in"] = before.is_plugged_in
        else:
            is_charging = False
        values["is_charging"] = is_charging
    if is_charging is False:
        values["charge_rate_w"] = 0
        if raw.charge_time_remaining is not None:
            values["charge_time_remaining"] = 0
    if not _has_position(raw):
        values["latitude"] = before.latitude
        values["longitude"] = before.longitude
    changed = {
        name: value for name, value in values.items() if getattr(raw, name) != value
    }
    return Reading(
        raw=raw,
        vehicle=replace(raw, **changed) if changed else raw,
        is_contradictory=is_contradictory,
    )


def is_stale(raw: Vehicle, last_updated_at: datetime | None) -> bool:
    """Return whether `updated_at` is before the last reading's, as far as is known."""
    return (
        raw.updated_at is not None
        and last_updated_at is not None
        and raw.updated_at < last_updated_at
    )


def _has_position(vehicle: Vehicle) -> bool:
    """Return whether a reading has a position; 0/0 is a placeholder."""
    return (
        vehicle.latitude is not None
        and vehicle.longitude is not None
        and (vehicle.latitude, vehicle.longitude) != (0, 0)
    )
