"""Readers convert a JSON value other than null to a Python value, or raise ValueError.

A reader returns None for a value that means "none". Python's parsers accept more than
the contract, so formats are matched first.
"""

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, UTC, datetime, time
import math
import re
from typing import Any
from uuid import UUID

type Reader[T] = Callable[[Any], T]
"""Convert a JSON value other than null, or raise ValueError."""

MAX_NUMBER = 10**15
"""Larger numbers are refused: they are not measurements of a car."""

_NO_YEARS = MINYEAR, MAXYEAR
_HOUR_AND_MINUTE = r"(?!24)\d\d:\d\d"
_ZONE = r"([Zz]|[+-]\d\d:\d\d)"
_TIME = rf"(?a){_HOUR_AND_MINUTE}(:\d\d(\.\d+)?)?{_ZONE}?"
_TIMESTAMP = rf"(?a)\d{{4}}-\d\d-\d\d[Tt ]{_HOUR_AND_MINUTE}:\d\d(\.\d+)?{_ZONE}"
_DECIMAL = r"(?a)\s*[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?\s*"
_UUID = r"(?ai)(urn:uuid:)?\{?[\da-f]{8}(-?)([\da-f]{4}\2){3}[\da-f]{12}\}?"


def boolean(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def number(value: Any) -> float:
    """Read a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    if not -MAX_NUMBER < value < MAX_NUMBER:
        raise ValueError("out of range")
    # Normalize -0.0 to 0.
    return value + 0


def integer(value: Any) -> int:
    """Read a number without a fraction."""
    whole = int(number(value))
    if whole != value:
        raise ValueError("not whole")
    return whole


def decimal(value: Any) -> float:
    """Read a number or a decimal string."""
    return number(
        float(_matching(_DECIMAL, value)) if isinstance(value, str) else value
    )


def whole_decimal(value: Any) -> int:
    """Read a number or a decimal string, without a fraction."""
    return integer(decimal(value))


def text(value: Any) -> str | None:
    """Read a string, unchanged; a blank one means "none"."""
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value if value.strip() else None


def texts(value: Any) -> tuple[str, ...]:
    """Read a list of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("not a list of strings")
    return tuple(value)


def json_object(value: Any) -> dict[str, Any]:
    """Read an object, unchanged."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def uuid(value: Any) -> str:
    """Read a UUID in its canonical form."""
    return str(UUID(_matching(_UUID, value)))


def timestamp(value: Any) -> datetime | None:
    """Read an RFC 3339 timestamp as UTC without microseconds.

    The first and the last year mean "none": they are placeholders, and Home Assistant
    cannot convert all their moments to local time.
    """
    rfc3339 = _matching(_TIMESTAMP, value).upper()
    if rfc3339[17:19] == "60":
        # Python has no leap seconds.
        rfc3339 = f"{rfc3339[:17]}59{rfc3339[19:]}"
    moment = datetime.fromisoformat(rfc3339)
    if moment.year in _NO_YEARS:
        return None
    # A state shows seconds: microseconds would only cause state writes.
    moment = moment.astimezone(UTC).replace(microsecond=0)
    return None if moment.year in _NO_YEARS else moment


def clock_time(value: Any) -> time:
    """Read a wall-clock time; a time zone, which the contract does not have, is ignored."""
    return time.fromisoformat(_matching(_TIME, value).upper()).replace(tzinfo=None)


def timestamp_or_clock_time(value: Any) -> datetime | time | None:
    """Read an RFC 3339 timestamp or a wall-clock time."""
    try:
        return timestamp(value)
    except ValueError:
        return clock_time(value)


def between[T: float](read: Reader[T], low: float, high: float) -> Reader[T]:
    """Return a reader that also refuses numbers outside a range."""

    def bounded(value: Any) -> T:
        result = read(value)
        if not low <= result <= high:
            raise ValueError("out of range")
        return result

    return bounded


percentage = between(integer, 0, 100)
"""Read a whole percentage."""

amount = between(integer, 0, math.inf)
"""Read a non-negative number without a fraction."""

duration = between(integer, 0, 366 * 24 * 3600)
"""Read seconds, up to a leap year."""

energy = between(decimal, 0, math.inf)
"""Read a non-negative number or decimal string."""


def _matching(pattern: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError("not in the expected format")
    return value
