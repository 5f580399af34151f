"""Faults, servers and log records for tests."""

import asyncio
import atexit
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from logging import WARNING
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, override
from unittest.mock import patch

from aiohttp import ClientTimeout
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID
import pytest

from .repository import read_texts
from custom_components.podero.api import transport
from simulator import Fault, RecordedRequest, Simulator
from simulator.faults import Kind

TOKEN_PATH = "/api/partners/v2.0/auth/token"
GUIDE_TOKEN_PATH = "/oauth2/token/"

NOT_OURS = {
    "aiohttp_fast_zlib",
    "aiohttp.server",
    "asyncio",
    "homeassistant.loader",
}
"""Loggers whose warnings are caused by the tests themselves."""


@dataclass(slots=True, kw_only=True, eq=False)
class VehicleFault(Fault):
    """A fault of one vehicle only."""

    vehicle_id: str

    @override
    def matches(self, kind: Kind, path: str) -> bool:
        return Fault.matches(self, kind, path) and self.vehicle_id in path


@dataclass(slots=True, kw_only=True, eq=False)
class HeldFault(VehicleFault):
    """Delay the answers of one vehicle or of all until `let_go` is set."""

    vehicle_id: str = ""
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @override
    async def wait(self) -> None:
        await self.let_go.wait()


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a condition sets no event
            await asyncio.sleep(0.001)


@contextmanager
def impatience(seconds: float = 0.1) -> Iterator[None]:
    """Shorten the timeout of requests."""
    timeout = ClientTimeout(total=seconds)
    with patch.object(transport, "REQUEST_TIMEOUT", timeout):
        yield


def token_requests(simulator: Simulator) -> list[RecordedRequest]:
    """Return the requests to the token URLs."""
    return [
        request
        for request in simulator.requests
        if request.path in {TOKEN_PATH, GUIDE_TOKEN_PATH}
    ]


def grants(simulator: Simulator) -> list[str]:
    """Return the grant of each request for a token."""
    return [request.json["grant_type"] for request in token_requests(simulator)]


def complaints(caplog: pytest.LogCaptureFixture, level: int = WARNING) -> list[str]:
    """Return the messages logged from a level on, except those of the tests."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and record.name not in NOT_OURS
    ]


def message(key: str) -> str:
    """Return the translated text of an exception without its period."""
    text: str = read_texts("en")["exceptions"][key]["message"]
    return text.removesuffix(".")


@asynccontextmanager
async def raw_server(answer: bytes, **options: Any) -> AsyncIterator[str]:
    """Answer any request with these bytes, and close the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    with ignored_handshakes():
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextmanager
def ignored_handshakes() -> Iterator[None]:
    """Ignore the event loop's errors of clients that close the connection."""
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: None)
    try:
        yield
    finally:
        loop.set_exception_handler(handler)


@cache
def self_signed() -> Path:
    """Return a file with a key and a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    folder = mkdtemp()
    atexit.register(rmtree, folder)
    path = Path(folder) / "server.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path
