"""Serve readings from another process, so that serving costs the measured one nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import override

import orjson

type Readings = Mapping[str, list[bytes]]
"""The bodies that each vehicle's address answers with, in turn."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Date: Mon, 02 Nov 2026 12:00:00 GMT\r\n"
    b"Server: benchmark\r\n"
    b"\r\n"
)
_TOKEN = orjson.dumps({"access_token": "token", "expires_in": 36000})


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests were answered, and how many of them asked for a token."""

    readings: int
    tokens: int
    most_at_once: int


class Server:
    """The process that serves, as the measured one sees it."""

    def __init__(self, connection: Connection, port: int) -> None:
        """Talk to the process over a connection."""
        self._connection = connection
        self.url = f"http://127.0.0.1:{port}"

    def serve(self, readings: Readings, delay: float = 0) -> None:
        """Answer with these readings from now on, each client's first to begin with.

        A delay, in seconds, holds requests back that are sent at once, to be counted.
        """
        self._connection.send((readings, delay))
        self._connection.recv()

    def take_counts(self) -> Counts:
        """Return what was asked for since the last call."""
        self._connection.send(None)
        counts: Counts = self._connection.recv()
        return counts


@contextmanager
def run_server() -> Iterator[Server]:
    """Run the process."""
    context = get_context("fork")
    connection, other_end = context.Pipe()
    process = context.Process(target=_run, args=(other_end,), daemon=True)
    process.start()
    try:
        yield Server(connection, connection.recv())
    finally:
        process.terminate()
        process.join()


def _run(connection: Connection) -> None:
    asyncio.run(_serve(connection))


async def _serve(connection: Connection) -> None:
    book = _Book()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(book), "127.0.0.1", 0)
    connection.send(server.sockets[0].getsockname()[1])

    def take_order() -> None:
        order = connection.recv()
        if order is None:
            connection.send(book.take_counts())
        else:
            book.open(*order)
            connection.send(True)

    loop.add_reader(connection.fileno(), take_order)
    await asyncio.Event().wait()


def _answer(body: bytes) -> bytes:
    return _HEAD % len(body) + body


class _Book:
    """What is served, and what was."""

    def __init__(self) -> None:
        self._answers: dict[bytes, list[bytes]] = {}
        self._turns: Counter[bytes] = Counter()
        self._tokens = 0
        self._token = _answer(_TOKEN)
        self._waiting = self._most_waiting = 0
        self.delay = 0.0

    def open(self, readings: Readings, delay: float) -> None:
        """Serve other readings."""
        self.delay = delay
        self._answers = {
            vehicle_id.encode(): [_answer(body) for body in bodies]
            for vehicle_id, bodies in readings.items()
        }
        self._turns.clear()

    def take_counts(self) -> Counts:
        """Return what was asked for, and forget it."""
        counts = Counts(self._turns.total(), self._tokens, self._most_waiting)
        self._turns.clear()
        self._tokens = self._most_waiting = 0
        return counts

    def begin(self) -> None:
        """Note that a request came in."""
        self._waiting += 1
        self._most_waiting = max(self._most_waiting, self._waiting)

    def answer(self, request: bytes) -> bytes:
        """Return the next answer to a request."""
        self._waiting -= 1
        method, path, _ = request.split(b" ", 2)
        if method != b"GET":
            self._tokens += 1
            return self._token
        turn = self._turns[path]
        self._turns[path] += 1
        answers = self._answers[path.rpartition(b"/")[2]]
        return answers[turn % len(answers)]


class _Protocol(asyncio.Protocol):
    """One client's connection; it sends a request only after the last was answered."""

    def __init__(self, book: _Book) -> None:
        self._book = book

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._request = b""

    @override
    def data_received(self, data: bytes) -> None:
        if not self._request:
            self._book.begin()
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            if self._book.delay:
                asyncio.get_running_loop().call_later(self._book.delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        request, self._request = self._request, b""
        self._transport.write(self._book.answer(request))


def _length(head: bytes) -> int:
    """Return how long the body of a request is."""
    _, _, rest = head.lower().partition(b"content-length: ")
    return int(rest.partition(b"\r\n")[0] or 0)
