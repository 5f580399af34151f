"""Failures between Home Assistant and the cloud, and the recovery from each."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
import gzip
from http import HTTPStatus
from logging import INFO, WARNING
import re
import socket
import ssl
from typing import Any
from unittest.mock import AsyncMock, patch

import aiohttp
import pytest
from yarl import URL

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from .home import Home, account_entry
from .support import (
    HeldFault,
    VehicleFault,
    complaints,
    ignored_handshakes,
    impatience,
    message,
    self_signed,
    token_requests,
    until,
)
from simulator import Fault, Server, Simulator

pytestmark = pytest.mark.usefixtures("without_retry_delay")

MEBIBYTE = 1024 * 1024
LOOPBACK = {"host": "127.0.0.1", "family": socket.AF_INET, "proto": 0, "flags": 0}


@pytest.fixture
async def home(home: Home, caplog: pytest.LogCaptureFixture) -> Home:
    """Return a home with two cars that is set up."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.simulator.requests.clear()
    caplog.clear()
    return home


def _failed(number: int, key: str) -> str:
    return f"Error fetching Car {number} data: {message(key)}"


def _recovered(number: int) -> str:
    return f"Fetching Car {number} data recovered"


# Faults of one vehicle: the fault, the message, and the requests of a poll.

CANNOT_CONNECT = {
    "cut before the body": {"truncate_at": 0},
    "cut in the body": {"truncate_at": 500},
    "no encoding": {"body": b"not compressed", "headers": {"Content-Encoding": "gzip"}},
    "proxy": {"status": 502, "body": b"<html></html>", "content_type": "text/html"},
    "overload": {"status": 503},
}
INVALID_RESPONSE = {
    "empty": {"body": b""},
    "no content": {"status": 204, "body": b""},
    "truncated JSON": {"body": b'{"battery_level": 5, "driv'},
    "no JSON": {"body": b"{battery_level: 5}"},
    "HTML": {"body": b"<html>Sign in</html>", "content_type": "text/html"},
    "array": {"body": b"[{}]"},
    "number": {"body": b"42"},
    "text": {"body": b'"ok"'},
    "null": {"body": b"null"},
    "NaN": {"body": b'{"battery_level": NaN}'},
    "Infinity": {"body": b'{"battery_level": Infinity}'},
    "beyond a double": {"body": b'{"battery_level": 1e999}'},
    "lone surrogate": {"body": b'{"comment": "\\udfff"}'},
    "no UTF-8": {"body": b'{"comment": "\xc3("}'},
    "deep nesting": {"body": b'{"actions":' + b"[" * 100_000 + b"]" * 100_000 + b"}"},
    "50 MB": {"body": bytes(50 * MEBIBYTE)},
    "bomb": {
        "body": gzip.compress(bytes(50 * MEBIBYTE)),
        "headers": {"Content-Encoding": "gzip"},
    },
    "redirect": {"status": 302, "headers": {"Location": "https://evil.example/"}},
    "redirect to nowhere": {"status": 307},
    "not modified": {"status": 304, "body": b""},
}
FAULTS = [
    *((fault, "cannot_connect", 2) for fault in CANNOT_CONNECT.values()),
    *((fault, "invalid_response", 1) for fault in INVALID_RESPONSE.values()),
]


@pytest.mark.parametrize(
    ("fault", "key", "requests"),
    FAULTS[::4],
    ids=[*CANNOT_CONNECT, *INVALID_RESPONSE][::4],
)
async def test_fault_of_one_vehicle(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    key: str,
    requests: int,
) -> None:
    """The vehicle is unavailable, logged once, polled each minute, and recovers."""
    before = home.shown(0)
    home.break_vehicle(**fault)
    for polls in range(3):
        await home.later()
        assert not home.is_available(0)
        assert home.is_available(1)
        assert len(home.vehicle_requests(0)) == requests + polls
        assert len(home.vehicle_requests(1)) == 1 + polls
        await home.later(45)
        assert len(home.vehicle_requests(0)) == requests + polls
    assert complaints(caplog, INFO) == [_failed(1, key)]
    home.simulator.clear_faults()
    await home.later()
    assert home.shown(0) == before
    assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)]
    assert not home.reauth_flows()


