"""Serve readings: from another process, which costs the measured one nothing, or within it."""

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
"""The bodies that each vehicle's address answers with, in turn."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests were answered, and how many of them asked for a token."""

    readings: int
    tokens: int
    most_at_once: int


class Shelf:
    """What is served, and what was."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self._readings: Readings = {}
        self._turns: Counter[str] = Counter()
        self._delay = 0.0
        self._tokens = self._waiting = self._most_waiting = 0

    def serve(self, readings: Readings, delay: float = 0) -> None:
        """Answer with these readings from now on, each client's first to begin with.

        A delay, in seconds, holds requests back that are sent at once, to be counted.
        """
        self._readings = readings
        self._delay = delay
        self._turns.clear()

    def take_counts(self) -> Counts:
        """Return what was asked for since the last call."""
        counts = Counts(self._turns.total(), self._tokens, self._most_waiting)
        self._turns.clear()
        self._tokens = self._most_waiting = 0
        return counts

    async def reading(self, request: web.Request) -> web.Response:
        """Answer with the next reading of a vehicle."""
        self._waiting += 1
        self._most_waiting = max(self._most_waiting, self._waiting)
        if self._delay:
            await asyncio.sleep(self._delay)
        self._waiting -= 1
        turn = self._turns[request.path]
        self._turns[request.path] += 1
        bodies = self._readings[request.match_info["vehicle_id"]]
        return web.Response(
            body=bodies[turn % len(bodies)], content_type="application/json"
        )

    async def token(self, request: web.Request) -> web.Response:
        """Answer with a token."""
        self._tokens += 1
        return web.json_response({"access_token": "token", "expires_in": 36000})


@dataclass(frozen=True, slots=True)
class Server:
    """What serves, as those who are measured see it."""

    url: str
    serve: Callable[..., None]
    take_counts: Callable[[], Counts]


@asynccontextmanager
async def serve_here() -> AsyncIterator[Server]:
    """Serve in the event loop that asks."""
    shelf = Shelf()
    async with _listen(shelf) as url:
        yield Server(url, shelf.serve, shelf.take_counts)


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
        shelf = Shelf()

        def take_order() -> None:
            method, arguments, named = connection.recv()
            connection.send(getattr(shelf, method)(*arguments, **named))

        async with _listen(shelf) as url:
            connection.send(url)
            asyncio.get_running_loop().add_reader(connection.fileno(), take_order)
            await asyncio.Event().wait()

    asyncio.run(serve())


@asynccontextmanager
async def _listen(shelf: Shelf) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}/{vehicle_id}", shelf.reading)
    app.router.add_post("/{path:.*}", shelf.token)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
