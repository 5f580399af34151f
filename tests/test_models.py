"""Models: valid and invalid values, required keys, derived properties."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, time
from itertools import product
from typing import Any

import pytest

from .documents import VEHICLE, vehicle_of
from .oracle import charging_state
from custom_components.podero.api import (
    Action,
    BoostState,
    ChargingSession,
    ChargingState,
    DeviceModel,
    InformationAction,
    InvalidResponseError,
    PriceZone,
    ReauthenticateAction,
    Status,
    Vehicle,
)
from custom_components.podero.api.models import Model

NO_TEXT = (5, 1.5, True, [], {})
NO_NUMBER = ("5", True, [], {}, float("nan"), 10**15)

GOOD = [
    ("battery_level", (0, 55.0, 100), (0, 55, 100)),
    ("driving_range", (0, 287), (0, 287)),
    ("charge_rate_w", (-5, 0, 11000), (-5, 0, 11000)),
    ("charge_time_remaining", (0, 31_622_400), (0, 31_622_400)),
    ("battery_at_plug_in", (0, 33.5), (0, 33.5)),
    ("battery_capacity_kwh", (77.4, "77.40", 0), (77.4, 77.4, 0)),
    ("optimization_score", (-0.5, 3), (-0.5, 3)),
    ("latitude", (-90, 90, 48.2), (-90, 90, 48.2)),
    ("longitude", (-180, 180), (-180, 180)),
    ("is_charging", (True, False), (True, False)),
    ("current_mode", (" mid ", "", "Ü\U0001f697"), (" mid ", None, "Ü\U0001f697")),
    ("boost_state", ("available", "requested"), (BoostState.AVAILABLE, BoostState.REQUESTED)),
    ("connection_status", ("ok", "unknown"), (Status.OK, Status.UNKNOWN)),
    ("price_zone", ("DE_LU",), (PriceZone.DE_LU,)),
    ("charge_deadline_at", ("06:00:00", "06:00"), (time(6), time(6))),
    ("created_at", ("2026-03-04T07:06:07.5+02:00",), (datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),)),
    ("inverter_forced_mode_since", ("0001-01-01T00:00:00Z",), (None,)),
    ("id", ("C0A8012E7B1D4C559F0E5D3F8A6B1C01",), ("c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01",)),
]  # fmt: skip

BAD = [
    ("battery_level", (*NO_NUMBER, -1, 101, 50.5)),
    ("minimum_charge_limit", (*NO_NUMBER, -1, 101, 50.5)),
    ("driving_range", (*NO_NUMBER, -1, 0.5)),
    ("charge_time_remaining", (*NO_NUMBER, -1, 0.5, 31_622_401)),
    ("charge_rate_w", (*NO_NUMBER, 0.5)),
    ("battery_at_plug_in", (*NO_NUMBER, -0.1, 100.1)),
    ("battery_capacity_kwh", (True, [], {}, "", "x", "-1", -1)),
    ("geo_fence_distance_m", (*NO_NUMBER, -1)),
    ("optimization_score", NO_NUMBER),
    ("latitude", (*NO_NUMBER, 90.01, -91)),
    ("longitude", (*NO_NUMBER, 180.01, -181)),
    ("is_charging", ("true", 0, 1, [], {})),
    ("current_mode", NO_TEXT),
    ("comment", NO_TEXT),
    ("boost_state", (*NO_TEXT, "", "AVAILABLE", "new word")),
    ("connection_status", (*NO_TEXT, "OK", "fine")),
    ("price_zone", (*NO_TEXT, "XX", "de_lu")),
    ("charge_deadline_at", (*NO_TEXT, "", "6:00", "24:00")),
    ("created_at", (*NO_TEXT, "", "2026-03-04", "2026-03-04T05:06:07")),
    ("id", (*NO_TEXT, "", "1")),
    ("owner", (5, "x", [], True)),
    ("device_model", (5, "x", [], True)),
    ("actions", (5, "x", {}, True)),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: the package does not import it."""


