"""Share what all handlers need: the simulator behind the server, and the shape of a route."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from .errors import ApiError
from .faults import Kind

if TYPE_CHECKING:
    from .cloud import Simulator

SIMULATOR: web.AppKey[Simulator] = web.AppKey("simulator")

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class Route(NamedTuple):
    """Say who answers what; faults find their requests by kind."""

    method: str
    path: str
    kind: Kind
    handler: Handler


async def read_json(request: web.Request) -> Any:
    """Return the JSON body, None if there is none; refuse what is not JSON."""
    if not await request.read():
        return None
    try:
        return await request.json()
    except ValueError as error:
        raise ApiError(422, "The body is not JSON.") from error


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body, an empty one if there is none."""
    body = await read_json(request)
    if not isinstance(body, dict | None):
        raise ApiError(422, "The body is not an object.")
    return body or {}
