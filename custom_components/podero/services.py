"""The integration's actions."""

import asyncio
from collections.abc import Sequence
from datetime import MAXYEAR, datetime, timedelta
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ENTITY_MATCH_ALL
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.service import verify_domain_control
from homeassistant.helpers.target import TargetSelection
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .api import ChargingSession, PoderoError, to_json
from .charging.hours import Amounts, amounts_of
from .const import DOMAIN, MAX_RANGE
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .dashboard import DASHBOARD_SCHEMA, async_get_dashboard
from .helpers import devices_of, targeted_devices, to_read_error

ATTR_FROM: Final = "from"
ATTR_TO: Final = "to"
ATTR_DURATION: Final = "duration"
ATTR_UNTIL: Final = "until"

SERVICE_GET_CHARGING_SESSIONS: Final = "get_charging_sessions"
SERVICE_GET_DASHBOARD: Final = "get_dashboard"
SERVICE_PAUSE_CHARGING: Final = "pause_charging"
SERVICE_RESUME_CHARGING: Final = "resume_charging"

PAUSE_SCHEMA: Final = cv.make_entity_service_schema(
    {
        vol.Optional(ATTR_UNTIL): cv.datetime,
        vol.Optional(ATTR_DURATION): cv.time_period,
    }
)
SESSIONS_SCHEMA: Final = cv.make_entity_service_schema(
    {vol.Required(ATTR_FROM): cv.date, vol.Required(ATTR_TO): cv.date}
)
RESUME_SCHEMA: Final = cv.make_entity_service_schema(None)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN, SERVICE_PAUSE_CHARGING, _async_pause_charging, PAUSE_SCHEMA
    )
    hass.services.async_register(
        DOMAIN, SERVICE_RESUME_CHARGING, _async_resume_charging, RESUME_SCHEMA
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_CHARGING_SESSIONS,
        _async_get_charging_sessions,
        SESSIONS_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_DASHBOARD,
        async_get_dashboard,
        DASHBOARD_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


@verify_domain_control(DOMAIN)
async def _async_pause_charging(call: ServiceCall) -> None:
    """Pause charging until a time or for a duration."""
    await _async_pause(call, _end_of_pause(call))


@verify_domain_control(DOMAIN)
async def _async_resume_charging(call: ServiceCall) -> None:
    """End a pause."""
    await _async_pause(call, None)


async def _async_pause(call: ServiceCall, until: datetime | None) -> None:
    """Pause or resume each vehicle; one that fails does not stop the others."""
    coordinators, not_loaded = _targeted(call)
    failures = await asyncio.gather(
        *(coordinator.async_pause(until) for coordinator in coordinators),
        return_exceptions=True,
    )
    if failure := next(filter(None, [*failures, not_loaded]), None):
        raise failure


async def _async_get_charging_sessions(call: ServiceCall) -> ServiceResponse:
    """Return the completed sessions that began in a range of days, and their totals."""
    first, last = call.data[ATTR_FROM], call.data[ATTR_TO]
    if first > last:
        raise _invalid("range_reversed")
    if last - first > MAX_RANGE:
        raise _invalid("range_too_long")
    # No session is completed after today, and the last date has no day after it.
    last = min(last, dt_util.now().date())
    start = dt_util.start_of_local_day(first)
    end = dt_util.start_of_local_day(last + timedelta(days=1))
    coordinators, not_loaded = _targeted(call)
    if not_loaded is not None:
        raise not_loaded
    try:
        answers = await asyncio.gather(
            *(
                coordinator.sessions.async_get_sessions(start, end)
                for coordinator in coordinators
            )
        )
    except PoderoError as err:
        raise to_read_error(err) from err
    return {
        "vehicles": [
            _report(
                call.hass,
                coordinator,
                [
                    session
                    for session in sessions
                    if session.plug_in_time and session.plug_in_time >= start
                ],
            )
            for coordinator, sessions in zip(coordinators, answers, strict=True)
        ]
    }


def _report(
    hass: HomeAssistant,
    coordinator: PoderoCoordinator,
    sessions: Sequence[ChargingSession],
) -> JsonObjectType:
    """Return a vehicle's sessions, with their totals."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, coordinator.vehicle_id), coordinator.config_entry.entry_id
    )
    at_home = [session for session in sessions if session.is_at_home is not False]
    return {
        ATTR_DEVICE_ID: None if device is None else device.id,
        "name": (device and (device.name_by_user or device.name)) or coordinator.name,
        "sessions": [_session(session) for session in sessions],
        "total": _total(sessions),
        "total_at_home": _total(at_home),
    }


def _session(session: ChargingSession) -> JsonObjectType:
    """Return a session with the API's names and local times."""
    values = {name: getattr(session, name) for name in session.readers()}
    return {
        name: to_json(dt_util.as_local(value) if isinstance(value, datetime) else value)
        for name, value in values.items()
    }


def _total(sessions: Sequence[ChargingSession]) -> JsonObjectType:
    """Return the totals of sessions, in kWh and EUR."""
    total = Amounts()
    for session in sessions:
        total = total.plus(amounts_of(session))
    return {
        "sessions": len(sessions),
        "energy": round(total.energy, 3),
        "cost": round(total.cost, 2),
        "savings": round(total.savings, 2),
    }


def _end_of_pause(call: ServiceCall) -> datetime:
    """Return the end of the requested pause, in UTC and whole seconds."""
    if (ATTR_UNTIL in call.data) == (ATTR_DURATION in call.data):
        raise _invalid("pause_until_or_duration")
    now = dt_util.utcnow()
    try:
        until = (
            dt_util.as_utc(call.data[ATTR_UNTIL])
            if ATTR_UNTIL in call.data
            else now + call.data[ATTR_DURATION]
        ).replace(microsecond=0)
    except OverflowError:
        raise _invalid("pause_end_not_possible") from None
    if until.year == MAXYEAR:
        # In a reading it means "none".
        raise _invalid("pause_end_not_possible")
    if until <= now:
        raise _invalid("pause_end_in_the_past")
    return until


def _targeted(
    call: ServiceCall,
) -> tuple[list[PoderoCoordinator], ServiceValidationError | None]:
    """Return the coordinators of the vehicles that an action targets.

    A vehicle is targeted by its device or by any entity of it, and a loaded one by "all".
    The exception is for one that is not loaded. Raises ServiceValidationError without a
    vehicle.
    """
    is_all = call.data.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL
    vehicles = _targeted_vehicles(call)
    if not vehicles and not is_all:
        raise _invalid("no_vehicle")
    entries: list[PoderoConfigEntry] = call.hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    coordinators = [
        coordinator
        for entry in entries
        for coordinator in entry.runtime_data.coordinators.values()
        if vehicles.pop(coordinator.vehicle_id, None) is not None or is_all
    ]
    failures = (
        _invalid("vehicle_not_loaded", vehicle=name) for name in vehicles.values()
    )
    return coordinators, next(failures, None)


def _targeted_vehicles(call: ServiceCall) -> dict[str, str]:
    """Return the names of the vehicles that an action targets, by their ids.

    A disabled one, for example in a targeted area, is left out unless it is named.
    """
    devices = dr.async_get(call.hass)
    target = TargetSelection(call.data)
    named = target.device_ids | devices_of(call.hass, target.entity_ids)
    return {
        identifier[1]: device.name_by_user or device.name or identifier[1]
        for device_id in targeted_devices(call.hass, target)
        if (device := devices.async_get(device_id))
        and (not device.disabled or device_id in named)
        for identifier in device.identifiers
        if identifier[0] == DOMAIN
    }


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the exception for an invalid call of an action."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
