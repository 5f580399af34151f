"""Frozen dataclasses of what the Partner API returns, tolerant of invalid JSON values.

A value of the wrong type, range or format costs its own field only: the field is None
and its name is in `invalid`. Source: the contract's schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, time
from enum import StrEnum
from functools import cache
import math
from typing import Any, Self, override

from .errors import InvalidResponseError
from .readers import (
    Reader,
    amount,
    between,
    boolean,
    clock_time,
    duration,
    energy,
    integer,
    json_object,
    number,
    percentage,
    text,
    texts,
    timestamp,
    uuid,
)

MAX_ACTIONS = 50
"""Limits the repair issues that one response can create."""

REQUIRED_KEYS = frozenset(
    {
        "connection_status",
        "created_at",
        "device_model",
        "monitoring_status",
        "owner",
        "steering_status",
        "updated_at",
    }
)
"""The keys that the contract requires of a vehicle."""


class Status(StrEnum):
    """The health of a part of the connection."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class BoostState(StrEnum):
    """The state of "charge now"."""

    AVAILABLE = "available"
    REQUESTED = "requested"
    UNAVAILABLE = "unavailable"
    ONGOING = "ongoing"


class PriceZone(StrEnum):
    """The market area whose prices are used for charging."""

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
    """The state of charging, with the values that evcc understands."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    STARTING = "starting"
    CHARGING = "charging"
    PAUSED = "paused"
    COMPLETE = "complete"


type JsonObject = Mapping[str, Any]


def to_json(value: Any) -> Any:
    """Convert a value to JSON: times are in ISO format."""
    return value.isoformat() if isinstance(value, datetime | time) else value


def read_by[T](reader: Reader[T]) -> T | None:
    """Declare a field that a reader converts from the JSON value of the same name."""
    return field(default=None, metadata={"reader": reader})


@dataclass(frozen=True, repr=False)
class Model:
    """A JSON object of which any part may be missing or invalid.

    Models have no generated repr, as it could log personal or secret values.
    """

    invalid: frozenset[str] = frozenset()
    """Names of the fields with an invalid value; nested ones with a dot."""

    unrecognized: Mapping[str, str] = field(default_factory=dict)
    """Type names of the keys that the model does not have."""

    @classmethod
    @cache
    def readers(cls) -> Mapping[str, Reader[Any]]:
        """Return the readers by the names of their fields."""
        return {
            item.name: item.metadata["reader"]
            for item in fields(cls)
            if "reader" in item.metadata
        }

    @classmethod
    def from_json(
        cls, document: object, last: tuple[JsonObject, Self] | None = None
    ) -> Self:
        """Convert a decoded JSON object. Raises InvalidResponseError for anything else.

        With the last document and the model made of it, only what differs is converted.
        """
        if not isinstance(document, dict):
            raise InvalidResponseError("The JSON is not an object")
        cls._validate(document)
        readers = cls.readers()
        differing: JsonObject = document
        values: dict[str, Any] = {}
        unrecognized: dict[str, str] = {}
        if last is not None:
            last_document, last_model = last
            if not last_model.invalid and last_document.keys() == document.keys():
                differing = _differing(document, last_document)
                values |= vars(last_model)
                unrecognized |= last_model.unrecognized
        invalid: set[str] = set()
        for name, value in differing.items():
            if (read := readers.get(name)) is None:
                unrecognized[name] = type(value).__name__
                continue
            part = None
            try:
                if value is not None:
                    part = read(value)
            except ValueError, InvalidResponseError:
                invalid.add(name)
            values[name] = part
            if isinstance(part, Model | tuple):
                invalid |= _invalid_within(name, value, part)
        # In the order of the fields: as keywords they take three times as long.
        return cls(frozenset(invalid), unrecognized, *map(values.get, readers))

    @classmethod
    def _validate(cls, document: JsonObject) -> None:
        """Raise InvalidResponseError for an object that is something else."""


def _differing(document: JsonObject, last: JsonObject) -> JsonObject:
    """Return the members whose JSON value is not the same as in the last document."""
    return {
        name: value
        for name, value in document.items()
        if value is not (before := last[name])
        and (
            value != before
            # Different types can be equal: in Python 1 == True, at any depth.
            or type(value) is not type(before)
            or (isinstance(value, dict | list) and repr(value) != repr(before))
        )
    }


def _invalid_within(name: str, json: Any, value: Model | tuple[Any, ...]) -> set[str]:
    """Return the names of invalid parts of a field, prefixed with the field's name."""
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


