"""Serve the endpoints that resolve actions, which the API calls cues."""

from urllib.parse import urlsplit

from aiohttp import web

from .actions import REAUTHENTICATE, Action
from .auth import authorize
from .car import Car
from .errors import ApiError
from .maker import begin_sign_in
from .routing import SIMULATOR, Route, read_object

_SIGN_IN_URLS = ("successUrl", "cancelUrl")


async def resolve(request: web.Request) -> web.Response:
    """Start the sign-in of a `reauthenticate` action, or mark a message as read."""
    token = authorize(request)
    car, action = _find(request)
    if (token.organization_id, token.user_id or car.owner.user_id) != (
        car.owner.organization_id,
        car.owner.user_id,
    ):
        raise ApiError(403, "The link belongs to another user.")
    body = await read_object(request)
    signs_in = action.code == REAUTHENTICATE
    for name in (*action.required_parameters, *(_SIGN_IN_URLS if signs_in else ())):
        if not isinstance(value := body.get(name), str) or not value:
            raise ApiError(422, f"{name}: required.")
        if name in _SIGN_IN_URLS and not _is_web_page(value):
            raise ApiError(422, f"{name}: not a web page.")
    if not signs_in:
        car.resolve(action)
        return web.json_response({"action_id": action.id})
    page = begin_sign_in(request, car, action, body["successUrl"], body["cancelUrl"])
    return web.json_response({"redirect_url": page})


async def state(request: web.Request) -> web.Response:
    """Receive the outcome of a sign-in; after a failure it can be started again."""
    car, action = _find(request)
    match (await read_object(request)).get("state"):
        case "success":
            car.resolve(action)
        case "fail":
            pass
        case _:
            raise ApiError(422, "state: success or fail.")
    return web.json_response({"action_id": action.id})


def _find(request: web.Request) -> tuple[Car, Action]:
    simulator = request.app[SIMULATOR]
    action_id = request.match_info["cue_id"]
    if not simulator.signer.accepts(action_id, request.query.get("secret", "")):
        raise ApiError(403, "The link is invalid or has expired.")
    for car in simulator.vehicles:
        if (action := car.find_action(action_id)) is not None:
            return car, action
    raise ApiError(404, "Not found.")


def _is_web_page(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


ROUTES = (
    Route("POST", "/api/partners/v2.0/cues/{cue_id}/resolve", "cues", resolve),
    Route("POST", "/api/partners/v2.0/cues/{cue_id}/state", "cues", state),
)
