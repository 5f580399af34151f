"""Every property of the contract has its entity, or is excluded on purpose."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from homeassistant.const import STATE_UNKNOWN, EntityCategory
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations

from .home import Home
from custom_components.podero.const import DOMAIN
import simulator as simulator_package
from simulator import ABSENT

DIAGNOSTIC = EntityCategory.DIAGNOSTIC
ON, OFF = True, False
MOMENT = "2026-03-04T05:06:07.890000Z"
MOMENT_STATE = "2026-03-04T05:06:07+00:00"


class Place(NamedTuple):
    """The entity of a property, and the state for a value."""

    source: str
    platform: str
    key: str
    device_class: str | None
    unit: str | None
    state_class: str | None
    category: EntityCategory | None
    enabled: bool
    value: Any
    state: str


def _timestamp(source: str, key: str | None = None, enabled: bool = OFF) -> Place:
    return Place(
        source, "sensor", key or source, "timestamp", None, None, DIAGNOSTIC, enabled,
        MOMENT, MOMENT_STATE,
    )  # fmt: skip


def _watts(source: str) -> Place:
    return Place(
        source, "sensor", source, "power", "W", None, DIAGNOSTIC, OFF, 2345, "2345"
    )


def _flag(source: str) -> Place:
    return Place(
        source, "binary_sensor", source, None, None, None, DIAGNOSTIC, OFF, True, "on"
    )


# fmt: off
PLACES = [
    Place("battery_level", "sensor", "battery_level", "battery", "%", "measurement", None, ON, 55, "55"),
    Place("driving_range", "sensor", "driving_range", "distance", "km", "measurement", None, ON, 287, "287"),
    Place("charge_rate_w", "sensor", "charging_power", "power", "kW", "measurement", None, ON, 10500, "10.5"),
    Place("charge_time_remaining", "sensor", "charge_time_remaining", "duration", "min", None, None, OFF, 5400, "90.0"),
    Place("consumption_last_day_kwh", "sensor", "consumption_last_day", "energy", "kWh", None, None, OFF, "12.50", "12.5"),
    Place("consumption_last_week_kwh", "sensor", "consumption_last_week", "energy", "kWh", None, None, OFF, 80.25, "80.25"),
    Place("consumption_last_month_kwh", "sensor", "consumption_last_month", "energy", "kWh", None, None, ON, "310", "310.0"),
    Place("boost_state", "sensor", "boost_state", "enum", None, None, None, OFF, "ongoing", "ongoing"),
    Place("optimization_score", "sensor", "optimization_score", None, None, "measurement", None, OFF, 0.75, "0.75"),
    Place("current_mode", "sensor", "current_mode", None, None, None, None, OFF, "mid", "mid"),
    Place("is_plugged_in", "binary_sensor", "plugged_in", "plug", None, None, None, ON, True, "on"),
    Place("is_charging", "binary_sensor", "charging", "battery_charging", None, None, None, ON, True, "on"),
    Place("is_fully_charged", "binary_sensor", "fully_charged", None, None, None, None, ON, True, "on"),
    Place("is_pause_power_active", "binary_sensor", "pause_active", None, None, None, None, OFF, True, "on"),
    Place("pause_power_until", "sensor", "pause_power_until", "timestamp", None, None, None, ON, "2999-03-04T05:06:07Z", "2999-03-04T05:06:07+00:00"),
    Place("boost_for_next_session", "binary_sensor", "boost_armed", None, None, None, None, ON, True, "on"),
    Place("action_needed", "binary_sensor", "action_needed", "problem", None, None, None, ON, True, "on"),
    Place("has_notification", "binary_sensor", "has_notification", None, None, None, None, ON, True, "on"),
    Place("latitude", "device_tracker", "location", None, None, None, None, ON, 47.5, "not_home"),
    Place("longitude", "device_tracker", "location", None, None, None, None, ON, 16.5, "not_home"),
    Place("is_smart_optimization_active", "binary_sensor", "is_smart_optimization_active", None, None, None, None, OFF, True, "on"),
    Place("is_charge_policy_enabled", "binary_sensor", "is_charge_policy_enabled", None, None, None, None, OFF, True, "on"),
    Place("is_over_charge_allowed", "binary_sensor", "is_over_charge_allowed", None, None, None, None, OFF, True, "on"),
    Place("minimum_charge_limit", "sensor", "minimum_charge_limit", None, "%", None, None, OFF, 70, "70"),
    Place("charge_target_min", "sensor", "charge_target_min", None, "%", None, DIAGNOSTIC, OFF, 40, "40"),
    Place("charge_target_max", "sensor", "charge_target_max", None, "%", None, DIAGNOSTIC, ON, 90, "90"),
    Place("battery_at_plug_in", "sensor", "battery_at_plug_in", None, "%", "measurement", DIAGNOSTIC, OFF, 33.5, "33.5"),
    Place("battery_capacity_kwh", "sensor", "battery_capacity", "energy_storage", "kWh", None, DIAGNOSTIC, ON, "77.40", "77.4"),
    Place("is_authenticated", "binary_sensor", "authenticated", "connectivity", None, None, DIAGNOSTIC, ON, True, "on"),
    Place("connection_status", "sensor", "connection_status", "enum", None, None, DIAGNOSTIC, ON, "ok", "ok"),
    Place("monitoring_status", "sensor", "monitoring_status", "enum", None, None, DIAGNOSTIC, OFF, "warning", "warning"),
    Place("steering_status", "sensor", "steering_status", "enum", None, None, DIAGNOSTIC, OFF, "error", "error"),
    _timestamp("current_state_last_updated_at", "last_reported", ON),
    Place("lifecycle_state", "sensor", "lifecycle_state", None, None, None, DIAGNOSTIC, OFF, "authenticated", "authenticated"),
    Place("actual_steering_state", "sensor", "actual_steering_state", None, None, None, DIAGNOSTIC, OFF, "steering", "steering"),
    Place("lifecycle_error", "sensor", "lifecycle_error", None, None, None, DIAGNOSTIC, OFF, "x" * 300, "x" * 254 + "…"),
    Place("comment", "sensor", "comment", None, None, None, DIAGNOSTIC, OFF, "c" * 255, "c" * 255),
    Place("price_zone", "sensor", "price_zone", "enum", None, None, DIAGNOSTIC, OFF, "DE_LU", "de_lu"),
    _flag("is_trading_enabled"),
    _flag("boost_feature_enabled"),
    _flag("is_inverter_forced_mode_enabled"),
    _flag("is_inverter_forced_mode_active"),
    _timestamp("inverter_forced_mode_since"),
    _timestamp("last_boost_triggered_at"),
    _timestamp("last_boost_ended_at"),
    Place("last_boost_end_reason", "sensor", "last_boost_end_reason", None, None, None, DIAGNOSTIC, OFF, "unplugged", "unplugged"),
    Place("expected_max_charge_power", "sensor", "expected_max_charge_power", "power", "kW", None, DIAGNOSTIC, OFF, 11040, "11.04"),
    _watts("hems_min_export_to_start_w"),
    _watts("hems_max_import_before_stopping_w"),
    _watts("hems_min_production_to_start_w"),
    _watts("hems_min_production_before_stopping_w"),
    Place("minimum_solar_coverage", "sensor", "minimum_solar_coverage", None, None, None, DIAGNOSTIC, OFF, 0.5, "0.5"),
    Place("geo_fence_distance_m", "sensor", "geo_fence_distance_m", "distance", "m", None, DIAGNOSTIC, OFF, 150, "150"),
    _timestamp("created_at"),
    _timestamp("updated_at"),
    _timestamp("last_monitoring_executed_at"),
    _timestamp("charge_policy_last_updated_at"),
    _timestamp("coordinates_last_updated_at"),
    _timestamp("consumption_last_updated_at"),
    _timestamp("charge_state_last_updated_at"),
]
# fmt: on


class SessionPlace(NamedTuple):
    """The entity of a value of the charging sessions."""

    key: str
    device_class: str
    unit: str | None
    state_class: str | None
    enabled: bool


SESSION_PLACES = [
    SessionPlace("session_energy", "energy", "kWh", None, ON),
    SessionPlace("session_cost", "monetary", "EUR", None, OFF),
    SessionPlace("session_savings", "monetary", "EUR", None, OFF),
    SessionPlace("month_energy", "energy", "kWh", "total", ON),
    SessionPlace("month_cost", "monetary", "EUR", "total", ON),
    SessionPlace("month_savings", "monetary", "EUR", "total", ON),
    SessionPlace("planned_start", "timestamp", None, None, ON),
    SessionPlace("planned_end", "timestamp", None, None, OFF),
]

DERIVED = {
    ("sensor", "charging_state"),
    ("sensor", "charging_finishes_at"),
    ("sensor", "charge_deadline"),
}

ELSEWHERE = {
    "charge_deadline_at",  # the deadline's next occurrence: test_sensor
    "id",  # identifier of the device and root of every unique id
    "device_model",  # device info
    "external_device_id",  # device info: serial number
    "owner",  # personal: no entity
    "embeddable_url",  # secret: no entity
    "authorization_url",  # secret: no entity
    "deleted_at",  # the repair "vehicle not found"
    "actions",  # repairs
}

ICONS: dict[str, Any] = json.loads(
    Path("custom_components/podero/icons.json").read_text(encoding="utf-8")
)["entity"]

WORD = "no such word"
OPEN_TEXTS = {
    "actual_steering_state",
    "comment",
    "current_mode",
    "last_boost_end_reason",
    "lifecycle_error",
    "lifecycle_state",
}

READ_PLATFORMS = {"sensor", "binary_sensor", "device_tracker"}


def _properties() -> dict[str, Any]:
    schema = Path(simulator_package.__file__).with_name("vehicle.schema.json")
    document: dict[str, Any] = json.loads(schema.read_text())
    properties: dict[str, Any] = document["$defs"]["ElectricVehicleDetailOutput"][
        "properties"
    ]
    return properties


def test_every_property_has_one_place() -> None:
    """Each property of the contract has one place."""
    placed = [place.source for place in PLACES]
    assert len(placed) == len(set(placed))
    assert {*placed, *ELSEWHERE} == set(_properties())
    assert len(_properties()) == 69


def _entity(home: Home, platform: str, key: str) -> er.RegistryEntry:
    registry = er.async_get(home.hass)
    entity_id = registry.async_get_entity_id(platform, DOMAIN, f"{home.car.id}_{key}")
    assert entity_id is not None, f"no {platform} {key}"
    entity = registry.async_get(entity_id)
    assert entity is not None
    return entity


async def test_each_place_is_as_designed(home: Home) -> None:
    """Class, unit, state class, category and default are as designed."""
    await home.set_up()
    for place in PLACES:
        entity = _entity(home, place.platform, place.key)
        assert (
            entity.original_device_class,
            entity.unit_of_measurement,
            (entity.capabilities or {}).get("state_class"),
            entity.entity_category,
            entity.disabled_by is None,
        ) == place[3:8], place.source
    for session_place in SESSION_PLACES:
        entity = _entity(home, "sensor", session_place.key)
        assert (
            entity.original_device_class,
            entity.unit_of_measurement,
            (entity.capabilities or {}).get("state_class"),
            entity.disabled_by is None,
        ) == session_place[1:], session_place.key
        assert entity.entity_category is None
    known = {(place.platform, place.key) for place in PLACES} | DERIVED
    known |= {("sensor", place.key) for place in SESSION_PLACES}
    prefix = f"{home.car.id}_"
    assert {
        (entity.domain, entity.unique_id.removeprefix(prefix))
        for entity in home.entities()
        if entity.domain in READ_PLATFORMS
    } == known


async def test_at_most_six_sensors_have_statistics(home: Home) -> None:
    """Few sensors write long-term statistics, which add rows every hour."""
    await home.set_up()
    with_statistics = [
        entity.entity_id
        for entity in home.entities()
        if (entity.capabilities or {}).get("state_class") and entity.disabled_by is None
    ]
    assert 0 < len(with_statistics) <= 6


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_each_property_arrives(home: Home) -> None:
    """The value of each property is the state of its entity."""
    home.car.override(**{place.source: place.value for place in PLACES})
    await home.set_up()
    for place in PLACES:
        entity = _entity(home, place.platform, place.key)
        assert home.state(entity.entity_id) == place.state, place.source
    tracker = _entity(home, "device_tracker", "location")
    state = home.get_state(tracker.entity_id)
    assert (state.attributes["latitude"], state.attributes["longitude"]) == (47.5, 16.5)


@pytest.mark.parametrize("useless", [None, ABSENT, {"an": "object"}, ["a list"], WORD])
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_each_useless_value_is_unknown(home: Home, useless: Any) -> None:
    """A value that is null, absent or of the wrong type is unknown."""
    # An object without any required key is not a vehicle.
    values = dict.fromkeys(_properties(), useless) | {"owner": None}
    home.car.override(**values)
    await home.set_up()
    for place in PLACES:
        entity = _entity(home, place.platform, place.key)
        is_useful = useless == WORD and place.source in OPEN_TEXTS
        expected = WORD if is_useful else STATE_UNKNOWN
        assert home.state(entity.entity_id) == expected, place.source
    for platform, key in DERIVED:
        entity = _entity(home, platform, key)
        assert home.state(entity.entity_id) == STATE_UNKNOWN, key


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_one_bad_field_costs_that_field(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """An invalid field is logged once without its value; all others are shown."""
    home.car.override(
        battery_level="secret text", boost_state="new word", is_plugged_in="yes"
    )
    await home.set_up()
    for _ in range(2):
        await home.coordinator().async_refresh()
    assert home.state("sensor.car_1_battery") == STATE_UNKNOWN
    assert home.state("sensor.car_1_charge_now_status") == STATE_UNKNOWN
    assert home.state("sensor.car_1_range") != STATE_UNKNOWN
    for field in ("battery_level", "boost_state", "is_plugged_in"):
        assert caplog.text.count(f"the value of {field} could not be used") == 1
    assert "secret text" not in caplog.text


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_unavailable_is_a_word_of_home_assistants(home: Home) -> None:
    """The service's value `unavailable` is replaced, since Home Assistant reserves it."""
    words = dict.fromkeys(
        ("boost_state", "current_mode", "lifecycle_state"), "unavailable"
    )
    home.car.override(**words)
    await home.set_up()
    for name in ("charge_now_status", "mode", "lifecycle_state"):
        assert home.state(f"sensor.car_1_{name}") == "not_available", name


