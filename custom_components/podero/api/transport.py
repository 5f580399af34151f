"""HTTP requests to one origin, with failures mapped to the errors of the API."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
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
from .observations import Answer, Observations

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)
"""Limits a request as a whole: connecting, sending and reading the response."""

MAX_RESPONSE_SIZE = 1024 * 1024
"""Bytes of a decompressed body, beyond which it is not read."""

MAX_CONNECTIONS = 8
"""Concurrent requests, so that many vehicles do not block the event loop in one go."""

_RETRYABLE = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

# Printable ASCII without the characters that URL parsers disagree on.
_PLAIN_REFERENCE = r"(?!//)[!#-;=?-\[\]_a-z~%]+"


def parse_url(text: str, *, encoded: bool = False) -> URL:
    """Parse a URL. Raises ValueError if it is invalid."""
    try:
        return URL(text, encoded=encoded)
    except IndexError:
        # yarl raises it for "https://[]@".
        raise ValueError("Not a URL") from None


def parse_base_url(text: str) -> URL:
    """Parse the URL of an origin.

    Raises ValueError unless it is https, or http on the loopback, without
    credentials, path, query or fragment.
    """
    url = parse_url(text.strip())
    try:
        host = url.host
    except OverflowError:
        # yarl raises it for some invalid "xn--" labels.
        raise ValueError("Not a host name") from None
    if not url.absolute or host is None or url.scheme not in {"http", "https"}:
        raise ValueError("Not an absolute http(s) URL")
    if not all(
        0 < len(label) < 64
        for label in (url.raw_host or "").removesuffix(".").split(".")
    ):
        # Invalid labels make resolvers raise arbitrary exceptions.
        raise ValueError("Not a host name")
    if url.scheme == "http" and not _is_loopback(host):
        raise ValueError("Not an https URL")
    if url != url.origin():
        raise ValueError("More than an origin")
    return url


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(eq=False, repr=False)
class Response:
    """An HTTP response: its status and its whole body."""

    status: int
    body: bytes
    answer: Answer | None = None
    """Records the keys and words of the body for the diagnostics."""

    def json(self) -> Any:
        """Decode the body. Raises InvalidResponseError if it is not JSON."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            # The decode error contains the document; do not chain it.
            pass
        else:
            if self.answer is not None:
                self.answer.note(document)
            return document
        raise InvalidResponseError("The response is not JSON")

    def member(self, name: str) -> str | None:
        """Return a string member of the JSON object in the body, or None."""
        try:
            document = self.json()
        except InvalidResponseError:
            return None
        value = document.get(name) if isinstance(document, dict) else None
        return value if isinstance(value, str) else None

    def raise_for_status(self) -> None:
        """Raise the error for a status other than 2xx."""
        match self.status:
            case status if 200 <= status < 300:
                return
            case HTTPStatus.FORBIDDEN:
                raise ForbiddenError("The account lacks permission")
            case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
                raise NotFoundError("The resource does not exist")
            case HTTPStatus.METHOD_NOT_ALLOWED:
                raise MethodNotAllowedError("The endpoint does not support the method")
            case HTTPStatus.CONFLICT:
                reason = self.member("reason")
                raise ConflictError(reason if reason in CONFLICT_REASONS else None)
            case status if 400 <= status < 500:
                raise InvalidRequestError(f"The service answered {status}")
            case status:
                raise InvalidResponseError(f"The service answered {status}")


class Transport:
    """Send requests to one origin, a few at a time, without following redirects."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        observations: Observations | None = None,
    ) -> None:
        """Use a session for an origin. Raises ValueError like parse_base_url."""
        self._observations = observations or Observations()
        self._session = session
        self._base_url = parse_base_url(base_url)
        self._origin = str(self._base_url).rstrip("/")
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)

    def resolve(self, reference: str) -> URL:
        """Resolve a relative reference against this origin.

        Raises UntrustedLinkError if it has a scheme or a host, or could be parsed as one
        that has.
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
        """Send a request and return the response, also one with a 3xx or 4xx status.

        Raises RateLimitError (429), PoderoConnectionError (unreachable, timed out, 408,
        5xx) and InvalidResponseError (too large).
        """
        if isinstance(url, str):
            path, url = url, f"{self._origin}{url}"
        else:
            path = url.raw_path
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
                    # The session of Home Assistant has one that checks the target of
                    # a redirect and logs it.
                    middlewares=(),
                ) as response:
                    body = await _read(response)
            except TimeoutError:
                failure = "The service did not answer in time"
            except (aiohttp.ClientError, OSError) as err:
                # Only the type: these errors can contain the URL and a token.
                failure = f"The service could not be reached ({type(err).__name__})"
        if failure is not None:
            raise PoderoConnectionError(failure)
        status = response.status
        answer = self._observations.note(method, path, status, response.headers)
        result = Response(status, body, answer)
        if status >= 400 and not answer.documents:
            # The bodies of errors are not documented: record the first of each kind.
            with suppress(InvalidResponseError):
                result.json()
        if status >= 500 or status in _RETRYABLE:
            retry_after = parse_retry_after(response.headers.get("Retry-After", ""))
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                raise RateLimitError("Too many requests", retry_after)
            raise PoderoConnectionError(f"The service answered {status}", retry_after)
        return result


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the body. Raises InvalidResponseError if it exceeds MAX_RESPONSE_SIZE."""
    body = b""
    while not response.content.at_eof():
        body += await response.content.readany()
        if len(body) > MAX_RESPONSE_SIZE:
            raise InvalidResponseError("The response is too large")
    return body


def parse_retry_after(header: str) -> float | None:
    """Return the seconds to wait of a Retry-After header, in either of its forms."""
    # Older releases of aiohttp keep the blanks around a header's value.
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError, OverflowError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
