"""What the Partner API says of a vehicle: frozen, typed, whatever the JSON holds.

A value of the wrong type, range or format costs its own field only: the field is None
and its name stands in `invalid`. Source: the contract's schema.
"""

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, time
from enum import StrEnum
from functools import lru_cache
import math
import re
from typing import Any, ClassVar, Self, cast, override
from uuid import UUID

from .errors import InvalidResponseError

# Larger numbers are no measurement of a car.
_LIMIT = 10**15
# More are not asked of anybody; each becomes an issue of Home Assistant's.
_MAX_ACTIONS = 50

# Python's own readers take much else.
_HOUR_AND_MINUTE = r"(?!24)\d\d:\d\d"
_ZONE = r"([Zz]|[+-]\d\d:\d\d)"
_TIME = rf"(?a){_HOUR_AND_MINUTE}(:\d\d(\.\d+)?)?{_ZONE}?"
# Compiled, as the only one that is needed at each poll.
_TIMESTAMP = re.compile(
    rf"(?a)\d{{4}}-\d\d-\d\d[Tt ]{_HOUR_AND_MINUTE}:\d\d(\.\d+)?{_ZONE}"
)
_DECIMAL = r"(?a)\s*[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?\s*"
_UUID = r"(?ai)(urn:uuid:)?\{?[\da-f]{8}(-?)([\da-f]{4}\2){3}[\da-f]{12}\}?"


class Status(StrEnum):
    """How well a link of the chain works."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class BoostState(StrEnum):
    """What "charge now" is at: offered, starting, not possible, or running."""

    AVAILABLE = "available"
    REQUESTED = "requested"
    UNAVAILABLE = "unavailable"
    ONGOING = "ongoing"


class PriceZone(StrEnum):
    """The market area whose prices steer the charging."""

    AT = "AT"
    AT_HOURLY = "AT_HOURLY"
    BE = "BE"
    CH = "CH"
    EE = "EE"
    DE_LU = "DE_LU"
    HU = "HU"
    IT_CNOR = "IT_CNOR"
    IT_CSUD = "IT_CSUD"
    IT_NORD = "IT_NORD"
    IT_PUN = "IT_PUN"
    IT_SARD = "IT_SARD"
    IT_SICI = "IT_SICI"
    IT_SUD = "IT_SUD"
    PT = "PT"
    RO = "RO"
    SE_1 = "SE_1"
    SE_2 = "SE_2"
    SE_3 = "SE_3"
    SE_4 = "SE_4"
    UK = "UK"


class ChargingState(StrEnum):
    """What the car does at the plug, in the words that evcc reads."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    STARTING = "starting"
    CHARGING = "charging"
    PAUSED = "paused"
    COMPLETE = "complete"


# Readers: a JSON value other than null becomes a field's value, or raises ValueError.
# None from a reader means that the value says "none".


