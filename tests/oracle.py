"""Expected values that depend on more than one field of a vehicle's document.

Independent of the integration: for the tests, the benchmarks and the demo's check.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

type Document = Mapping[str, Any]


def charging_state(document: Document) -> str | None:
    """Return the state of charging, None if it is unknown."""
    if document["is_charging"]:
        return "charging"
    if document["is_plugged_in"] is None:
        return None
    if not document["is_plugged_in"]:
        return "disconnected"
    if document["is_fully_charged"]:
        return "complete"
    if document["boost_state"] == "requested":
        return "starting"
    return "paused" if document["is_pause_power_active"] else "connected"


def charging_finishes_at(document: Document, read_at: datetime) -> datetime | None:
    """Return when charging will end, from the remaining time when the document was read."""
    if not document["is_charging"] or not document["charge_time_remaining"]:
        return None
    return read_at + timedelta(seconds=document["charge_time_remaining"])


def charge_deadline(document: Document, now: datetime) -> datetime | None:
    """Return the next deadline, a time of day in the time zone of `now`."""
    deadline = document["charge_deadline_at"]
    if deadline is None or not document["is_charge_policy_enabled"]:
        return None
    due = datetime.combine(now, time.fromisoformat(deadline), now.tzinfo)
    return due if due > now else due + timedelta(days=1)
