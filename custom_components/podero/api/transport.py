"""HTTP with the account's own origin, and the one place where it becomes our errors."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
import re
from typing import Any

import aiohttp
import orjson
from yarl import URL

from .errors import (
    CONFLICT_REASONS,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    MethodNotAllowedError,
    NotFoundError,
    PoderoConnectionError,
    RateLimitError,
    UntrustedLinkError,
)

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)
"""How long one request may take, from the first byte out to the last byte in."""

MAX_RESPONSE_SIZE = 1024 * 1024
"""Bytes of an answer, decompressed, beyond which it is not read any further."""

MAX_CONNECTIONS = 8
"""Requests under way at once, so that many vehicles do not answer in one stall."""

_NOT_NOW = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

# Printable ASCII without what browsers and libraries read in different ways.
_PLAIN_REFERENCE = r"(?!//)[!#-;=?-\[\]_a-z~%]+"


def parse_url(text: str, *, encoded: bool = False) -> URL:
    """Return what an address says. Raises ValueError if it is none."""
    try:
        return URL(text, encoded=encoded)
    except IndexError:
        # yarl looks for the host of "https://[]@" beyond its end.
        raise ValueError("Not an address") from None


def parse_base_url(text: str) -> URL:
    """Return the origin that `text` names.

    Raises ValueError unless it is https, or http on the loopback, without
    credentials, path, query or fragment.
    """
    url = parse_url(text.strip())
    if not url.absolute or url.host is None or url.scheme not in {"http", "https"}:
        raise ValueError("Not an absolute http(s) address")
    if not all(
        0 < len(label) < 64
        for label in (url.raw_host or "").removesuffix(".").split(".")
    ):
        # Resolvers raise what they like.
        raise ValueError("Not a host name")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ValueError("Not an https address")
    if url != url.origin():
        raise ValueError("More than an origin")
    return url


def _is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(slots=True, eq=False, repr=False)
class Response:
    """What came back: the status, and the whole body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the decoded body. Raises InvalidResponseError if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            # It holds the document: it goes no further, not even as a context.
            pass
        raise InvalidResponseError("The answer is not JSON")

    def member(self, name: str) -> str | None:
        """Return a text of the JSON object in the body, or None without one."""
        try:
            document = self.json()
        except InvalidResponseError:
            return None
        value = document.get(name) if isinstance(document, dict) else None
        return value if isinstance(value, str) else None

    def raise_for_status(self) -> None:
        """Raise the error that a status other than success means."""
        match self.status:
            case status if 200 <= status < 300:
                return
            case HTTPStatus.FORBIDDEN:
                raise ForbiddenError("The account has no right to this")
            case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
                raise NotFoundError("There is no such thing")
            case HTTPStatus.METHOD_NOT_ALLOWED:
                raise MethodNotAllowedError("There is no such endpoint")
            case HTTPStatus.CONFLICT:
                reason = self.member("reason")
                raise ConflictError(reason if reason in CONFLICT_REASONS else None)
            case status if 400 <= status < 500:
                raise InvalidRequestError(f"The service answered {status}")
            case status:
                raise InvalidResponseError(f"The service answered {status}")


class Transport:
    """Send requests to one origin, a few at a time, and never follow a redirect."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        """Use a session for an origin. Raises ValueError as parse_base_url does."""
        self._session = session
        self._base_url = parse_base_url(base_url)
        self._origin = str(self._base_url).rstrip("/")
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)

    def resolve(self, reference: str) -> URL:
        """Return the address that a relative reference means at this origin.

        Raises UntrustedLinkError if it names a scheme, a host, or anything else that
        could lead elsewhere.
        """
        if not re.fullmatch(_PLAIN_REFERENCE, reference):
            raise UntrustedLinkError("Not a plain relative reference")
        try:
            url = parse_url(reference, encoded=True)
            resolved = self._base_url.join(url)
            trusted = not url.scheme and resolved.origin() == self._base_url
        except ValueError:
            trusted = False
        if not trusted:
            raise UntrustedLinkError("Not a reference to this origin")
        return resolved

    async def request(
        self,
        method: str,
        url: str | URL,
        *,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and return its answer, whatever its status below 500.

        Raises RateLimitError (429), PoderoConnectionError (unreachable, timed out, 5xx)
        and InvalidResponseError (too large).
        """
        if isinstance(url, str):
            url = f"{self._origin}{url}"
        sent = {"Accept": "application/json", **(headers or {})}
        if json is not None:
            sent["Content-Type"] = "application/json"
        failure = None
        async with self._slots:
            try:
                async with self._session.request(
                    method,
                    url,
                    data=None if json is None else orjson.dumps(json),
                    headers=sent,
                    allow_redirects=False,
                    timeout=REQUEST_TIMEOUT,
                    # Not the session's: one of Home Assistant's looks up where a
                    # redirect leads, and complains of it.
                    middlewares=(),
                ) as answer:
                    body = await _read(answer)
            except TimeoutError:
                failure = "The service did not answer in time"
            except (aiohttp.ClientError, OSError) as err:
                # The kind is enough: these errors can hold the address, and a token.
                failure = f"The service could not be reached ({type(err).__name__})"
        if failure is not None:
            raise PoderoConnectionError(failure)
        status = answer.status
        if status >= 500 or status in _NOT_NOW:
            retry_after = _seconds(answer.headers.get("Retry-After", ""))
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                raise RateLimitError("The service was asked too often", retry_after)
            raise PoderoConnectionError(f"The service answered {status}", retry_after)
        return Response(status, body)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises InvalidResponseError where it exceeds the bound."""
    body = b""
    while not answer.content.at_eof():
        body += await answer.content.readany()
        if len(body) > MAX_RESPONSE_SIZE:
            raise InvalidResponseError("The answer is too large")
    return body


def _seconds(retry_after: str) -> float | None:
    """Return the seconds that a Retry-After header means, in either of its forms."""
    # Older releases of aiohttp keep the blanks around a header's value.
    retry_after = retry_after.strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError, OverflowError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
