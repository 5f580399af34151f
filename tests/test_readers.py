"""What each reader makes of a JSON value, and what it refuses."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from custom_components.podero.api import readers
from custom_components.podero.api.readers import Reader

NAN, INFINITY = float("nan"), float("inf")
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LEAP_SECOND = datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
ID = "c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01"
NO_TEXT = (5, 1.5, True, [], {}, ["x"])
NO_NUMBER = ("5", "", True, False, [], {}, NAN, INFINITY, -INFINITY, 10**15, -(10**400))
NO_DECIMAL = (
    *(True, [], {}, "", "x", "1,5", "nan", "inf", "1e400", "1e15", "1_000", ".", "1e"),
    *("0x10", "\u0661\u0662", "\uff11", "9" * 100_000 + "x", NAN, INFINITY, 10**15),
)
NO_TIMESTAMP = (
    *(*NO_TEXT, "", "2026-03-04", "2026-03-04T05:06:07", "2026-13-04T05:06:07Z"),
    *("2026-W10-3T05:06:07Z", "1772600767", "2026-03-04T05:06:07Z tail"),
    *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
    *("9999-12-31T24:00:00Z", "2026-03-04T24:00:00Z", "2026-03-04T05:06:07+25:00"),
    *("2026-03-04T05:06:07Z\0", "2026-03-04T05:06:07 Z", "2026-03-04T05:06:07,5Z"),
    *("2026-03-04T05:06Z", "2026-03-04T05:06:07+02", "2026-03-04T05:06:07+0200"),
    "\u0662026-03-04T05:06:07Z",
)
NO_CLOCK_TIME = (
    *(*NO_TEXT, "", "6:00", "24:00", "24:00:00", "25:00:00", "06:60", "0600"),
    *("06:00:00+99:00", "\u0660\u0666:\u0660\u0660"),
)

CASES: list[tuple[Reader[Any], list[tuple[Any, Any]], tuple[Any, ...]]] = [
    (readers.boolean, [(True, True), (False, False)], ("true", "", 0, 1, 1.0, [], {})),
    (readers.number, [(0, 0), (-0.5, -0.5), (3, 3), (-0.0, 0.0)], NO_NUMBER),
    (
        readers.integer,
        [(0, 0), (-5, -5), (55.0, 55), (11000, 11000)],
        (*NO_NUMBER, 0.5),
    ),
    (
        readers.decimal,
        [
            *((77.4, 77.4), ("77.40", 77.4), ("0", 0.0), (0, 0), (" +7. ", 7.0)),
            *((".5", 0.5), ("1e1", 10.0), ("-1", -1.0), ("-0", 0.0)),
        ],
        NO_DECIMAL,
    ),
    (
        readers.whole_decimal,
        [(80, 80), ("80", 80), ("80.0", 80), (80.0, 80), ("-1", -1)],
        (*NO_DECIMAL, "80.5", 0.5),
    ),
    (
        readers.text,
        [(" mid ", " mid "), ("", None), (" \t", None), ("Ü\U0001f697",) * 2],
        NO_TEXT,
    ),
    (
        readers.texts,
        [([], ()), (["successUrl"], ("successUrl",)), (["", "x"], ("", "x"))],
        ("successUrl", 5, True, {}, ["x", 5], [None], [["x"]]),
    ),
    (readers.json_object, [({}, {}), ({"a": [1]}, {"a": [1]})], ([], "x", 5, True)),
    (
        readers.uuid,
        [
            *((ID, ID), (ID.upper(), ID), (ID.replace("-", ""), ID)),
            *((f"{{{ID}}}", ID), (f"urn:uuid:{ID}", ID)),
        ],
        (
            *(*NO_TEXT, "", "1", "x" * 36, ID[:-1], f"{ID[:-2]}_1", f" {ID[:-1]}"),
            *("0x" + "a" * 30, "\u0660" * 32, f"{ID[:8]}{ID[9:]}"),
        ),
    ),
    (
        readers.timestamp,
        [
            ("2026-03-04T05:06:07Z", MOMENT),
            ("2026-03-04t05:06:07z", MOMENT),
            ("2026-03-04 05:06:07+00:00", MOMENT),
            ("2026-03-04T07:06:07+02:00", MOMENT),
            ("2026-03-04T05:06:07.000000123Z", MOMENT),
            ("2026-03-04T05:06:07.9Z", MOMENT),
            ("2016-12-31T23:59:60Z", LEAP_SECOND),
            ("2017-01-01T01:59:60.5+02:00", LEAP_SECOND),
            ("0001-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:00+05:00", None),
            ("0002-01-01T01:00:00+05:00", None),
            ("9999-12-31T23:59:59Z", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("9998-12-31T23:59:59-01:00", None),
        ],
        NO_TIMESTAMP,
    ),
    (
        readers.clock_time,
        [
            *(
                ("06:00:00", time(6)),
                ("06:00", time(6)),
                ("23:59:59", time(23, 59, 59)),
            ),
            *(("06:00:00.5", time(6, 0, 0, 500000)), ("06:00+02:00", time(6))),
            *(("06:00:00Z", time(6)), ("06:00:00z", time(6))),
        ],
        NO_CLOCK_TIME,
    ),
    (
        readers.timestamp_or_clock_time,
        [("2026-03-04T05:06:07Z", MOMENT), ("06:00", time(6))],
        (*NO_TEXT, "", "6:00", "2026-03-04"),
    ),
    (
        readers.between(readers.number, -90, 90),
        [(-90, -90), (90, 90), (48.2, 48.2)],
        (*NO_NUMBER, -90.01, 91),
    ),
    (readers.percentage, [(0, 0), (55.0, 55), (100, 100)], (*NO_NUMBER, -1, 101, 50.5)),
    (readers.amount, [(0, 0), (287, 287)], (*NO_NUMBER, -1, 0.5)),
    (
        readers.duration,
        [(0, 0), (31_622_400, 31_622_400)],
        (*NO_NUMBER, -1, 0.5, 31_622_401),
    ),
    (readers.energy, [(0, 0), ("77.40", 77.4)], (*NO_DECIMAL, -1, "-1")),
]


@pytest.mark.parametrize(("reader", "read", "refused"), CASES)
def test_readers(
    reader: Reader[Any], read: list[tuple[Any, Any]], refused: tuple[Any, ...]
) -> None:
    """A value of the contract is read, in one spelling; any other is a ValueError."""
    for value, expected in read:
        # 1, 1.0 and True are equal, 0.0 and -0.0 as well.
        assert repr(reader(value)) == repr(expected), value
    for value in refused:
        assert _is_refused(reader, value), f"{value!r:.80}"


def _is_refused(reader: Reader[Any], value: Any) -> bool:
    try:
        reader(value)
    except ValueError:
        return True
    return False
