"""Go wrong on request: answer anything, late, in pieces, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
import socket
import struct
from typing import Any, Literal, get_args

from aiohttp import web

type Kind = Literal[
    "token", "vehicle", "vehicles", "preferences", "boost", "sessions", "cues"
]
type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

KINDS: tuple[str, ...] = get_args(Kind.__value__)
_SIMULATED_FAILURE = b'{"detail": "Simulated failure."}'


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """Describe what goes wrong, on which requests, and how often.

    What is left out stays as the API would answer: without `status` and `body`
    the true answer is served, only late, with other headers, or in pieces.
    """

    kind: Kind | None = None  # every request to the API where None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    delay: float = 0  # seconds before the answer
    body_delay: float = 0  # seconds in the middle of the body, or at `truncate_at`
    truncate_at: int | None = (
        None  # bytes of the body after which the connection is cut
    )
    reset: bool = False  # the connection instead of answering
    count: int | None = None  # requests it lasts for, forever where None

    async def answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Answer a request wrongly."""
        await asyncio.sleep(self.delay)
        if self.reset:
            return _reset(request)
        if self.status is None and self.body is None:
            response = await answer(request)
        else:
            body = _SIMULATED_FAILURE if self.body is None else self.body
            headers = {"Content-Type": self.content_type}
            response = web.Response(
                status=self.status or 200, body=body, headers=headers
            )
        response.headers.update(self.headers)
        if self.truncate_at is not None or self.body_delay:
            return await self._in_pieces(request, response)
        return response

    async def _in_pieces(
        self, request: web.Request, whole: web.StreamResponse
    ) -> web.StreamResponse:
        body = whole.body if isinstance(whole, web.Response) else None
        content = body if isinstance(body, bytes) else b""
        cut = len(content) // 2 if self.truncate_at is None else self.truncate_at
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[:cut])
        await asyncio.sleep(self.body_delay)
        if self.truncate_at is None:
            await response.write(content[cut:])
        elif request.transport is not None:
            request.transport.close()
        return response


class Faults:
    """Hold the faults to come: the first that fits a request serves it."""

    def __init__(self) -> None:
        """Start without any."""
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._faults)

    def add(self, fault: Fault) -> None:
        """Line up a fault."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Work again."""
        self._faults.clear()

    def take(self, kind: Kind) -> Fault | None:
        """Return the fault for a request of this kind, and count it."""
        for fault in self._faults:
            if fault.kind not in (None, kind):
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
            return fault
        return None


def parse_fault(body: Mapping[str, Any]) -> Fault:
    """Return the fault that a JSON object describes, or raise ValueError."""
    options = dict(body)
    if options.get("kind") not in (None, *KINDS):
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    if isinstance(options.get("body"), str):
        options["body"] = options["body"].encode()
    try:
        return Fault(**options)
    except TypeError as error:
        raise ValueError("no such option of a fault") from error


def _reset(request: web.Request) -> web.StreamResponse:
    if (transport := request.transport) is not None:
        # Closing without lingering is what makes the kernel send a reset.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
    return web.Response()