@pytest.mark.parametrize(("field", "values", "read"), GOOD, ids=lambda v: v if isinstance(v, str) else "")  # fmt: skip
def test_values(field: str, values: tuple[Any, ...], read: tuple[Any, ...]) -> None:
    """Values that the contract allows are converted."""
    for value, expected in zip(values, read, strict=True):
        vehicle = vehicle_of(**{field: value})
        assert getattr(vehicle, field) == expected, value
        assert not vehicle.invalid


@pytest.mark.parametrize(("field", "values"), BAD, ids=[field for field, _ in BAD])
def test_no_values(field: str, values: tuple[Any, ...]) -> None:
    """An invalid value invalidates its own field only."""
    for value in values:
        vehicle = vehicle_of(**{field: value}, has_notification=True)
        assert getattr(vehicle, field) is None, value
        assert vehicle.invalid == {field}, value
        assert vehicle.has_notification is True


@pytest.mark.parametrize("document", [None, [], [{}], "x", 5, 1.5, True])
def test_no_objects(document: object) -> None:
    """JSON that is not an object is not a vehicle."""
    with pytest.raises(InvalidResponseError):
        Vehicle.from_json(document)


def test_no_value_is_required() -> None:
    """All values of a vehicle may be missing or null."""
    names = list(Vehicle.readers())
    assert len(names) == 69
    for vehicle in (Vehicle(), Vehicle.from_json(dict.fromkeys(names)), vehicle_of()):
        assert not vehicle.invalid
        assert all(getattr(vehicle, name) is None for name in names)
        assert vehicle.charging_state is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"detail": "Not available"},
        {"error": {"code": "maintenance"}},
        {"status": "error", "message": "Try again later", "code": 17},
        {"id": "c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01", "battery_level": 40},
        {"data": {"owner": {}, "updated_at": "2026-03-04T05:06:07Z"}},
    ],
)
def test_no_vehicles(document: dict[str, Any]) -> None:
    """An object with none of the keys that the contract requires is not a vehicle."""
    with pytest.raises(InvalidResponseError):
        Vehicle.from_json(document)


@pytest.mark.parametrize("key", VEHICLE["required"])
def test_one_required_key_is_enough(key: str) -> None:
    """An object with one of the required keys is a vehicle."""
    assert Vehicle.from_json({key: None, "battery_level": 40}).battery_level == 40


def test_nested_values() -> None:
    """An invalid nested value invalidates itself only, and is named with a dot."""
    vehicle = Vehicle.from_json(
        {
            "device_model": {
                "manufacturer": "Volkswagen",
                "model": 5,
                "year": 20230,
                "device_type": {"short_name": [], "long_name": "Electric vehicle"},
            },
            "owner": {"id": "x"},
            "actions": [{"code": "information", "sent_at": "yesterday"}, 5, None],
        }
    )
    assert vehicle.device_model is not None
    assert vehicle.device_model.manufacturer == "Volkswagen"
    assert vehicle.device_model.name == "Volkswagen"
    assert vehicle.device_model.device_type is not None
    assert vehicle.device_model.device_type.long_name == "Electric vehicle"
    assert vehicle.invalid >= {
        *("device_model.model", "device_model.year", "owner.id", "actions.sent_at"),
        "actions",
    }
    assert vehicle.actions is not None
    assert len(vehicle.actions) == 1