@dataclass(frozen=True, repr=False)
class DeviceType(Model):
    """The type of a device."""

    short_name: str | None = read_by(text)
    long_name: str | None = read_by(text)


@dataclass(frozen=True, repr=False)
class DeviceModel(Model):
    """The manufacturer and model of a device."""

    device_type: DeviceType | None = read_by(DeviceType.from_json)
    manufacturer: str | None = read_by(text)
    model: str | None = read_by(text)
    year: int | None = read_by(between(integer, 1900, 9999))
    cloud_service: str | None = read_by(uuid)
    cloud_service_instructions: str | None = read_by(text)
    cloud_service_signup_link: str | None = read_by(text)

    @property
    def name(self) -> str | None:
        """Return a display name such as "Volkswagen ID.4"."""
        name = " ".join(filter(None, (self.manufacturer, self.model)))
        # It is logged: keep it on one line.
        return "".join(filter(str.isprintable, " ".join(name.split()))) or None

    @property
    def model_with_year(self) -> str | None:
        """Return the model with its year, if known."""
        if self.model is None or self.year is None:
            return self.model
        return f"{self.model} ({self.year})"


@dataclass(frozen=True, repr=False)
class User(Model):
    """The owner of a vehicle, or a user of an organization (guide). Personal data."""

    id: str | None = read_by(uuid)
    email: str | None = read_by(text)
    first_name: str | None = read_by(text)
    last_name: str | None = read_by(text)
    external_id: str | None = read_by(text)
    num_electric_vehicles: int | None = read_by(amount)

    @property
    def name(self) -> str | None:
        """Return a display name such as "Robin Resident (robin@example.org)"."""
        name = " ".join(filter(None, (self.first_name, self.last_name)))
        if name and self.email:
            return f"{name} ({self.email})"
        return name or self.email


@dataclass(frozen=True, repr=False)
class Onboarding(Model):
    """The connection of a new device (guide). The URL contains a secret."""

    id: str | None = read_by(text)
    authentication_url: str | None = read_by(text)
    expiration_date: datetime | None = read_by(timestamp)
    object_id: str | None = read_by(uuid)
    """The id of the device once it is connected."""


@dataclass(frozen=True, repr=False)
class ResolutionLink(Model):
    """The link that starts an action. The URL contains a secret valid for an hour."""

    url: str | None = read_by(text)
    required_parameters: tuple[str, ...] | None = read_by(texts)


@dataclass(frozen=True, repr=False)
class Action(Model):
    """A request to the user; of this class itself if its code is unknown."""

    code: str | None = read_by(text)
    resolution_link: ResolutionLink | None = read_by(ResolutionLink.from_json)


class ReauthenticateAction(Action):
    """The user has to sign in to the car maker again."""


@dataclass(frozen=True, repr=False)
class InformationAction(Action):
    """A message to the user; resolving it marks it as read."""

    metadata: dict[str, Any] | None = read_by(json_object)
    sent_at: datetime | None = read_by(timestamp)

    @property
    def message(self) -> str | None:
        """Return the text of the message."""
        message = (self.metadata or {}).get("message")
        return message if isinstance(message, str) else None


