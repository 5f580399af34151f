"""The page that a browser returns to after an external sign-in, and its language."""

import asyncio
from base64 import b64encode
from hashlib import sha256
from html import escape
from http import HTTPStatus
import secrets
from typing import Final

from aiohttp import hdrs, web

from homeassistant.core import HomeAssistant, callback
from homeassistant.generated.languages import LANGUAGES
from homeassistant.helpers.config_entry_oauth2_flow import HEADER_FRONTEND_BASE
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView, current_request
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.language import matches

from .api import SignInState
from .const import DOMAIN

RETURN_PATH: Final = f"/api/{DOMAIN}/return"
REPAIRS_PAGE: Final = "https://my.home-assistant.io/redirect/repairs/"
"""Where the browser returns to if no URL of Home Assistant is known."""

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
    """Return the language of the browser that sent the current request, or the home's."""
    if (request := current_request.get()) is not None:
        for wish in request.headers.get("Accept-Language", "").split(","):
            tag = wish.partition(";")[0].strip()
            if tag != "*" and (known := matches(tag, sorted(LANGUAGES))):
                return known[0]
    return hass.config.language


class ReturnTicket:
    """A single-use token in the URLs that the browser returns to.

    `state` is done once it has returned.
    """

    def __init__(self, hass: HomeAssistant, language: str) -> None:
        """Create the token, for the URL at which Home Assistant is used now."""
        self.language = language
        self.state: asyncio.Future[SignInState] = hass.loop.create_future()
        self._tickets = hass.data.setdefault(DATA_TICKETS, {})
        self._token = secrets.token_urlsafe(32)
        self._base_url = _base_url(hass)
        self._tickets[self._token] = self

    def url(self, state: SignInState) -> str:
        """Return the URL that returns with a state."""
        if self._base_url is None:
            return REPAIRS_PAGE
        return f"{self._base_url}{RETURN_PATH}/{self._token}/{state}"

    @callback
    def close(self) -> None:
        """Invalidate the token."""
        self._tickets.pop(self._token, None)


class ReturnView(HomeAssistantView):
    """The page that a browser returns to.

    The token in the URL authorizes the request: the browser may not be signed in to Home
    Assistant at this URL.
    """

    requires_auth = False
    url = f"{RETURN_PATH}/{{token}}/{{state:success|fail}}"
    name = f"api:{DOMAIN}:return"

    async def get(
        self, request: web.Request, token: str, state: SignInState
    ) -> web.Response:
        """Redeem the ticket, and show that the page can be closed."""
        hass = request.app[KEY_HASS]
        if (ticket := hass.data.get(DATA_TICKETS, {}).pop(token, None)) is None:
            language, name, status = (
                request_language(hass),
                "over",
                HTTPStatus.NOT_FOUND,
            )
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
def async_register_return_view(hass: HomeAssistant) -> None:
    """Register the page that browsers return to."""
    hass.http.register_view(ReturnView)


async def _async_page(hass: HomeAssistant, language: str, name: str) -> str:
    """Return the HTML of the page for a state."""
    texts = await async_get_translations(hass, language, "common", {DOMAIN})
    title, text = (
        escape(texts[f"component.{DOMAIN}.common.return_{name}_{part}"])
        for part in ("title", "text")
    )
    return _PAGE.format(language=language, title=title, text=text, style=_STYLE)


def _base_url(hass: HomeAssistant) -> str | None:
    """Return Home Assistant's URL: that of the current request, or a configured one."""
    try:
        return get_url(hass, require_current_request=True)
    except NoURLAvailableError:
        pass
    # The frontend is used at a URL that is not configured, for example of a proxy.
    headers = request.headers if (request := current_request.get()) else {}
    for name in (HEADER_FRONTEND_BASE, hdrs.ORIGIN):
        if (url := headers.get(name, "")).startswith("http"):
            return url
    try:
        return get_url(hass, prefer_external=True)
    except NoURLAvailableError:
        return None