def test_unrecognized_keys_show_their_type_only() -> None:
    """The values of unknown keys are not kept."""
    vehicle = vehicle_of(news="secret", more=[1], none=None)
    assert vehicle.unrecognized == {"news": "str", "more": "list", "none": "NoneType"}
    assert not vehicle.invalid


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("reauthenticate", ReauthenticateAction),
        ("information", InformationAction),
        *((unknown, Action) for unknown in ("consent", "", None, 5, [], {})),
    ],
)
def test_kinds_of_actions(code: Any, kind: type[Action]) -> None:
    """An action with an unknown code is an Action."""
    link = {"url": "/x", "required_parameters": ["successUrl"]}
    vehicle = vehicle_of(actions=[{"code": code, "resolution_link": link}])
    assert vehicle.actions is not None
    (action,) = vehicle.actions
    assert type(action) is kind
    assert action.resolution_link is not None
    assert action.resolution_link.url == "/x"
    assert action.resolution_link.required_parameters == ("successUrl",)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [({"message": "Hello"}, "Hello"), ({"message": 5}, None), ({}, None), (7, None)],
)
def test_messages(metadata: Any, message: str | None) -> None:
    """A message that is not a string is None."""
    action = InformationAction.from_json({"metadata": metadata})
    assert action.message == message


@pytest.mark.parametrize("parameters", ["successUrl", 5, {}, ["x", 5], [None], [["x"]]])
def test_no_parameters(parameters: Any) -> None:
    """Parameters that are not a list of strings are invalid."""
    document = {"code": "x", "resolution_link": {"required_parameters": parameters}}
    action = Action.from_json(document)
    assert action.resolution_link is not None
    assert action.resolution_link.required_parameters is None
    assert action.invalid == {"resolution_link.required_parameters"}


@pytest.mark.parametrize(
    ("model", "name", "with_year"),
    [
        (DeviceModel(manufacturer="VW", model="ID.4", year=2023), "VW ID.4", "ID.4 (2023)"),
        (DeviceModel(manufacturer="VW", model="ID.4"), "VW ID.4", "ID.4"),
        (DeviceModel(model="ID.4", year=2023), "ID.4", "ID.4 (2023)"),
        (DeviceModel(manufacturer="VW", year=2023), "VW", None),
        (DeviceModel(manufacturer="VW\n\x1b[31m ERROR", model=" \u2028ID.4"), "VW [31m ERROR ID.4", " \u2028ID.4"),
        (DeviceModel(), None, None),
    ],
)  # fmt: skip
def test_names(model: DeviceModel, name: str | None, with_year: str | None) -> None:
    """The name consists of what is known."""
    assert (model.name, model.model_with_year) == (name, with_year)


FLAGS = ("is_charging", "is_plugged_in", "is_fully_charged", "is_pause_power_active")


def test_charging_state() -> None:
    """The first matching rule decides, for every combination of values."""
    seen = set()
    for *flags, boost in product(*[(None, False, True)] * 4, (None, "requested", "ongoing")):  # fmt: skip
        document = dict(zip(FLAGS, flags, strict=True)) | {"boost_state": boost}
        state = vehicle_of(**document).charging_state
        assert state == charging_state(document), document
        seen.add(state)
    assert seen == {None, *ChargingState}


def test_frozen_and_silent() -> None:
    """Models are immutable, and their repr contains no value."""
    vehicle = Vehicle.from_json(
        {
            "comment": "secret",
            "owner": {"email": "secret"},
            "device_model": {"model": "secret", "device_type": {"long_name": "secret"}},
            "actions": [
                {"code": "information", "metadata": {"message": "secret"},
                 "resolution_link": {"url": "secret"}},
                {"code": "secret"},
            ],
        }
    )  # fmt: skip
    with pytest.raises(FrozenInstanceError):
        vehicle.comment = "other"  # type: ignore[misc]
    assert vehicle.actions is not None
    parts = (vehicle, vehicle.owner, vehicle.device_model, *vehicle.actions)
    assert "secret" not in "".join(f"{part!r}{part}" for part in parts)


def test_fields_are_in_the_order_of_their_readers() -> None:
    """Models are built from positional values."""
    kinds = [*Model.__subclasses__(), *Action.__subclasses__()]
    assert {Vehicle, ChargingSession, InformationAction} <= {*kinds}
    for kind in kinds:
        assert [field.name for field in fields(kind)] == [
            *("invalid", "unrecognized"),
            *kind.readers(),
        ]
