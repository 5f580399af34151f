"""Serve the controls of the cloud at `/_simulator/`, for this machine only."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from math import inf
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .car import ABSENT, Car
from .errors import ApiError
from .faults import parse_fault
from .policy import WEEKDAYS
from .routing import SIMULATOR, read_object
from .sessions import Session

PREFIX = "/_simulator"
_SHOWN_SESSIONS = 20

type Command = Callable[[Car, dict[str, Any]], object]
type Report = Callable[[Car], str]

COMMANDS: dict[str, Command] = {
    "plug-in": lambda car, _: car.plug_in(),
    "unplug": lambda car, _: car.unplug(),
    "drive": lambda car, _: car.drive(),
    "charge": lambda car, _: car.start_charging(),
    "stop-charging": lambda car, _: car.stop_charging(),
    "fill-up": lambda car, _: car.fill_up(),
    "level": lambda car, body: car.set_battery_level(_percent(body.get("percent"))),
    "lag": lambda car, body: setattr(car, "lag", _lag(body.get("readings"))),
    "delete": lambda car, _: car.delete(),
    "reauthenticate": lambda car, _: car.raise_reauthenticate(),
    "message": lambda car, body: car.raise_message(str(body.get("text", ""))),
    "unknown-action": lambda car, body: car.raise_unknown_action(
        str(body.get("code", "unheard"))
    ),
    "clear-actions": lambda car, _: car.clear_actions(),
    "set": lambda car, body: car.override(**body),
    "omit": lambda car, body: car.override(
        **dict.fromkeys(body.get("names", ()), ABSENT)
    ),
    "unset": lambda car, body: car.clear_overrides(*body.get("names", ())),
    "correct-session": lambda car, body: car.correct_session(
        _session(car, body), **body.get("properties", {})
    ),
    "delete-session": lambda car, body: car.delete_session(_session(car, body)),
    "away-session": lambda car, body: car.add_away_session(
        _number(body, "energy"),
        hours_ago=_number(body, "hours_ago"),
        hours=_number(body, "hours"),
    ),
    "day-policy": lambda car, body: car.set_day_policy(
        str(body.get("weekday")), _percent(body.get("percent")), body.get("deadline")
    ),
    "policy-zone": lambda car, body: car.set_policy_zone(body.get("timezone")),
    "clear-policy": lambda car, _: car.clear_policy(),
}


def describe_plan(car: Car) -> str:
    """Describe when a car is to charge, in a line."""
    session = car.current_session_document()
    if session is None:
        return f"{car.name}: unplugged"
    if (plan := car.plan(car.catch_up())) is None:
        return f"{car.name}: nothing is planned"
    starts_at, ends_at = (
        at.astimezone(car.world.zone) for at in (plan.starts_at, plan.ends_at)
    )
    return (
        f"{car.name}: charges {starts_at:%a %H:%M} to {ends_at:%a %H:%M},"
        f" saves {plan.expected_savings_eur:.2f} EUR,"
        f" deadline {session['charge_deadline']}"
    )


def describe_sessions(car: Car) -> str:
    """Describe the latest completed sessions, a line for each."""
    lines = []
    for number, session in enumerate(car.completed_sessions()[:_SHOWN_SESSIONS], 1):
        shown = session.document()
        lines.append(
            f"{number} {shown['plug_in_time']} to {shown['unplug_time']},"
            f" {shown['energy_charged_kwh']} kWh, {shown['actual_cost_eur']} EUR,"
            f" saved {shown['actual_savings_eur']} EUR, {shown['session_outcome']}"
        )
    return "\n".join((f"{car.name}:", *lines))


def describe_policy(car: Car) -> str:
    """Describe the weekly charge policy, a line for each day."""
    policy = car.policy_document()["data"]
    days = (
        f"{day} {policy[day]['charge_percentage']} % by {policy[day]['charge_deadline']}"
        for day in WEEKDAYS
    )
    return "\n".join((f"{car.name}, {policy['timezone']}:", *days))


REPORTS: dict[str, Report] = {
    "plan": describe_plan,
    "sessions": describe_sessions,
    "policy": describe_policy,
}


def add_routes(app: web.Application) -> None:
    """Add the controls to the server."""
    app.middlewares.append(_only_from_here)
    app.router.add_get(f"{PREFIX}/status", status)
    app.router.add_post(f"{PREFIX}/advance", advance)
    app.router.add_post(f"{PREFIX}/faults", add_fault)
    app.router.add_delete(f"{PREFIX}/faults", clear_faults)
    app.router.add_post(f"{PREFIX}/clock", shift_clock)
    app.router.add_get(f"{PREFIX}/vehicles/{{vehicle}}/{{report}}", report)
    app.router.add_post(f"{PREFIX}/vehicles/{{vehicle}}/{{command}}", command)


async def status(request: web.Request) -> web.Response:
    """Describe the clock and all cars."""
    simulator = request.app[SIMULATOR]
    now = simulator.clock.now().astimezone(simulator.zone)
    first = f"{now:%a %Y-%m-%d %H:%M:%S}, speed {simulator.clock.speed:g}, {len(simulator.faults)} faults"
    cars = (f"{n} {describe(car)}" for n, car in enumerate(simulator.vehicles, 1))
    return _answer("\n".join((first, *cars)))


async def advance(request: web.Request) -> web.Response:
    """Advance the simulated time by some hours."""
    simulator = request.app[SIMULATOR]
    hours = (await read_object(request)).get("hours")
    if not isinstance(hours, int | float) or not 0 < hours <= 24 * 7:
        raise ApiError(422, "hours: more than none, a week at most.")
    simulator.advance(timedelta(hours=hours))
    return _answer(f"{simulator.clock.now().astimezone(simulator.zone):%a %H:%M}")


async def add_fault(request: web.Request) -> web.Response:
    """Add a fault."""
    try:
        fault = parse_fault(await read_object(request))
    except ValueError as error:
        raise ApiError(422, str(error)) from error
    request.app[SIMULATOR].add_fault(fault)
    times = "until recover" if fault.count is None else f"{fault.count} times"
    return _answer(f"{fault.kind or 'everything'} fails {times}")


async def clear_faults(request: web.Request) -> web.Response:
    """Remove all faults."""
    request.app[SIMULATOR].clear_faults()
    return _answer("works again")


async def shift_clock(request: web.Request) -> web.Response:
    """Set the clock of the service forward or back."""
    simulator = request.app[SIMULATOR]
    minutes = (await read_object(request)).get("minutes")
    if not isinstance(minutes, int | float) or not abs(minutes) <= 24 * 60:
        raise ApiError(422, "minutes: a day forward or back at most.")
    simulator.shift_clock(timedelta(minutes=minutes))
    return _answer(f"{simulator.clock.now().astimezone(simulator.zone):%a %H:%M}")


async def report(request: web.Request) -> web.Response:
    """Describe something of a car."""
    car = _find_car(request)
    if (describe_it := REPORTS.get(request.match_info["report"])) is None:
        raise ApiError(404, f"one of {', '.join(REPORTS)}")
    return _answer(describe_it(car))


async def command(request: web.Request) -> web.Response:
    """Run a command for a car."""
    car = _find_car(request)
    if (do := COMMANDS.get(request.match_info["command"])) is None:
        raise ApiError(404, f"one of {', '.join(COMMANDS)}")
    try:
        do(car, await read_object(request))
    except ValueError as error:
        raise ApiError(409, f"{car.name}: {error}") from error
    return _answer(describe(car))


def describe(car: Car) -> str:
    """Describe a car in a line."""
    car.catch_up()
    life = car.life
    if life.session is None:
        doing = "on the road" if life.trip is not None else "unplugged"
    elif life.is_charging:
        doing = "charging"
    else:
        doing = "full" if car.is_full else "plugged in"
    notes = [f"asks for {action.code}" for action in life.actions]
    notes += [f"{name} overridden" for name in (*life.overrides, *life.removed)]
    notes += ["deleted"] if car.is_deleted else []
    notes += [f"writes show {car.lag:g} readings late"] if car.lag else []
    return ", ".join((f"{car.name}: {doing}", f"{car.battery_level} %", *notes))


@web.middleware
async def _only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith(PREFIX):
        return await handler(request)
    if request.remote is None or not ip_address(request.remote).is_loopback:
        raise web.HTTPForbidden(reason="Only from this machine.")
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()


def _find_car(request: web.Request) -> Car:
    wanted = request.match_info["vehicle"]
    for number, car in enumerate(request.app[SIMULATOR].vehicles, 1):
        if wanted in (str(number), car.id):
            return car
    raise ApiError(404, f"There is no car {wanted}.")


def _session(car: Car, body: dict[str, Any]) -> Session:
    sessions = car.completed_sessions()
    number = body.get("number")
    if not isinstance(number, int) or not 1 <= number <= len(sessions):
        raise ValueError(f"number: 1 (the latest) to {len(sessions)}")
    return sessions[number - 1]


def _number(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{name}: more than 0")
    return value


def _percent(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError("percent: 0 to 100")
    return value


def _lag(value: Any) -> float:
    if value == "never":
        return inf
    if not isinstance(value, int) or value < 0:
        raise ValueError("readings: 0 or more, or never")
    return value


def _answer(message: str) -> web.Response:
    return web.json_response({"message": message})
