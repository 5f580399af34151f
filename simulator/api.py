"""Serve the endpoints of vehicles: documents, preferences, boost, sessions, charge policy."""

from datetime import date
from typing import Any
from uuid import UUID

from aiohttp import web

from .auth import authorize
from .car import BoostRefusedError, Car
from .errors import ApiError
from .preferences import parse_preferences
from .routing import SIMULATOR, Route, read_json

_MOST_SESSIONS = 200


async def get_vehicle(request: web.Request) -> web.Response:
    """Serve one vehicle."""
    car = find_car(request, include_deleted=_flag(request, "include_deleted"))
    return web.json_response(car.read())


async def list_vehicles(request: web.Request) -> web.Response:
    """Serve all vehicles of a user, without their actions."""
    garage = _garage(request)
    if not request.app[SIMULATOR].lists_vehicles:
        raise ApiError(404, "Not found.")
    include_deleted = _flag(request, "include_deleted")
    documents: list[Any] = []
    for car in garage:
        if car.is_deleted and not include_deleted:
            continue
        document = car.document()
        if isinstance(document, dict):
            document = {
                name: value for name, value in document.items() if name != "actions"
            }
        documents.append(document)
    return web.json_response(documents)


async def put_preferences(request: web.Request) -> web.Response:
    """Change preferences."""
    car = _writable_car(request)
    try:
        fields = parse_preferences(await read_json(request))
    except ValueError as error:
        raise ApiError(422, str(error)) from error
    car.write_preferences(fields)
    return web.json_response(car.document())


async def start_boost(request: web.Request) -> web.Response:
    """Start or arm "charge now"."""
    car = _writable_car(request)
    try:
        car.boost()
    except BoostRefusedError as error:
        body = {"state": car.life.boost_state, "reason": str(error)}
        return web.json_response(body, status=409)
    return web.Response(status=204)


async def disarm_boost(request: web.Request) -> web.Response:
    """Disarm the boost of the next session; a running boost continues."""
    _writable_car(request).disarm_boost()
    return web.Response(status=204)


async def list_sessions(request: web.Request) -> web.Response:
    """Serve the completed charging sessions of some UTC days, the latest first."""
    car = find_car(request)
    first, last = _date(request, "from"), _date(request, "to")
    limit = _number(request, "limit", 50, 1, _MOST_SESSIONS)
    offset = _number(request, "offset", 0, 0, None)
    found = car.completed_sessions(first, last)
    items = [session.document() for session in found[offset : offset + limit]]
    return web.json_response({"total": len(found), "items": items})


async def get_current_session(request: web.Request) -> web.Response:
    """Serve the running charging session, if there is one."""
    return web.json_response({"session": find_car(request).current_session_document()})


async def get_charge_policy(request: web.Request) -> web.Response:
    """Serve the weekly charge policy."""
    return web.json_response(find_car(request).policy_document())


def find_car(request: web.Request, *, include_deleted: bool = False) -> Car:
    """Return the vehicle in a path. Raises ApiError if the token does not give access to it."""
    garage = _garage(request)
    vehicle_id = _uuid(request, "electric_vehicle_id")
    for car in garage:
        if car.id == vehicle_id and (include_deleted or not car.is_deleted):
            return car
    raise ApiError(404, "Not found.")


def _writable_car(request: web.Request) -> Car:
    token = authorize(request)
    car = find_car(request)
    if not token.can_write:
        raise ApiError(403, "The token's scope does not allow this.")
    return car


def _garage(request: web.Request) -> list[Car]:
    token = authorize(request)
    organization_id, user_id = _uuid(request, "org_id"), _uuid(request, "user_id")
    if organization_id != token.organization_id or token.user_id not in (None, user_id):
        raise ApiError(403, "You do not have permission to perform this action.")
    simulator = request.app[SIMULATOR]
    if not any(
        (account.organization_id, account.user_id) == (organization_id, user_id)
        for account in simulator.accounts
    ):
        raise ApiError(404, "Not found.")
    return [car for car in simulator.vehicles if car.owner.user_id == user_id]


def _uuid(request: web.Request, name: str) -> str:
    try:
        return str(UUID(request.match_info[name]))
    except ValueError as error:
        raise ApiError(422, f"{name}: not a valid UUID.") from error


def _flag(request: web.Request, name: str) -> bool:
    match request.query.get(name, "false").lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise ApiError(422, f"{name}: not a boolean.")


def _date(request: web.Request, name: str) -> date:
    try:
        return date.fromisoformat(request.query[name])
    except KeyError as error:
        raise ApiError(422, f"{name}: required.") from error
    except ValueError as error:
        raise ApiError(422, f"{name}: not a date.") from error


def _number(
    request: web.Request, name: str, default: int, lowest: int, highest: int | None
) -> int:
    try:
        number = int(request.query.get(name, default))
    except ValueError as error:
        raise ApiError(422, f"{name}: not a number.") from error
    if number < lowest or (highest is not None and number > highest):
        raise ApiError(422, f"{name}: out of range.")
    return number


_VEHICLES = "/api/partners/v2.0/org/{org_id}/users/{user_id}/electric-vehicles"
_VEHICLE = f"{_VEHICLES}/{{electric_vehicle_id}}"

ROUTES = (
    Route("GET", _VEHICLES, "vehicles", list_vehicles),
    Route("GET", _VEHICLE, "vehicle", get_vehicle),
    Route("PUT", _VEHICLE, "preferences", put_preferences),
    Route("POST", f"{_VEHICLE}/boost", "boost", start_boost),
    Route("DELETE", f"{_VEHICLE}/boost", "boost", disarm_boost),
    Route("GET", f"{_VEHICLE}/sessions", "sessions", list_sessions),
    Route(
        "GET", f"{_VEHICLE}/sessions/current", "current_session", get_current_session
    ),
    Route("GET", f"{_VEHICLE}/charge-policy", "charge_policy", get_charge_policy),
)