async def test_every_entity_has_a_name_and_an_icon(home: Home) -> None:
    """Each has a translated name or its class's, each an icon or its class's."""
    await home.set_up()
    names = await async_get_translations(home.hass, "en", "entity", {DOMAIN})
    for entity in home.entities():
        key = entity.translation_key
        named = f"component.{DOMAIN}.entity.{entity.domain}.{key}.name" in names
        assert named or entity.original_device_class == "battery", entity.entity_id
        assert key in ICONS.get(entity.domain, {}) or entity.original_device_class, (
            entity.entity_id
        )


async def test_the_device_says_what_it_is(home: Home) -> None:
    """Maker, model with its year, and serial number stand on the device."""
    car = home.car
    model = {
        "device_type": {"short_name": "EV", "long_name": "Electric vehicle"},
        "manufacturer": "Volkswagen",
        "model": "ID.4",
        "year": 2023,
    }
    car.override(device_model=model, external_device_id="WVW-123")
    await home.set_up()

    def described() -> tuple[str | None, ...]:
        (device,) = home.devices()
        assert device.identifiers == {(DOMAIN, car.id)}
        return device.name, device.manufacturer, device.model, device.serial_number

    assert described() == ("Car 1", "Volkswagen", "ID.4 (2023)", "WVW-123")
    car.override(device_model=model | {"year": None}, external_device_id="")
    await home.coordinator().async_refresh()
    assert described() == ("Car 1", "Volkswagen", "ID.4", None)
