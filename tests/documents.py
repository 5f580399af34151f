"""Hypothesis strategies: documents generated from the contract's schema, and broken ones."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, timezone
import json
import math
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
import orjson

from custom_components.podero.api import Vehicle
import simulator

type Document = dict[str, Any]
type Schema = Mapping[str, Any]

SCHEMA: Schema = json.loads(
    Path(simulator.__file__).with_name("vehicle.schema.json").read_text("utf-8")
)
VEHICLE: Schema = SCHEMA["$defs"]["ElectricVehicleDetailOutput"]
LARGEST = 10.0**14

# Plausible ranges of numbers, which the schema does not have.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "battery_at_plug_in": (0, 100),
    "battery_level": (0, 100),
    "charge_target_max": (0, 100),
    "charge_target_min": (0, 100),
    "charge_time_remaining": (0, 366 * 24 * 3600),
    "driving_range": (0, LARGEST),
    "geo_fence_distance_m": (0, LARGEST),
    "latitude": (-90, 90),
    "longitude": (-180, 180),
    "minimum_charge_limit": (0, 100),
    "year": (1900, 9999),
}
# Numbers or strings in the schema: non-negative decimal strings.
DECIMALS = {
    "battery_capacity_kwh",
    "consumption_last_day_kwh",
    "consumption_last_month_kwh",
    "consumption_last_week_kwh",
}

_zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
_moments = st.datetimes(
    min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=_zones
)


def _written(moment: datetime, *, zulu: bool) -> str:
    return (
        moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if zulu
        else moment.isoformat()
    )


_timestamps = st.builds(_written, _moments, zulu=st.booleans()) | st.just(
    "0001-01-01T00:00:00Z"
)


def drawn_from(schema: Schema, name: str = "") -> SearchStrategy[Any]:
    """Return a strategy for values that a schema allows."""
    if name in DECIMALS:
        amounts = st.decimals(0, 10**9, places=2)
        return st.none() | amounts.map(str) | amounts.map(float)
    match schema:
        case {"$ref": reference}:
            return drawn_from(SCHEMA["$defs"][reference.rpartition("/")[2]], name)
        case {"allOf": [only]}:
            return drawn_from(only, name)
        case {"anyOf": options} | {"oneOf": options}:
            return st.one_of(*(drawn_from(option, name) for option in options))
        case {"const": value}:
            return st.just(value)
        case {"enum": values}:
            return st.sampled_from(values)
        case {"type": "object", "properties": properties}:
            fields = {key: drawn_from(value, key) for key, value in properties.items()}
            required = schema.get("required", ())
            return st.fixed_dictionaries(
                {key: fields.pop(key) for key in required}, optional=fields
            )
        case {"type": "object"}:
            return st.dictionaries(st.text(max_size=9), json_values, max_size=3)
        case {"type": "array", "items": items}:
            return st.lists(drawn_from(items), max_size=3)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case {"type": "integer"}:
            low, high = BOUNDS.get(name, (-LARGEST, LARGEST))
            return st.integers(int(low), int(high))
        case {"type": "number"}:
            low, high = BOUNDS.get(name, (-LARGEST, LARGEST))
            return st.floats(low, high) | st.integers(math.ceil(low), int(high))
        case {"format": "uuid"}:
            return st.uuids().map(str)
        case {"format": "date-time"}:
            return _timestamps
        case {"format": "time"}:
            return st.times().map(lambda moment: moment.isoformat("seconds"))
        case {"type": "string"}:
            return st.text(max_size=schema.get("maxLength", 400))
    raise NotImplementedError(schema)


json_values: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=6,
)
"""Any JSON value that a decoder accepts."""

EXTREMES: list[Any] = [
    *(None, True, False, 0, 1, -1, 100, 101, 2**31, 2**63, -(2**63), 0.5, -0.0),
    *(1e14, 1e15, -1e15, 1e308, 5e-324, 31_622_401, 1.0, 55.0),
    *(
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "nan",
        "inf",
        "true",
        "null",
        "ok",
        "OK",
        "requested",
    ),
    *("x" * 256, "x" * 5000, "\x00", "\u202e", "\U0001f697" * 130, "\ufeff", "Ω\n\r\t"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0002-01-01T00:00:00+14:00"),
    *("2026-02-30T00:00:00Z", "2026-01-01", "24:00:00", "23:59:59.999999", "06:00"),
    *([], {}, [[]], [{}], [None], {"": None}, [[[[[[[[]]]]]]]], {"code": []}),
]
junk = st.sampled_from(EXTREMES) | json_values
"""Values that are invalid for most fields."""

undecodable = st.sampled_from(
    [math.nan, math.inf, -math.inf, 10**400, -(10**400), "\ud800"]
)
"""Values that JSON decoders refuse; a reader must refuse them as well."""

documents: SearchStrategy[Document] = drawn_from(VEHICLE)
"""Vehicles that are valid by the contract."""

_places = st.sampled_from(sorted(VEHICLE["properties"]))
_nested = {
    "device_model": ("manufacturer", "model", "year", "device_type"),
    "owner": ("id", "email", "first_name"),
}


def breakages(values: SearchStrategy[Any]) -> SearchStrategy[Document]:
    """Return a strategy for replacements of some fields."""
    unknown = st.text(max_size=12).filter(lambda key: key not in VEHICLE["properties"])
    nested = st.sampled_from(sorted(_nested)).flatmap(
        lambda name: st.tuples(
            st.just(name),
            st.dictionaries(st.sampled_from(_nested[name]), values, max_size=4),
        )
    )
    return st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        st.dictionaries(unknown, values, max_size=2),
        st.lists(nested, max_size=1).map(dict),
        st.dictionaries(_places, values, min_size=1, max_size=12),
    )


lost = st.sets(_places, max_size=12)
"""Keys to remove."""


def vehicle_of(**fields: Any) -> Vehicle:
    """Return a vehicle with some fields, and a required one that is null."""
    return Vehicle.from_json({"owner": None} | fields)


def broken(document: Document, news: Document, gone: set[str]) -> Document:
    """Return a document with some values replaced and some keys removed."""
    return {key: value for key, value in (document | news).items() if key not in gone}


def on_the_wire(document: Document) -> Any:
    """Return a document as a decoder returns it."""
    return orjson.loads(json.dumps(document))


def believed(value: Any, schema: Schema, name: str = "") -> Any:
    """Return the expected value of a field, from the schema alone."""
    if value is None:
        return None
    if name in DECIMALS:
        return float(value)
    match schema:
        case {"$ref": reference}:
            return believed(value, SCHEMA["$defs"][reference.rpartition("/")[2]], name)
        case {"anyOf": options}:
            (option,) = (option for option in options if option != {"type": "null"})
            return believed(value, option, name)
        case {"type": "object", "properties": properties}:
            return {
                key: believed(value.get(key), part, key)
                for key, part in properties.items()
            }
        case {"type": "array", "items": {"oneOf": options}}:
            kinds = [SCHEMA["$defs"][o["$ref"].rpartition("/")[2]] for o in options]
            by_code = {kind["properties"]["code"]["const"]: kind for kind in kinds}
            return [believed(item, by_code[item["code"]]) for item in value]
        case {"type": "array"}:
            return list(value)
        case {"format": "uuid"}:
            return str(UUID(value))
        case {"format": "date-time"}:
            moment = datetime.fromisoformat(value)
            if moment.year in (1, 9999):
                return None
            moment = moment.astimezone(UTC).replace(microsecond=0)
            return None if moment.year in (1, 9999) else moment
        case {"format": "time"}:
            return time.fromisoformat(value)
        case {"type": "string", "enum": _} | {"const": _}:
            return value
        case {"type": "string"}:
            return value if value.strip() else None
    return value


def told(read: Any, schema: Schema) -> Any:
    """Return the value of a field in a form that can be compared with the expected one."""
    match schema:
        case {"$ref": reference}:
            return told(read, SCHEMA["$defs"][reference.rpartition("/")[2]])
        case {"anyOf": [option, {"type": "null"}]} if "$ref" in option:
            return told(read, option)
        case {"type": "object", "properties": properties} if read is not None:
            return {
                key: told(getattr(read, key), part) for key, part in properties.items()
            }
        case {"type": "array", "items": {"oneOf": options}} if read is not None:
            kinds = [SCHEMA["$defs"][o["$ref"].rpartition("/")[2]] for o in options]
            by_code = {kind["properties"]["code"]["const"]: kind for kind in kinds}
            return [told(item, by_code[item.code]) for item in read]
    return list(read) if isinstance(read, tuple) else read