async def test_every_fault(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """The same for all faults, one after the other."""
    before = home.shown(0)
    for fault, key, requests in FAULTS:
        caplog.clear()
        home.simulator.requests.clear()
        home.break_vehicle(**fault)
        await home.later()
        assert not home.is_available(0), fault
        assert home.is_available(1), fault
        assert len(home.vehicle_requests(0)) == requests, fault
        home.simulator.clear_faults()
        await home.later()
        assert home.shown(0) == before, fault
        assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)], fault
    assert not home.reauth_flows()


@pytest.mark.parametrize("fault", [{"reset": True}, {"delay": 9}, {"body_delay": 9}])
async def test_connection_that_breaks_or_stalls(
    home: Home, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    """The same for a connection that is reset or stalls."""
    home.break_vehicle(**fault)
    with impatience(0.4):
        for _ in range(2):
            await home.later()
            assert not home.is_available(0)
            assert home.is_available(1)
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)
    assert complaints(caplog, INFO) == [_failed(1, "cannot_connect"), _recovered(1)]


@pytest.mark.parametrize(
    "fault",
    [
        {"content_type": "text/html", "body": b'{"owner": null, "battery_level": 5}'},
        {"content_type": "nonsense", "body": b'{"owner": null, "battery_level": 5}'},
        {"status": 201, "body": b'{"owner": null, "battery_level": 5}'},
        {
            "body": b'{"owner": null, "battery_level": 5, "odometer": 1e308, "x": {"y": [[[]]]}}'
        },
    ],
)
async def test_strange_but_usable(
    home: Home, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    """An answer that can be parsed is shown."""
    home.simulator.add_fault(kind="vehicle", **fault)
    await home.later()
    assert home.state("sensor.car_1_battery") == "5"
    assert not complaints(caplog, INFO)


async def test_every_status(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Any status of a proxy or Django costs one vehicle one poll."""
    keys = {
        **dict.fromkeys(range(400, 500), "invalid_request"),
        **dict.fromkeys(range(500, 600), "cannot_connect"),
        HTTPStatus.FORBIDDEN: "forbidden",
        HTTPStatus.NOT_FOUND: "not_found",
        HTTPStatus.GONE: "not_found",
        HTTPStatus.CONFLICT: "conflict",
        HTTPStatus.REQUEST_TIMEOUT: "cannot_connect",
        HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    }
    del keys[HTTPStatus.UNAUTHORIZED]
    first, second = home.coordinator(0), home.coordinator(1)
    for status, key in keys.items():
        caplog.clear()
        home.break_vehicle(status=int(status))
        await first.async_refresh()
        await second.async_refresh()
        assert (first.last_update_success, second.last_update_success) == (False, True)
        home.simulator.clear_faults()
        await first.async_refresh()
        assert first.last_update_success
        assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)], status
    assert not home.reauth_flows()
    assert home.is_available()


async def test_401_of_one_vehicle(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A new token that is refused starts a reauthentication flow; polling continues."""
    home.break_vehicle(status=401)
    for polls in range(1, 4):
        await home.later()
        assert not home.is_available(0)
        assert home.is_available(1)
        assert len(home.vehicle_requests(0)) == 2 * polls
        assert len(token_requests(home.simulator)) == polls
        assert len(home.reauth_flows()) == 1
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)
    assert complaints(caplog) == [_failed(1, "invalid_auth")]


async def test_401_of_one_vehicle_at_set_up(home: Home) -> None:
    """A reauthentication flow starts, and the other vehicle is available."""
    home.break_vehicle(status=401)
    await home.reload()
    await home.hass.async_block_till_done()
    assert not home.is_available(0)
    assert home.is_available(1)
    assert len(home.reauth_flows()) == 1
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)


