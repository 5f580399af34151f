"""Serve a simulator over HTTP: the API, the maker's sign-in page, and the controls."""

from collections.abc import Iterable
import json
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from . import api, auth, control, cues, maker, onboarding, users
from .cloud import Simulator
from .errors import ApiError
from .failures import Answer, answer_with_fault
from .faults import CONTRACT_KINDS
from .requests import RecordedRequest
from .routing import SIMULATOR, Route


class Server:
    """Serve a simulator on a port of this machine."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: SSLContext | None = None,
        middlewares: Iterable[Middleware] = (),
    ) -> None:
        """Choose the address (port 0: any free one) and further, innermost middlewares."""
        self.simulator = simulator
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._middlewares = middlewares
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, on the same port as before."""
        runner = web.AppRunner(
            self._build_app(),
            access_log=None,
            # Faults delay answers for long: cancel them when the client disconnects or
            # the server stops.
            handler_cancellation=True,
            shutdown_timeout=0.01,
        )
        await runner.setup()
        self._runner = runner
        await web.TCPSite(
            runner, self._host, self._port, ssl_context=self._ssl_context
        ).start()
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Save the state, and stop listening."""
        self.simulator.save()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Return the base URL. The port is known after the start."""
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://{self._host}:{self._port}"

    def _build_app(self) -> web.Application:
        app = web.Application(middlewares=[_save_changes, _record, _detail_errors])
        app[SIMULATOR] = self.simulator
        for module in (auth, users, api, cues, onboarding):
            for route in module.ROUTES:
                app.router.add_route(route.method, route.path, _endpoint(route))
        app.router.add_get(maker.PATH, maker.show)
        app.router.add_post(maker.PATH, maker.choose)
        app.router.add_get(onboarding.PATH, onboarding.show)
        app.router.add_post(onboarding.PATH, onboarding.choose)
        control.add_routes(app)
        # The innermost middlewares see the answer after a fault was applied.
        app.middlewares.extend(self._middlewares)
        return app


def _endpoint(route: Route) -> Answer:
    """Return the handler of a route, with the faults in effect applied to it."""

    async def serve(request: web.Request) -> web.StreamResponse:
        fault = request.app[SIMULATOR].faults.take(route.kind, request.path)
        if fault is None:
            return await answer(request)
        return await answer_with_fault(fault, request, answer)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.app[SIMULATOR].contract_only and route.kind not in CONTRACT_KINDS:
            return ApiError(404, "Not found.").response()
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
