"""Serve the cloud: the API, the maker's sign-in page, and the controls."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler

from . import api, auth, control, cues, signin
from .errors import ApiError
from .faults import Answer
from .routing import SIMULATOR, Route

if TYPE_CHECKING:
    from .cloud import Simulator


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """Hold what a client sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any


def build_app(simulator: Simulator) -> web.Application:
    """Return the application that serves a simulator."""
    app = web.Application(middlewares=[_save_changes, _record, _detail_errors])
    app[SIMULATOR] = simulator
    for route in (*auth.ROUTES, *api.ROUTES, *cues.ROUTES):
        app.router.add_route(route.method, route.path, _endpoint(route))
    app.router.add_get(signin.PATH, signin.show)
    app.router.add_post(signin.PATH, signin.choose)
    control.add_routes(app)
    return app


def _endpoint(route: Route) -> Answer:
    """Let faults get in the way of a handler."""

    async def serve(request: web.Request) -> web.StreamResponse:
        fault = request.app[SIMULATOR].faults.take(route.kind)
        return await (fault.answer(request, answer) if fault else answer(request))

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await route.handler(request)
        except ApiError as error:
            return error.response()

    return serve


@web.middleware
async def _save_changes(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if request.method != "GET":
        request.app[SIMULATOR].save()
    return response


@web.middleware
async def _record(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith(("/api/", "/oauth2/")):
        request.app[SIMULATOR].record(
            RecordedRequest(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=request.headers,
                json=_json(await request.read()),
            )
        )
    return await handler(request)


@web.middleware
async def _detail_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPClientError as error:
        return ApiError(error.status, error.reason).response()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
