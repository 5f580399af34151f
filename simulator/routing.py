"""Helpers of all handlers: the simulator they serve, routes, and JSON bodies."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiohttp import web

from .cloud import Simulator
from .errors import ApiError
from .faults import Kind

SIMULATOR: web.AppKey[Simulator] = web.AppKey("simulator")

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class Route(NamedTuple):
    """A handler and the requests that it answers; faults match the kind."""

    method: str
    path: str
    kind: Kind
    handler: Handler


async def read_json(request: web.Request) -> Any:
    """Return the JSON body, or None. Raises ApiError if it is not JSON."""
    if not await request.read():
        return None
    try:
        return await request.json()
    except ValueError as error:
        raise ApiError(422, "The body is not JSON.") from error


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body, or an empty one. Raises ApiError."""
    body = await read_json(request)
    if not isinstance(body, dict | None):
        raise ApiError(422, "The body is not an object.")
    return body or {}