def _matching(pattern: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError("of another form")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")
    if not -_LIMIT < value < _LIMIT:
        raise ValueError("out of range")
    # Nothing has no sign.
    return value or abs(value)


def _integer(value: Any) -> int:
    if type(value) is int and -_LIMIT < value < _LIMIT:
        return value
    number = _number(value)
    if number != int(number):
        raise ValueError("not whole")
    return int(number)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value if value.strip() else None


def _degrees(value: Any) -> float:
    return float(_number(value))


def _decimal(value: Any) -> float:
    """Read a number, or its decimal text."""
    if isinstance(value, str):
        value = float(_matching(_DECIMAL, value))
    return _number(value)


def _timestamp(value: Any) -> datetime | None:
    """Read a moment as UTC, to the second. Year 1 is how the service says "never"."""
    if not isinstance(value, str):
        raise ValueError("not a timestamp")
    return _moment(value)


# One report stamps many fields with the same moment.
@lru_cache(maxsize=16)
def _moment(text: str) -> datetime | None:
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a timestamp")
    if text[17:19] == "60":
        # A leap second: Python has none.
        text = f"{text[:17]}59{text[19:]}"
    moment = datetime.fromisoformat(text.upper())
    if moment.year == 1:
        return None
    try:
        # Home Assistant shows no more: two reports within a second show the same.
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("out of range") from None
    return None if moment.year == 1 else moment


def _clock_time(value: Any) -> time:
    """Read a wall-clock time; a zone, which the contract does not have, is ignored."""
    return time.fromisoformat(_matching(_TIME, value).upper()).replace(tzinfo=None)


def _uuid(value: Any) -> str:
    """Read a UUID in its canonical form."""
    return str(UUID(_matching(_UUID, value)))


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("not a list of texts")
    return tuple(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _between[T: float](
    read: Callable[[Any], T], low: float, high: float
) -> Callable[[Any], T]:
    def bounded(value: Any) -> T:
        number = read(value)
        if not low <= number <= high:
            raise ValueError("out of range")
        return number

    return bounded


_percentage = _between(_integer, 0, 100)
_amount = _between(_integer, 0, math.inf)
_duration = _between(_integer, 0, 366 * 24 * 3600)
_energy = _between(_decimal, 0, math.inf)


class _Field:
    """Stand in the class for a field of its objects."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read


def _read_by[T](read: Callable[[Any], T | None]) -> T | None:
    """Declare a field that is None unless a reader makes a value of its JSON."""
    return cast(T | None, _Field(read))


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names of the values that are another than before.

    True, 1 and 1.0 are equal, and not the same. Raises KeyError for a new name.
    """
    return [
        name
        for name, new in now.items()
        if (old := before[name]) is not new
        and (old != new or type(old) is not type(new))
    ]


def _invalid_within(name: str, json: Any, value: Model | tuple[Any, ...]) -> set[str]:
    """Return what is invalid in what a field holds, with the field's name before it."""
    parts = value if isinstance(value, tuple) else (value,)
    invalid = {
        f"{name}.{nested}"
        for part in parts
        if isinstance(part, Model)
        for nested in part.invalid
    }
    if isinstance(json, list) and len(parts) < len(json):
        invalid.add(name)
    return invalid


# No dataclass: what it would generate for each takes long to import. And no model has a
# repr: what is personal or secret cannot slip into a log with it.
class Model:
    """A JSON object, of which any part may be missing or wrong."""

    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """What makes a value of the JSON of each field, or raises ValueError."""

    invalid: frozenset[str]
    """Names of the fields whose value could not be used; nested ones with a dot."""

    unrecognized: Mapping[str, str]
    """The JSON type of each key that the schema does not have."""

    @override
    def __init_subclass__(cls) -> None:
        """Take the fields that the class declares."""
        declared = {
            name: field.read
            for name, field in vars(cls).items()
            if isinstance(field, _Field)
        }
        for name in declared:
            delattr(cls, name)
        cls.readers = {**cls.readers, **declared}

    def __init__(self, **values: Any) -> None:
        """Know the values of some fields only."""
        blank: dict[str, Any] = {
            **dict.fromkeys(self.readers),
            "invalid": frozenset(),
            "unrecognized": {},
        }
        if unknown := values.keys() - blank.keys():
            raise TypeError(f"There is no field {min(unknown)}")
        object.__setattr__(self, "__dict__", blank | values)

    def __replace__(self, **values: Any) -> Self:
        """Return the same with other values of some fields."""
        return type(self)(**vars(self) | values)

    @override
    def __eq__(self, other: object) -> bool:
        """Tell whether all fields have the same values."""
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    @override
    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a model does not change."""
        raise FrozenInstanceError(f"cannot assign to {name}")

    @override
    def __delattr__(self, name: str) -> None:
        """Refuse: a model does not change."""
        raise FrozenInstanceError(f"cannot delete {name}")

    @classmethod
    def from_json(
        cls, document: object, last: tuple[dict[str, Any], Self] | None = None
    ) -> Self:
        """Read a decoded JSON object. Raises InvalidResponseError for anything else.

        `last` is what was read before, and from what: only what differs is read anew.
        """
        if not isinstance(document, dict):
            raise InvalidResponseError("The answer is not an object")
        if last is not None and document.keys() == last[0].keys():
            model = last[1]
            news = {name: document[name] for name in differences(last[0], document)}
            if not news:
                return model
            values = vars(model).copy()
            invalid = model.invalid and frozenset(
                name for name in model.invalid if name.partition(".")[0] not in news
            )
            unrecognized = {**model.unrecognized}
        else:
            news = document
            values = dict.fromkeys(cls.readers)
            invalid = frozenset[str]()
            unrecognized = {}
        readers = cls.readers
        for name, value in news.items():
            if (read := readers.get(name)) is None:
                unrecognized[name] = type(value).__name__
            elif value is None:
                values[name] = None
            else:
                try:
                    values[name] = part = read(value)
                except ValueError, InvalidResponseError:
                    values[name] = None
                    invalid |= {name}
                else:
                    if isinstance(part, (Model, tuple)):
                        invalid |= _invalid_within(name, value, part)
        values["invalid"] = invalid
        values["unrecognized"] = unrecognized
        model = cls.__new__(cls)
        # All fields at once, past the refusal.
        object.__setattr__(model, "__dict__", values)
        return model


class DeviceType(Model):
    """The kind of a device."""

    short_name: str | None = _read_by(_text)
    long_name: str | None = _read_by(_text)


class DeviceModel(Model):
    """Maker and model of a device."""

    device_type: DeviceType | None = _read_by(DeviceType.from_json)
    manufacturer: str | None = _read_by(_text)
    model: str | None = _read_by(_text)
    year: int | None = _read_by(_between(_integer, 1900, 9999))
    cloud_service: str | None = _read_by(_uuid)
    cloud_service_instructions: str | None = _read_by(_text)
    cloud_service_signup_link: str | None = _read_by(_text)

    @property
    def name(self) -> str | None:
        """Return what people call it, as in "Volkswagen ID.4 (2023)"."""
        year = f"({self.year})" if self.year else None
        name = " ".join(filter(None, (self.manufacturer, self.model, year)))
        # It gets into logs, which have one line for each message.
        return "".join(filter(str.isprintable, " ".join(name.split()))) or None

    @property
    def model_with_year(self) -> str | None:
        """Return the model with its year, as far as they are known."""
        if self.model is None or self.year is None:
            return self.model
        return f"{self.model} ({self.year})"


class Owner(Model):
    """Whose the vehicle is. Personal."""

    id: str | None = _read_by(_uuid)
    email: str | None = _read_by(_text)
    first_name: str | None = _read_by(_text)
    last_name: str | None = _read_by(_text)
    external_id: str | None = _read_by(_text)


class ResolutionLink(Model):
    """How an action is started. The address carries a secret that lasts an hour."""

    url: str | None = _read_by(_text)
    required_parameters: tuple[str, ...] | None = _read_by(_texts)


class Action(Model):
    """Something that the user is asked to do. Of this class itself: an unknown kind."""

    code: str | None = _read_by(_text)
    resolution_link: ResolutionLink | None = _read_by(ResolutionLink.from_json)


class ReauthenticateAction(Action):
    """The link to the car maker has lapsed: the user must sign in there again."""


class InformationAction(Action):
    """A message to the user; resolving it marks it as read."""

    metadata: dict[str, Any] | None = _read_by(_object)
    sent_at: datetime | None = _read_by(_timestamp)

    @property
    def message(self) -> str | None:
        """Return the text for the user."""
        message = (self.metadata or {}).get("message")
        return message if isinstance(message, str) else None


def _actions(value: Any) -> tuple[Action, ...]:
    """Read the list of actions; one that is no object is left out, as is one too many."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    kinds: dict[str, type[Action]] = {
        "reauthenticate": ReauthenticateAction,
        "information": InformationAction,
    }
    return tuple(
        kinds.get(str(action.get("code")), Action).from_json(action)
        for action in value[:_MAX_ACTIONS]
        if isinstance(action, dict)
    )


class Vehicle(Model):
    """An electric vehicle, `ElectricVehicleDetailOutput` of the contract.

    Levels are in percent, powers in W, energies in kWh, the range in km, durations in
    seconds, the fence in m; moments are aware, in UTC, and to the second.
    """

    id: str | None = _read_by(_uuid)
    external_device_id: str | None = _read_by(_text)
    device_model: DeviceModel | None = _read_by(DeviceModel.from_json)
    owner: Owner | None = _read_by(Owner.from_json)
    created_at: datetime | None = _read_by(_timestamp)
    updated_at: datetime | None = _read_by(_timestamp)
    deleted_at: datetime | None = _read_by(_timestamp)

    battery_level: int | None = _read_by(_percentage)
    battery_capacity_kwh: float | None = _read_by(_energy)
    battery_at_plug_in: float | None = _read_by(_between(_number, 0, 100))
    driving_range: int | None = _read_by(_amount)
    is_plugged_in: bool | None = _read_by(_boolean)
    is_charging: bool | None = _read_by(_boolean)
    is_fully_charged: bool | None = _read_by(_boolean)
    charge_rate_w: int | None = _read_by(_integer)
    charge_time_remaining: int | None = _read_by(_duration)
    expected_max_charge_power: int | None = _read_by(_integer)
    current_state_last_updated_at: datetime | None = _read_by(_timestamp)
    charge_state_last_updated_at: datetime | None = _read_by(_timestamp)
    last_monitoring_executed_at: datetime | None = _read_by(_timestamp)

    is_smart_optimization_active: bool | None = _read_by(_boolean)
    optimization_score: float | None = _read_by(_number)
    is_charge_policy_enabled: bool | None = _read_by(_boolean)
    minimum_charge_limit: int | None = _read_by(_percentage)
    charge_deadline_at: time | None = _read_by(_clock_time)
    is_over_charge_allowed: bool | None = _read_by(_boolean)
    charge_policy_last_updated_at: datetime | None = _read_by(_timestamp)
    charge_target_min: int | None = _read_by(_percentage)
    charge_target_max: int | None = _read_by(_percentage)
    is_pause_power_active: bool | None = _read_by(_boolean)
    pause_power_until: datetime | None = _read_by(_timestamp)
    current_mode: str | None = _read_by(_text)
    comment: str | None = _read_by(_text)

    boost_state: BoostState | None = _read_by(BoostState)
    boost_feature_enabled: bool | None = _read_by(_boolean)
    boost_for_next_session: bool | None = _read_by(_boolean)
    last_boost_triggered_at: datetime | None = _read_by(_timestamp)
    last_boost_ended_at: datetime | None = _read_by(_timestamp)
    last_boost_end_reason: str | None = _read_by(_text)

    consumption_last_day_kwh: float | None = _read_by(_energy)
    consumption_last_week_kwh: float | None = _read_by(_energy)
    consumption_last_month_kwh: float | None = _read_by(_energy)
    consumption_last_updated_at: datetime | None = _read_by(_timestamp)

    latitude: float | None = _read_by(_between(_degrees, -90, 90))
    longitude: float | None = _read_by(_between(_degrees, -180, 180))
    coordinates_last_updated_at: datetime | None = _read_by(_timestamp)
    geo_fence_distance_m: float | None = _read_by(_between(_number, 0, math.inf))

    connection_status: Status | None = _read_by(Status)
    monitoring_status: Status | None = _read_by(Status)
    steering_status: Status | None = _read_by(Status)
    is_authenticated: bool | None = _read_by(_boolean)
    lifecycle_state: str | None = _read_by(_text)
    lifecycle_error: str | None = _read_by(_text)
    actual_steering_state: str | None = _read_by(_text)
    price_zone: PriceZone | None = _read_by(PriceZone)
    is_trading_enabled: bool | None = _read_by(_boolean)

    is_inverter_forced_mode_enabled: bool | None = _read_by(_boolean)
    is_inverter_forced_mode_active: bool | None = _read_by(_boolean)
    inverter_forced_mode_since: datetime | None = _read_by(_timestamp)
    minimum_solar_coverage: float | None = _read_by(_number)
    hems_min_export_to_start_w: int | None = _read_by(_integer)
    hems_max_import_before_stopping_w: int | None = _read_by(_integer)
    hems_min_production_to_start_w: int | None = _read_by(_integer)
    hems_min_production_before_stopping_w: int | None = _read_by(_integer)

    action_needed: bool | None = _read_by(_boolean)
    has_notification: bool | None = _read_by(_boolean)
    actions: tuple[Action, ...] | None = _read_by(_actions)
    embeddable_url: str | None = _read_by(_text)
    authorization_url: str | None = _read_by(_text)

    @property
    def are_actions_known(self) -> bool:
        """Tell whether nothing is asked of the user but what `actions` holds."""
        if self.actions is None:
            return self.action_needed is False
        return "actions" not in self.invalid

    @property
    def charging_state(self) -> ChargingState | None:
        """Return what the car does at the plug; None where that is not known."""
        if self.is_charging:
            return ChargingState.CHARGING
        if self.is_plugged_in is None:
            return None
        if not self.is_plugged_in:
            return ChargingState.DISCONNECTED
        if self.is_fully_charged:
            return ChargingState.COMPLETE
        if self.boost_state is BoostState.REQUESTED:
            return ChargingState.STARTING
        if self.is_pause_power_active:
            return ChargingState.PAUSED
        return ChargingState.CONNECTED
