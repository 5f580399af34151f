"""The user's browser: its language, and its way back from a sign-in elsewhere."""

import asyncio
from base64 import b64encode
from hashlib import sha256
from html import escape
from http import HTTPStatus
import secrets
from typing import Final, Literal

from aiohttp import web

from homeassistant.core import HomeAssistant, callback
from homeassistant.generated.languages import LANGUAGES
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView, current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.language import matches

from .const import DOMAIN

type SignInState = Literal["success", "fail"]
"""How the user left the sign-in, in the API's words."""

RETURN_PATH: Final = f"/api/{DOMAIN}/return"
REPAIRS_PAGE: Final = "https://my.home-assistant.io/redirect/repairs/"
"""Where a browser is sent back to that cannot reach Home Assistant by an address we know."""

DATA_TICKETS: HassKey[dict[str, ReturnTicket]] = HassKey(f"{DOMAIN}_return_tickets")

_STYLE = """
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { margin: 20vh auto; max-width: 28rem; padding: 0 1.5rem; text-align: center; }
"""
_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def request_language(hass: HomeAssistant) -> str:
    """Return the language of the browser whose request is answered, or the home's."""
    if (request := current_request.get()) is not None:
        for wish in request.headers.get("Accept-Language", "").split(","):
            tag = wish.partition(";")[0].strip()
            if tag != "*" and (known := matches(tag, sorted(LANGUAGES))):
                return known[0]
    return hass.config.language


class ReturnTicket:
    """Let a browser that is sent away come back, once.

    `state` is done when it has.
    """

    def __init__(self, hass: HomeAssistant, language: str) -> None:
        """Take the addresses from the request that is being answered."""
        self.language = language
        self.state: asyncio.Future[SignInState] = hass.loop.create_future()
        self._tickets = hass.data.setdefault(DATA_TICKETS, {})
        self._token = secrets.token_urlsafe(32)
        self._base_url = _base_url(hass)
        self._tickets[self._token] = self

    def address(self, state: SignInState) -> str:
        """Return the address that means this state."""
        if self._base_url is None:
            return REPAIRS_PAGE
        return f"{self._base_url}{RETURN_PATH}/{self._token}/{state}"

    @callback
    def close(self) -> None:
        """Let nobody come back any longer."""
        self._tickets.pop(self._token, None)


class ReturnView(HomeAssistantView):
    """The page that a browser comes back to.

    The token in its address is the proof: the browser may not be signed in to Home
    Assistant under the address that it comes back to.
    """

    requires_auth = False
    url = f"{RETURN_PATH}/{{token}}/{{state:success|fail}}"
    name = f"api:{DOMAIN}:return"

    async def get(
        self, request: web.Request, token: str, state: SignInState
    ) -> web.Response:
        """Take the ticket, and say that the page can be closed."""
        hass = request.app[KEY_HASS]
        if (ticket := hass.data.get(DATA_TICKETS, {}).pop(token, None)) is None:
            language, name, status = hass.config.language, "over", HTTPStatus.NOT_FOUND
        else:
            ticket.state.set_result(state)
            language, name, status = ticket.language, state, HTTPStatus.OK
        return web.Response(
            text=await _async_page(hass, language, name),
            content_type="text/html",
            status=status,
            headers=_HEADERS,
        )


@callback
def async_setup_return(hass: HomeAssistant) -> None:
    """Offer the page that browsers come back to."""
    hass.http.register_view(ReturnView)


async def _async_page(hass: HomeAssistant, language: str, name: str) -> str:
    """Return a page of ours."""
    texts = await async_get_translations(hass, language, "common", {DOMAIN})
    title, text = (
        escape(texts[f"component.{DOMAIN}.common.return_{name}_{part}"])
        for part in ("title", "text")
    )
    return _PAGE.format(language=language, title=title, text=text, style=_STYLE)


def _base_url(hass: HomeAssistant) -> str | None:
    """Return Home Assistant's address: the one in use, else one that may be reached."""
    try:
        return get_url(hass, require_current_request=True)
    except NoURLAvailableError:
        pass
    try:
        return get_url(hass, prefer_external=True)
    except NoURLAvailableError:
        return None