async def test_401_of_all_at_set_up(home: Home) -> None:
    """The set-up fails for good: a reauthentication flow starts, and nothing is retried."""
    home.simulator.add_fault(Fault(kind="vehicle", status=401))
    assert not await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_ERROR
    assert len(home.reauth_flows()) == 1
    asked = len(home.simulator.requests)
    await home.later(3600)
    assert len(home.simulator.requests) == asked


async def test_one_is_refused_and_one_silent_at_set_up(home: Home) -> None:
    """Home Assistant retries the set-up while one vehicle may still be reached."""
    refused = VehicleFault(kind="vehicle", vehicle_id=home.car.id, status=401)
    home.simulator.add_fault(refused)
    home.simulator.add_fault(kind="vehicle", status=503)
    assert not await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    home.simulator.clear_faults()
    home.simulator.add_fault(refused)
    await home.later()
    assert home.entry.state is ConfigEntryState.LOADED
    assert not home.is_available(0)
    assert home.is_available(1)
    assert len(home.reauth_flows()) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_of_one_vehicle_at_set_up(home: Home, status: int) -> None:
    """The vehicle is not polled until Retry-After has passed; the other one is."""
    headers = {"Retry-After": "600"}
    home.break_vehicle(status=status, headers=headers)
    await home.reload()
    await home.hass.async_block_till_done()
    home.simulator.clear_faults()
    home.simulator.requests.clear()
    await home.later(90)
    assert not home.vehicle_requests(0)
    assert home.vehicle_requests(1)
    await home.later(601)
    assert home.is_available(0)


async def test_a_refused_token_is_not_sent_again(home: Home) -> None:
    """A refused token is not used again, even if the renewal fails."""
    home.simulator.revoke_tokens()
    home.simulator.add_fault(kind="token", status=503)
    await home.later()
    home.simulator.requests.clear()
    await home.later()
    assert token_requests(home.simulator)
    assert not home.vehicle_requests(0)
    assert not home.vehicle_requests(1)
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)


async def test_server_that_hangs_up_without_a_word(
    hass: HomeAssistant, server: Server
) -> None:
    """A token is renewed over a new connection, although its request is not repeated."""
    address = URL(server.url)

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            back, forth = await asyncio.open_connection(address.host, address.port)
            forth.write(await _read_message(reader))
            writer.write(await _read_message(back))
            forth.close()
            # The answer arrives first, and then the end.
            await asyncio.sleep(0.01)
        writer.close()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        entry = account_entry(server, 0, base_url=f"http://127.0.0.1:{port}")
        home = Home(hass, server, entry)
        await home.set_up()
        home.simulator.revoke_tokens()
        for _ in range(2):
            # By then the connections are closed.
            await asyncio.sleep(0.1)
            await home.later()
        assert home.is_available()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """Return a request or an answer with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@pytest.mark.parametrize(
    "where", ["https://robin:secret@℀/", "https://[x", "//x:99999/"]
)
async def test_redirect_is_not_looked_at(
    home: Home, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """The target of a redirect is neither resolved nor logged.

    Home Assistant's session resolves targets if the redirecting host is another machine.
    """
    home.simulator.add_fault(kind="vehicle", status=302, headers={"Location": where})
    with patch(
        "homeassistant.helpers.aiohttp_client._async_is_blocked_host",
        AsyncMock(return_value=False),
    ) as looked_up:
        await home.later()
    assert not looked_up.called
    assert sorted(complaints(caplog)) == [
        _failed(1, "invalid_response"),
        _failed(2, "invalid_response"),
    ]


# Faults of the whole account.


async def test_refused_connection(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A cloud that is down is logged once for each vehicle, until it is up again."""
    await home.server.stop()
    for _ in range(3):
        await home.later()
    assert not home.is_available(0)
    assert not home.is_available(1)
    failures = [_failed(1, "cannot_connect"), _failed(2, "cannot_connect")]
    assert sorted(complaints(caplog, INFO)) == failures
    caplog.clear()
    await home.server.start()
    await home.later()
    assert home.is_available(0)
    assert home.is_available(1)
    assert sorted(complaints(caplog, INFO)) == [_recovered(1), _recovered(2)]


