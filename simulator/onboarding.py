"""Serve the onboarding of new devices, and Podero's page for it."""

from datetime import timedelta
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from .account import Account
from .auth import authorize
from .connections import Connection
from .errors import ApiError
from .habits import MODELS
from .routing import SIMULATOR, Route, read_object

PATH = "/onboarding/{connection_id}"

HEAT_PUMP: Final = "heat-pump"
"""The choice of a device that is not a car."""

_LANGUAGES = ("sv", "de", "en", "hu", "it", "et", "pl", "ro")
_PRICE_ZONES = (
    *("AT", "AT_HOURLY", "BE", "CH", "EE", "DE_LU", "HU", "PT", "RO", "UK"),
    *("IT_CNOR", "IT_CSUD", "IT_NORD", "IT_PUN", "IT_SARD", "IT_SICI", "IT_SUD"),
    *("SE_1", "SE_2", "SE_3", "SE_4"),
)
_LONGEST = timedelta(days=1)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Connect a device to Podero</title>
<style>
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem;
    color: #1c2530; background: #f4f6f8; }}
  button {{ font: inherit; display: block; width: 100%; padding: .6rem 1.2rem; margin: .5rem 0;
    border: 1px solid #8a97a6; border-radius: .5rem; background: #fff; color: inherit; cursor: pointer; }}
</style>
<h1>Connect a device to Podero</h1>
{content}
</html>
"""
_CHOICES = """<p>Which device do you want to connect, {name}?</p>
<form method="post">
{models}
  <button name="choice" value="heat-pump">A heat pump</button>
  <button name="choice" value="cancel">Cancel</button>
  <button name="choice" value="close">Close</button>
</form>"""
_CHOICE = '  <button name="choice" value="{number}">{name}</button>'
_CLOSED = "<p>You can close this window: nothing was changed.</p>"


async def start(request: web.Request) -> web.Response:
    """Start to connect a device of a user."""
    token = authorize(request)
    simulator = request.app[SIMULATOR]
    if not simulator.offers_onboarding:
        raise ApiError(404, "Not found.")
    body = await read_object(request)
    owner = _find_owner(request, body.get("user_id"))
    if token.organization_id != owner.organization_id or token.user_id not in (
        None,
        owner.user_id,
    ):
        raise ApiError(403, "You do not have permission to perform this action.")
    if body.get("language") not in _LANGUAGES:
        raise ApiError(422, "language: not one of those offered.")
    if body.get("price_zone_default") not in _PRICE_ZONES:
        raise ApiError(422, "price_zone_default: no such zone.")
    for name in ("success_url", "cancel_url"):
        if urlsplit(str(body.get(name))).scheme not in ("http", "https"):
            raise ApiError(422, f"{name}: not a web page.")
    now = simulator.clock.wall()
    connection = Connection(
        id=str(uuid5(NAMESPACE_URL, f"onboarding/{len(simulator.connections)}")),
        owner=owner,
        success_url=body["success_url"],
        cancel_url=body["cancel_url"],
        expires_at=now.replace(hour=23, minute=59, second=59) + _LONGEST,
    )
    simulator.connections[connection.id] = connection
    return web.json_response(_document(request, connection))


async def read(request: web.Request) -> web.Response:
    """Serve the state of connecting a device."""
    token = authorize(request)
    connection = request.app[SIMULATOR].connections.get(
        request.match_info["connection_id"]
    )
    if connection is None or token.user_id not in (None, connection.owner.user_id):
        raise ApiError(404, "Not found.")
    return web.json_response(_document(request, connection))


async def show(request: web.Request) -> web.Response:
    """Serve the page on which a device is chosen."""
    connection = _find(request)
    models = "\n".join(
        _CHOICE.format(
            number=number, name=escape(f"{model.manufacturer} {model.model}")
        )
        for number, model in enumerate(MODELS)
    )
    return _page(
        _CHOICES.format(name=escape(connection.owner.first_name), models=models)
    )


async def choose(request: web.Request) -> web.Response:
    """Connect the chosen device, and redirect the browser back."""
    connection = _find(request)
    simulator = request.app[SIMULATOR]
    choice = (await request.post()).get("choice")
    if choice == "close":
        return _page(_CLOSED)
    if choice == "cancel":
        raise web.HTTPSeeOther(connection.cancel_url)
    if choice == HEAT_PUMP:
        device_id = str(uuid5(NAMESPACE_URL, f"heat-pumps/{connection.id}"))
    else:
        device_id = simulator.connect_vehicle(
            connection.owner.user_id, int(str(choice))
        ).id
    if simulator.onboarding_names_device:
        connection.object_id = device_id
    raise web.HTTPSeeOther(connection.success_url)


def _find_owner(request: web.Request, user_id: Any) -> Account:
    for account in request.app[SIMULATOR].accounts:
        if account.user_id == user_id:
            return account
    raise ApiError(404, "Not found.")


def _find(request: web.Request) -> Connection:
    """Return the connection of a page. Raises HTTPNotFound if it has expired."""
    simulator = request.app[SIMULATOR]
    connection = simulator.connections.get(request.match_info["connection_id"])
    if connection is None or connection.expires_at < simulator.clock.wall():
        raise web.HTTPNotFound(text="This page is over.")
    return connection


def _document(request: web.Request, connection: Connection) -> dict[str, Any]:
    page = PATH.format(connection_id=connection.id)
    return {
        "id": connection.id,
        "user": connection.owner.user_id,
        "authentication_url": f"{request.url.origin()}{page}",
        "success_url": connection.success_url,
        "cancel_url": connection.cancel_url,
        "expiration_date": connection.expires_at.isoformat(),
        "object_id": connection.object_id,
        "external_metadata": None,
    }


def _page(content: str) -> web.Response:
    return web.Response(text=_PAGE.format(content=content), content_type="text/html")


_API = "/api/partners/v2.0/device-onboarding"

ROUTES = (
    Route("POST", _API, "onboarding", start),
    Route("GET", f"{_API}/{{connection_id}}", "onboarding", read),
)
