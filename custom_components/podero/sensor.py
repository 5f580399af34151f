"""Sensors of a vehicle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    MAX_LENGTH_STATE_STATE,
    STATE_UNAVAILABLE,
    EntityCategory,
    UnitOfEnergy,
    UnitOfLength,
    UnitOfPower,
    UnitOfRatio,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .api import BoostState, ChargingState, PriceZone, Status
from .const import CURRENCY
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .entity import PoderoEntityDescription, PoderoFieldEntity

PARALLEL_UPDATES = 0

FINISH_TOLERANCE = timedelta(minutes=3)
"""Smaller changes of the expected end of charging are ignored."""

CLOCK_INTERVAL = timedelta(minutes=1)
"""How often sensors that depend on the clock are recomputed.

A timer for the moment when the value changes would miss a change of the clock.
"""

NOT_AVAILABLE = "not_available"
"""Replaces the API's "unavailable", a reserved state in Home Assistant."""

BOOST_STATES = {state: state.value for state in BoostState} | {
    BoostState.UNAVAILABLE: NOT_AVAILABLE
}


@dataclass(frozen=True, kw_only=True)
class PoderoSensorDescription(PoderoEntityDescription, SensorEntityDescription):
    """Describe a sensor."""


class MonthlyTotal(NamedTuple):
    """An amount of this month, None if it is unknown."""

    amount: float | None
    since: datetime
    """The start of the month."""


# Disabled by default: few people need them.
_diagnostic = partial(
    PoderoSensorDescription,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)

_level = partial(
    _diagnostic,
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    suggested_display_precision=0,
)


def _status(value: Status | None) -> Status | None:
    """Return a status, or None for "unknown", a reserved state in Home Assistant."""
    return None if value is Status.UNKNOWN else value


def _text(field: str) -> Callable[[PoderoCoordinator], str | None]:
    """Return a function that reads a text, truncated to the length limit of states."""

    def read(coordinator: PoderoCoordinator) -> str | None:
        text: str | None = getattr(coordinator.data, field)
        if text == STATE_UNAVAILABLE:
            return NOT_AVAILABLE
        if text is None or len(text) <= MAX_LENGTH_STATE_STATE:
            return text
        return f"{text[: MAX_LENGTH_STATE_STATE - 1]}…"

    return read


_timestamp = partial(_diagnostic, device_class=SensorDeviceClass.TIMESTAMP)

_money = partial(
    PoderoSensorDescription,
    device_class=SensorDeviceClass.MONETARY,
    native_unit_of_measurement=CURRENCY,
    suggested_display_precision=2,
)

_power = partial(
    _diagnostic,
    device_class=SensorDeviceClass.POWER,
    native_unit_of_measurement=UnitOfPower.WATT,
)


def _energy(period: str, *, enabled: bool = False) -> PoderoSensorDescription:
    return PoderoSensorDescription(
        key=f"consumption_last_{period}",
        field=f"consumption_last_{period}_kwh",
        # No state class: the sum of a sliding window also decreases.
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        entity_registry_enabled_default=enabled,
    )


def _link_status(key: str, *, enabled: bool = False) -> PoderoSensorDescription:
    return _diagnostic(
        key=key,
        value_fn=lambda coordinator: _status(getattr(coordinator.data, key)),
        device_class=SensorDeviceClass.ENUM,
        options=[status for status in Status if status is not Status.UNKNOWN],
        entity_registry_enabled_default=enabled,
    )


def _latest(*fields: str) -> Callable[[PoderoCoordinator], float | None]:
    """Return a function that reads the first known field of the latest session."""

    def read(coordinator: PoderoCoordinator) -> float | None:
        latest = coordinator.sessions.latest
        values = (getattr(latest, field, None) for field in fields)
        return next((value for value in values if value is not None), None)

    return read


def _month(field: str) -> Callable[[PoderoCoordinator], MonthlyTotal | None]:
    """Return a function that reads an amount of this month."""

    def read(coordinator: PoderoCoordinator) -> MonthlyTotal | None:
        month = coordinator.sessions.month
        return month and MonthlyTotal(getattr(month, field), month.start)

    return read


