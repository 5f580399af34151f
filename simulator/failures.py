"""Answer a request as a fault describes."""

import asyncio
from collections.abc import Awaitable, Callable
import socket
import struct

from aiohttp import web

from .faults import Fault

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SIMULATED_FAILURE = b'{"detail": "Simulated failure."}'


async def answer_with_fault(
    fault: Fault, request: web.Request, answer: Answer
) -> web.StreamResponse:
    """Answer a request as a fault describes; `answer` gives the true answer."""
    await fault.wait()
    if fault.reset:
        return _reset(request)
    if fault.status is None and fault.body is None:
        response = await answer(request)
    else:
        response = web.Response(
            status=fault.status or 200,
            body=_SIMULATED_FAILURE if fault.body is None else fault.body,
            headers={"Content-Type": fault.content_type},
        )
    response.headers.update(fault.headers)
    if fault.truncate_at is not None or fault.body_delay:
        return await _send_in_two_parts(fault, request, response)
    return response


async def _send_in_two_parts(
    fault: Fault, request: web.Request, whole: web.StreamResponse
) -> web.StreamResponse:
    body = whole.body if isinstance(whole, web.Response) else None
    content = body if isinstance(body, bytes) else b""
    cut = len(content) // 2 if fault.truncate_at is None else fault.truncate_at
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[:cut])
    await asyncio.sleep(fault.body_delay)
    if fault.truncate_at is None:
        await response.write(content[cut:])
    elif request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> web.StreamResponse:
    if (transport := request.transport) is not None:
        # Closing with a linger time of 0 makes the kernel send a reset.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
    return web.Response()