def _actions(value: Any) -> tuple[Action, ...]:
    """Read a list of actions, up to MAX_ACTIONS, without items that are not objects."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    kinds: dict[str, type[Action]] = {
        "reauthenticate": ReauthenticateAction,
        "information": InformationAction,
    }
    return tuple(
        kinds.get(str(action.get("code")), Action).from_json(action)
        for action in value[:MAX_ACTIONS]
        if isinstance(action, dict)
    )


@dataclass(frozen=True, repr=False)
class Vehicle(Model):
    """An electric vehicle, `ElectricVehicleDetailOutput` of the contract.

    Levels are in percent, powers in W, energies in kWh, the range in km, durations in
    seconds, the geofence in m; timestamps are aware, in UTC, without microseconds.
    """

    id: str | None = read_by(uuid)
    external_device_id: str | None = read_by(text)
    device_model: DeviceModel | None = read_by(DeviceModel.from_json)
    owner: User | None = read_by(User.from_json)
    created_at: datetime | None = read_by(timestamp)
    updated_at: datetime | None = read_by(timestamp)
    deleted_at: datetime | None = read_by(timestamp)

    battery_level: int | None = read_by(percentage)
    battery_capacity_kwh: float | None = read_by(energy)
    battery_at_plug_in: float | None = read_by(between(number, 0, 100))
    driving_range: int | None = read_by(amount)
    is_plugged_in: bool | None = read_by(boolean)
    is_charging: bool | None = read_by(boolean)
    is_fully_charged: bool | None = read_by(boolean)
    charge_rate_w: int | None = read_by(integer)
    charge_time_remaining: int | None = read_by(duration)
    expected_max_charge_power: int | None = read_by(integer)
    current_state_last_updated_at: datetime | None = read_by(timestamp)
    charge_state_last_updated_at: datetime | None = read_by(timestamp)
    last_monitoring_executed_at: datetime | None = read_by(timestamp)

    is_smart_optimization_active: bool | None = read_by(boolean)
    optimization_score: float | None = read_by(number)
    is_charge_policy_enabled: bool | None = read_by(boolean)
    minimum_charge_limit: int | None = read_by(percentage)
    charge_deadline_at: time | None = read_by(clock_time)
    is_over_charge_allowed: bool | None = read_by(boolean)
    charge_policy_last_updated_at: datetime | None = read_by(timestamp)
    charge_target_min: int | None = read_by(percentage)
    charge_target_max: int | None = read_by(percentage)
    is_pause_power_active: bool | None = read_by(boolean)
    pause_power_until: datetime | None = read_by(timestamp)
    current_mode: str | None = read_by(text)
    comment: str | None = read_by(text)

    boost_state: BoostState | None = read_by(BoostState)
    boost_feature_enabled: bool | None = read_by(boolean)
    boost_for_next_session: bool | None = read_by(boolean)
    last_boost_triggered_at: datetime | None = read_by(timestamp)
    last_boost_ended_at: datetime | None = read_by(timestamp)
    last_boost_end_reason: str | None = read_by(text)

    consumption_last_day_kwh: float | None = read_by(energy)
    consumption_last_week_kwh: float | None = read_by(energy)
    consumption_last_month_kwh: float | None = read_by(energy)
    consumption_last_updated_at: datetime | None = read_by(timestamp)

    latitude: float | None = read_by(between(number, -90, 90))
    longitude: float | None = read_by(between(number, -180, 180))
    coordinates_last_updated_at: datetime | None = read_by(timestamp)
    geo_fence_distance_m: float | None = read_by(between(number, 0, math.inf))

    connection_status: Status | None = read_by(Status)
    monitoring_status: Status | None = read_by(Status)
    steering_status: Status | None = read_by(Status)
    is_authenticated: bool | None = read_by(boolean)
    lifecycle_state: str | None = read_by(text)
    lifecycle_error: str | None = read_by(text)
    actual_steering_state: str | None = read_by(text)
    price_zone: PriceZone | None = read_by(PriceZone)
    is_trading_enabled: bool | None = read_by(boolean)

    is_inverter_forced_mode_enabled: bool | None = read_by(boolean)
    is_inverter_forced_mode_active: bool | None = read_by(boolean)
    inverter_forced_mode_since: datetime | None = read_by(timestamp)
    minimum_solar_coverage: float | None = read_by(number)
    hems_min_export_to_start_w: int | None = read_by(integer)
    hems_max_import_before_stopping_w: int | None = read_by(integer)
    hems_min_production_to_start_w: int | None = read_by(integer)
    hems_min_production_before_stopping_w: int | None = read_by(integer)

    action_needed: bool | None = read_by(boolean)
    has_notification: bool | None = read_by(boolean)
    actions: tuple[Action, ...] | None = read_by(_actions)
    embeddable_url: str | None = read_by(text)
    authorization_url: str | None = read_by(text)

    @classmethod
    @override
    def _validate(cls, document: JsonObject) -> None:
        """Refuse an object with none of the keys that the contract requires, for example an error."""
        if REQUIRED_KEYS.isdisjoint(document):
            raise InvalidResponseError("The object is not a vehicle")

    @property
    def are_actions_known(self) -> bool:
        """Return whether `actions` is the complete list."""
        if self.actions is None:
            return self.action_needed is False
        return "actions" not in self.invalid

    @property
    def charging_state(self) -> ChargingState | None:
        """Return the state of charging, or None if it is unknown."""
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
