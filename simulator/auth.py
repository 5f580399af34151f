"""Serve the token URLs, and check the token of a request."""

from base64 import b64decode
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from .errors import ApiError
from .routing import SIMULATOR, Route, read_object
from .tokens import RefusedError, Token


def authorize(request: web.Request) -> Token:
    """Return the token of a request. Raises ApiError if there is no valid one."""
    scheme, _, access_token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ApiError(401, "Authentication credentials were not provided.")
    token = request.app[SIMULATOR].tokens.find(access_token)
    if token is None:
        raise ApiError(401, "The token is invalid or has expired.")
    return token


async def contract_token(request: web.Request) -> web.Response:
    """Serve the contract's token URL: credentials in the body, or a client's by HTTP Basic."""
    simulator = request.app[SIMULATOR]
    tokens = simulator.tokens
    body = await read_object(request)
    try:
        match body.get("grant_type"):
            case "password":
                return _granted(
                    tokens.by_password(body.get("username"), body.get("password"))
                )
            case "refresh_token":
                return _granted(tokens.by_refresh_token(body.get("refresh_token")))
            case "client_credentials" if simulator.client_credentials_url != "guide":
                client = _basic_client(request) or (
                    body.get("client_id"),
                    body.get("client_secret"),
                )
                return _granted(tokens.by_client(*client))
            case None:
                return _refused("invalid_request")
    except RefusedError as error:
        return _refused(str(error))
    return _refused("unsupported_grant_type")


async def guide_token(request: web.Request) -> web.Response:
    """Serve the guide's token URL: only client credentials, by HTTP Basic."""
    simulator = request.app[SIMULATOR]
    if simulator.client_credentials_url == "contract":
        raise ApiError(404, "Not found.")
    body = await read_object(request)
    if body.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type")
    try:
        return _granted(
            simulator.tokens.by_client(*(_basic_client(request) or (None, None)))
        )
    except RefusedError as error:
        return _refused(str(error), status=401)


def _basic_client(request: web.Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        client_id, colon, client_secret = b64decode(encoded).decode().partition(":")
    except ValueError:
        return None
    if not colon or scheme.lower() != "basic":
        return None
    # RFC 6749, 2.3.1.
    return unquote_plus(client_id), unquote_plus(client_secret)


def _granted(answer: dict[str, Any]) -> web.Response:
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


def _refused(error: str, *, status: int = 400) -> web.Response:
    return web.json_response({"error": error}, status=status)


ROUTES = (
    Route("POST", "/api/partners/v2.0/auth/token", "token", contract_token),
    Route("POST", "/oauth2/token/", "token", guide_token),
)