def _planned(field: str) -> Callable[[PoderoCoordinator], datetime | None]:
    """Return a function that reads a timestamp of the plan, None once it is over."""

    def read(coordinator: PoderoCoordinator) -> datetime | None:
        running = coordinator.sessions.running
        end = running.desired_charging_end_time if running else None
        is_over = end is not None and end <= dt_util.utcnow()
        return None if is_over else getattr(running, field, None)

    return read


def _paused_until(coordinator: PoderoCoordinator) -> datetime | None:
    """Return the end of the pause, or None once it has passed."""
    until = coordinator.data.pause_power_until
    return until if until is not None and until > dt_util.utcnow() else None


SENSORS: tuple[PoderoSensorDescription, ...] = (
    PoderoSensorDescription(
        key="battery_level",
        device_class=SensorDeviceClass.BATTERY,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    PoderoSensorDescription(
        key="driving_range",
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    PoderoSensorDescription(
        key="charging_state",
        device_class=SensorDeviceClass.ENUM,
        options=list(ChargingState),
    ),
    PoderoSensorDescription(
        key="charging_power",
        field="charge_rate_w",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    PoderoSensorDescription(
        key="charge_time_remaining",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    _energy("day"),
    _energy("week"),
    _energy("month", enabled=True),
    PoderoSensorDescription(
        key="boost_state",
        value_fn=lambda coordinator: (
            (state := coordinator.data.boost_state) and BOOST_STATES[state]
        ),
        device_class=SensorDeviceClass.ENUM,
        options=list(BOOST_STATES.values()),
        entity_registry_enabled_default=False,
    ),
    PoderoSensorDescription(
        key="optimization_score",
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
    ),
    PoderoSensorDescription(
        key="current_mode",
        value_fn=_text("current_mode"),
        entity_registry_enabled_default=False,
    ),
    PoderoSensorDescription(
        key="minimum_charge_limit",
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        # Disabled by default: the number shows it too.
        entity_registry_enabled_default=False,
    ),
    _level(key="charge_target_min"),
    _level(key="charge_target_max", entity_registry_enabled_default=True),
    _level(key="battery_at_plug_in", state_class=SensorStateClass.MEASUREMENT),
    _diagnostic(
        key="battery_capacity",
        field="battery_capacity_kwh",
        device_class=SensorDeviceClass.ENERGY_STORAGE,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        entity_registry_enabled_default=True,
    ),
    _link_status("connection_status", enabled=True),
    _link_status("monitoring_status"),
    _link_status("steering_status"),
    _timestamp(
        key="last_reported",
        field="current_state_last_updated_at",
        entity_registry_enabled_default=True,
    ),
    _diagnostic(key="lifecycle_state", value_fn=_text("lifecycle_state")),
    _diagnostic(key="actual_steering_state", value_fn=_text("actual_steering_state")),
    _diagnostic(key="lifecycle_error", value_fn=_text("lifecycle_error")),
    _diagnostic(key="comment", value_fn=_text("comment")),
    _diagnostic(
        key="price_zone",
        value_fn=lambda coordinator: (
            (zone := coordinator.data.price_zone) and zone.lower()
        ),
        device_class=SensorDeviceClass.ENUM,
        options=[zone.lower() for zone in PriceZone],
    ),
    _timestamp(key="inverter_forced_mode_since"),
    _timestamp(key="last_boost_triggered_at"),
    _timestamp(key="last_boost_ended_at"),
    _diagnostic(key="last_boost_end_reason", value_fn=_text("last_boost_end_reason")),
    _power(
        key="expected_max_charge_power",
        suggested_unit_of_measurement=UnitOfPower.KILO_WATT,
        suggested_display_precision=1,
    ),
    _power(key="hems_min_export_to_start_w"),
    _power(key="hems_max_import_before_stopping_w"),
    _power(key="hems_min_production_to_start_w"),
    _power(key="hems_min_production_before_stopping_w"),
    _diagnostic(key="minimum_solar_coverage"),
    _diagnostic(
        key="geo_fence_distance_m",
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.METERS,
    ),
    _timestamp(key="created_at"),
    _timestamp(key="updated_at"),
    _timestamp(key="last_monitoring_executed_at"),
    _timestamp(key="charge_policy_last_updated_at"),
    _timestamp(key="coordinates_last_updated_at"),
    _timestamp(key="consumption_last_updated_at"),
    _timestamp(key="charge_state_last_updated_at"),
    # No state class: the external statistics already contain the energy of sessions.
    PoderoSensorDescription(
        key="session_energy",
        value_fn=_latest("energy_charged_kwh"),
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
    ),
    _money(
        key="session_cost",
        value_fn=_latest("actual_cost_eur"),
        entity_registry_enabled_default=False,
    ),
    _money(
        key="session_savings",
        value_fn=_latest("actual_savings_eur", "expected_savings_eur"),
        entity_registry_enabled_default=False,
    ),
    PoderoSensorDescription(
        key="month_energy",
        value_fn=_month("energy"),
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=1,
    ),
    _money(
        key="month_cost",
        value_fn=_month("cost"),
        state_class=SensorStateClass.TOTAL,
    ),
    _money(
        key="month_savings",
        value_fn=_month("savings"),
        state_class=SensorStateClass.TOTAL,
    ),
)

PLANNED_START = PoderoSensorDescription(
    key="planned_start",
    value_fn=_planned("desired_charging_start_time"),
    device_class=SensorDeviceClass.TIMESTAMP,
)

PLANNED_END = PoderoSensorDescription(
    key="planned_end",
    value_fn=_planned("desired_charging_end_time"),
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_registry_enabled_default=False,
)

PAUSED_UNTIL = PoderoSensorDescription(
    key="pause_power_until",
    value_fn=_paused_until,
    device_class=SensorDeviceClass.TIMESTAMP,
)

CHARGE_DEADLINE = PoderoSensorDescription(
    key="charge_deadline",
    field="charge_deadline_at",
    value_fn=lambda coordinator: coordinator.sessions.next_deadline(coordinator.data),
    device_class=SensorDeviceClass.TIMESTAMP,
)

CHARGING_FINISHES_AT = PoderoSensorDescription(
    key="charging_finishes_at",
    field="charge_time_remaining",
    device_class=SensorDeviceClass.TIMESTAMP,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        sensors = (_sensor(coordinator, description) for description in SENSORS)
        with_clock = (
            PoderoClockSensor(coordinator, PLANNED_START),
            PoderoClockSensor(coordinator, PLANNED_END),
            PoderoClockSensor(coordinator, PAUSED_UNTIL),
            PoderoClockSensor(coordinator, CHARGE_DEADLINE),
            PoderoFinishSensor(coordinator, CHARGING_FINISHES_AT),
        )
        async_add_entities([*sensors, *with_clock], config_subentry_id=subentry_id)


def _sensor(
    coordinator: PoderoCoordinator, description: PoderoSensorDescription
) -> PoderoSensor:
    """Return the sensor of a description: a total is one of this month."""
    is_total = description.state_class is SensorStateClass.TOTAL
    return (PoderoMonthSensor if is_total else PoderoSensor)(coordinator, description)


class PoderoSensor(PoderoFieldEntity[Any], SensorEntity):
    """A sensor of a vehicle."""

    entity_description: PoderoSensorDescription

    @property
    @override
    def native_value(self) -> Any:
        return self._value


class PoderoMonthSensor(PoderoSensor):
    """A total of this month, which is reset at its start."""

    @property
    @override
    def native_value(self) -> float | None:
        return self._value and self._value.amount

    @property
    @override
    def last_reset(self) -> datetime | None:
        return self._value and self._value.since


class PoderoClockSensor(PoderoSensor):
    """A timestamp that depends on the reading and on the current time."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(
            async_track_time_interval(self.hass, self._recompute, CLOCK_INTERVAL)
        )

    @callback
    def _recompute(self, _: datetime) -> None:
        """Write the state if the clock alone has changed it."""
        self._handle_coordinator_update()


class PoderoFinishSensor(PoderoClockSensor):
    """The expected end of charging, which ignores changes within FINISH_TOLERANCE."""

    _remaining: int | None = None

    @override
    def _compute(self) -> datetime | None:
        vehicle = self.coordinator.data
        before = self._remaining
        remaining = vehicle.charge_time_remaining if vehicle.is_charging else None
        self._remaining = remaining
        if not remaining:
            return None
        now = dt_util.utcnow()
        expected: datetime | None = self._value
        finish = now + timedelta(seconds=remaining)
        if (
            expected is not None
            and now < expected < finish + FINISH_TOLERANCE
            # Many cars report minutes: keep the value until the remaining time changes.
            and (remaining == before or finish < expected + FINISH_TOLERANCE)
        ):
            return expected
        return finish
