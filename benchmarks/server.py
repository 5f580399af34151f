"""Serve readings, from another process so that serving is not measured, or from this one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

type Readings = Mapping[str, list[bytes]]
"""The response bodies of each vehicle, in turn."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests were answered, and how many of them asked for a token."""

    readings: int
    tokens: int
    most_at_once: int


class Service:
    """Serve readings and count requests."""

    def __init__(self) -> None:
        """Start without readings."""
        self._readings: Readings = {}
        self._turns: Counter[str] = Counter()
        self._delay = 0.0
        self._tokens = self._waiting = self._most_waiting = 0

    def serve(self, readings: Readings, delay: float = 0) -> None:
        """Serve these readings from now on, starting each client with the first.

        `delay` is in seconds, for counting concurrent requests.
        """
        self._readings = readings
        self._delay = delay
        self._turns.clear()

    def take_counts(self) -> Counts:
        """Return the counts since the last call."""
        counts = Counts(self._turns.total(), self._tokens, self._most_waiting)
        self._turns.clear()
        self._tokens = self._most_waiting = 0
        return counts

    async def reading(self, request: web.Request) -> web.Response:
        """Answer with the next reading of a vehicle."""
        bodies = self._readings.get(request.match_info["vehicle_id"])
        if bodies is None:
            # Endpoints that the integration does without, such as sessions.
            raise web.HTTPNotFound
        self._waiting += 1
        self._most_waiting = max(self._most_waiting, self._waiting)
        if self._delay:
            await asyncio.sleep(self._delay)
        self._waiting -= 1
        turn = self._turns[request.path]
        self._turns[request.path] += 1
        return web.Response(
            body=bodies[turn % len(bodies)], content_type="application/json"
        )

    async def token(self, request: web.Request) -> web.Response:
        """Answer with a token."""
        self._tokens += 1
        return web.json_response({"access_token": "token", "expires_in": 36000})


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how to control it."""

    url: str
    serve: Callable[..., None]
    take_counts: Callable[[], Counts]


@asynccontextmanager
async def serve_here() -> AsyncIterator[Server]:
    """Serve from the event loop that is measured."""
    service = Service()
    async with _listen(service) as url:
        yield Server(url, service.serve, service.take_counts)


@contextmanager
def run_server() -> Iterator[Server]:
    """Serve from another process."""
    context = get_context("fork")
    connection, other_end = context.Pipe()
    process = context.Process(target=_run, args=(other_end,), daemon=True)

    def order(method: str, *arguments: Any, **named: Any) -> Any:
        connection.send((method, arguments, named))
        return connection.recv()

    process.start()
    try:
        yield Server(
            connection.recv(), partial(order, "serve"), partial(order, "take_counts")
        )
    finally:
        process.terminate()
        process.join()


def _run(connection: Connection) -> None:
    async def serve() -> None:
        service = Service()

        def take_order() -> None:
            method, arguments, named = connection.recv()
            connection.send(getattr(service, method)(*arguments, **named))

        async with _listen(service) as url:
            connection.send(url)
            asyncio.get_running_loop().add_reader(connection.fileno(), take_order)
            await asyncio.Event().wait()

    asyncio.run(serve())


@asynccontextmanager
async def _listen(service: Service) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}/{vehicle_id}", service.reading)
    app.router.add_post("/{path:.*}", service.token)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
