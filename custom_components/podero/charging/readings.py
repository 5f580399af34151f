"""Judge a reading before anybody sees it."""

from dataclasses import dataclass, replace
from typing import Any

from ..api import Vehicle

MAX_OUTDATED = 3
"""Readings in a row, each older than the last one taken, that say that the clock was set back."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Reading:
    """A reading as it came, and what of it is believed."""

    raw: Vehicle
    vehicle: Vehicle
    """What is shown: the raw reading without what contradicts itself or is missing."""

    outdated: int = 0
    """How many readings in a row were passed over since, as they were older."""

    is_contradictory: bool = False
    """Whether it says that the vehicle charges without being plugged in."""


def judge(raw: Vehicle, last: Reading | None) -> Reading:
    """Return what to believe of a reading, given the last one.

    - A reading whose `updated_at` is before the last one's is passed over, until
      MAX_OUTDATED in a row say that it is the clock that moved.
    - Nothing charges without a cable: a reading that says both "unplugged" and
      "charging" leaves both as they were; a second one in a row means "unplugged".
    - No power and no remaining time where nothing charges.
    - Without a position, or at 0/0, the vehicle is where it was.
    """
    if last is not None:
        if _is_older(raw, last.raw) and last.outdated + 1 < MAX_OUTDATED:
            return replace(last, outdated=last.outdated + 1)
        if raw is last.raw and not last.outdated and not last.is_contradictory:
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


def _is_older(raw: Vehicle, last: Vehicle) -> bool:
    """Return whether a reading was made before another one, as far as they tell."""
    return (
        raw.updated_at is not None
        and last.updated_at is not None
        and raw.updated_at < last.updated_at
    )


def _has_position(vehicle: Vehicle) -> bool:
    """Return whether a reading tells where the vehicle is: 0/0 is a placeholder."""
    return (
        vehicle.latitude is not None
        and vehicle.longitude is not None
        and (vehicle.latitude, vehicle.longitude) != (0, 0)
    )