@pytest.fixture
def resolve() -> Iterator[AsyncMock]:
    """Resolve any name to this machine."""

    def find(host: str, port: int, family: int) -> list[Any]:
        return [{**LOOPBACK, "hostname": host, "port": port}]

    with patch.object(aiohttp.AsyncResolver, "resolve", side_effect=find) as resolve:
        yield resolve


@pytest.fixture
def named(hass: HomeAssistant, server: Server, resolve: AsyncMock) -> Home:
    """Return a home whose server is known by its name."""
    base_url = server.url.replace("127.0.0.1", "localhost")
    return Home(hass, server, account_entry(server, 0, base_url=base_url))


async def test_name_that_is_not_found(
    named: Home, caplog: pytest.LogCaptureFixture, resolve: AsyncMock
) -> None:
    """A resolver that fails is a connection that fails."""
    await named.set_up()
    caplog.clear()
    # Close the connections and clear the cache.
    await named.server.stop()
    await named.server.start()
    connector = async_get_clientsession(named.hass).connector
    assert isinstance(connector, aiohttp.TCPConnector)
    connector.clear_dns_cache()
    resolve.side_effect, resolved = OSError(None, "no name"), resolve.side_effect
    for _ in range(3):
        await named.later()
        assert not named.is_available()
    resolve.side_effect = resolved
    await named.later()
    assert named.is_available()
    assert complaints(caplog, INFO) == [_failed(1, "cannot_connect"), _recovered(1)]


async def test_no_cookie_is_kept(named: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A cookie of the service is neither sent back nor logged."""
    named.simulator.add_fault(headers={"Set-Cookie": "session=1; Path=/"})
    await named.set_up()
    named.simulator.clear_faults()
    named.simulator.add_fault(headers={"Set-Cookie": "expires,robin@example.com=1"})
    await named.later()
    # A token, the vehicle twice, and the list of vehicles.
    assert len(named.poll_requests()) == 4
    assert not any("Cookie" in request.headers for request in named.simulator.requests)
    assert "robin@example.com" not in caplog.text


@pytest.fixture
async def secured(simulator: Simulator) -> AsyncGenerator[str]:
    """Serve the simulator over TLS with a self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed())
    with ignored_handshakes():
        async with Server(simulator, ssl_context=context) as server:
            yield server.url


async def test_certificate_that_is_not_trusted(
    hass: HomeAssistant,
    server: Server,
    secured: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No request is sent while the certificate is not trusted; then all works."""
    context = ssl.create_default_context()
    with patch("homeassistant.util.ssl.client_context", return_value=context):
        async_get_clientsession(hass)
    home = Home(hass, server, account_entry(server, 0, base_url=secured))
    await home.fail_to_set_up()
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    await home.later(600)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert not home.simulator.requests
    assert home.entry.reason == message("cannot_connect")
    assert not [line for line in complaints(caplog) if "not ready" not in line]
    certificate, _, _ = self_signed().read_text().partition("-----BEGIN PRIVATE")
    context.load_verify_locations(cadata=certificate)
    await home.later(1200)
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.is_available()
    assert not home.reauth_flows()


TOKEN_ANSWERS = [
    *({"body": body} for body in (b"", b"null", b"[]", b'"x"', b"7", b"{}", b"<p>")),
    *({"body": b'{"access_token": %s}' % value} for value in (b"1", b'""', b"[]")),
    {"body": b'{"access_token": "a b"}'},
    {"body": bytes(2 * MEBIBYTE)},
    {"status": 302, "headers": {"Location": "https://evil.example/"}},
    *({"status": status} for status in (400, 403, 404, 408, 422, 429, 500, 502, 503)),
    *({"reset": True}, {"truncate_at": 3}),
    {"status": 503, "headers": {"Retry-After": "40"}},
]


async def test_token_that_cannot_be_renewed(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """No reauthentication flow starts unless the credentials are refused."""
    for fault in TOKEN_ANSWERS:
        caplog.clear()
        home.simulator.revoke_tokens()
        home.simulator.add_fault(kind="token", **fault)
        for _ in range(2):
            await home.later()
            assert not home.is_available(0), fault
            assert not home.is_available(1), fault
        assert len(complaints(caplog)) == 2, fault
        home.simulator.clear_faults()
        await home.later()
        assert home.is_available(0), fault
        assert home.is_available(1), fault
        assert len(complaints(caplog, INFO)) == 4, fault
    assert not home.reauth_flows()


@pytest.mark.parametrize("refresh_tokens", [True, False])
async def test_token_revoked_during_a_poll(
    home: Home, caplog: pytest.LogCaptureFixture, refresh_tokens: bool
) -> None:
    """Both requests succeed when they are repeated, with one renewal."""
    held = HeldFault(kind="vehicle", count=2)
    home.simulator.add_fault(held)
    polls = asyncio.gather(
        *(
            coordinator.async_refresh()
            for coordinator in home.entry.runtime_data.coordinators.values()
        )
    )
    await until(lambda: len(home.simulator.requests) == 2)
    home.simulator.revoke_tokens(refresh_tokens=refresh_tokens)
    held.let_go.set()
    await polls
    assert len(home.simulator.requests) == 5 + refresh_tokens
    assert not complaints(caplog, INFO)
    assert home.is_available()


@pytest.mark.parametrize("whose", ["home", "cloud"])
@pytest.mark.parametrize("days", [-365, -1, 1, 365])
async def test_clock_that_jumps(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    whose: str,
    days: int,
) -> None:
    """The interval does not depend on the wall clocks."""

    def _now() -> datetime:
        return datetime.now(UTC) + timedelta(days=days)

    clocks: dict[str, tuple[Any, str]] = {
        "home": (dt_util, "utcnow"),
        "cloud": (home.simulator.clock, "_now"),
    }
    monkeypatch.setattr(*clocks[whose], _now)
    for _ in range(3):
        home.simulator.requests.clear()
        await home.later(45)
        assert not home.simulator.requests
        await home.later()
        assert home.is_available(0)
        assert home.is_available(1)
        assert 1 <= len(home.vehicle_requests()) <= 2
        assert len(token_requests(home.simulator)) <= 2
    assert not complaints(caplog, INFO)


async def test_token_that_does_not_come(home: Home) -> None:
    """A timeout of the token URL is no refusal either."""
    home.simulator.revoke_tokens()
    home.simulator.add_fault(kind="token", delay=9)
    with impatience():
        await home.later()
    assert not home.is_available(0)
    assert not home.reauth_flows()
    home.simulator.clear_faults()
    await home.later()
    assert home.is_available(0)


async def test_all_at_once(
    hass: HomeAssistant, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Six vehicles that stall delay no poll, and are logged once each."""
    for _ in range(4):
        server.simulator.add_vehicle()
    home = Home(hass, server, account_entry(server, *range(6)))
    await home.set_up()
    caplog.clear()
    home.simulator.add_fault(kind="vehicle", delay=9)
    with impatience():
        for _ in range(2):
            await home.later()
    assert len(complaints(caplog, WARNING)) == 6
    home.simulator.clear_faults()
    home.simulator.requests.clear()
    await home.later()
    assert len(home.simulator.requests) == 6
    assert all(home.is_available(number) for number in range(6))
