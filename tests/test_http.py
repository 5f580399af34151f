"""The page to which the browser returns, and the language of a request."""

from html import unescape
from typing import Any
from unittest.mock import patch

import pytest
from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.setup import async_setup_component

from .dialogs import Person, cues, only_issue
from .home import Home
from .repository import read_texts
from custom_components.podero.const import DOMAIN
from custom_components.podero.http import (
    REPAIRS_PAGE,
    RETURN_PATH,
    ReturnTicket,
    request_language,
)
from simulator import Simulator

TEXTS = read_texts("en")["common"]


@pytest.fixture
async def person(home: Home, person: Person) -> Person:
    """Return an administrator of a home whose car must be reconnected."""
    home.car.raise_reauthenticate()
    await home.set_up()
    return person


async def start(person: Person) -> dict[str, Any]:
    """Begin to reconnect the car."""
    return await person.fix(only_issue(person.hass).issue_id)


async def sent(person: Person, simulator: Simulator) -> dict[str, str]:
    """Begin to reconnect the car, and return the parameters that are sent."""
    await start(person)
    parameters: dict[str, str] = cues(simulator, "/resolve")[-1].json
    return parameters


@pytest.mark.parametrize(
    ("choice", "name"), [("sign-in", "success"), ("refuse", "fail")]
)
async def test_page(person: Person, choice: str, name: str) -> None:
    """The page says that it can be closed, and forbids all external content."""
    step = await start(person)
    status, page, headers = await person.visit(await person.choose(step, choice))
    assert status == 200
    assert TEXTS[f"return_{name}_title"] in unescape(page)
    assert TEXTS[f"return_{name}_text"] in unescape(page)
    assert "You can close this page" in page
    assert '<html lang="en">' in page
    assert "Car 1" not in page
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


async def test_page_opens_once(person: Person) -> None:
    """An address that was used is answered like an unknown one."""
    address = await person.choose(await start(person), "sign-in")
    assert (await person.visit(address))[0] == 200
    used = await person.visit(address)
    guessed = await person.visit(URL(f"{RETURN_PATH}/guessed/success"))
    assert used[:2] == guessed[:2]
    assert used[0] == 404
    assert TEXTS["return_over_text"] in unescape(used[1])


@pytest.mark.parametrize(
    "path", ["", "/success/", "/other", "/successful", "/success/1"]
)
async def test_other_addresses_do_not_count(person: Person, path: str) -> None:
    """Other addresses do not use up the ticket."""
    step = await start(person)
    address = await person.choose(step, "sign-in")
    odd = address.with_path(address.path.removesuffix("/success") + path)
    assert (await person.visit(odd))[0] == 404
    assert (await person.look(step))["type"] == "external"
    assert (await person.visit(address))[0] == 200


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_other_methods_do_not_count(person: Person, method: str) -> None:
    """Other methods, such as the HEAD of a preview, do not use up the ticket."""
    step = await start(person)
    address = await person.choose(step, "sign-in")
    response = await person.client.request(method, address.path)
    assert response.status == 405
    assert (await person.visit(address))[0] == 200


async def test_the_address_is_unguessable(person: Person, simulator: Simulator) -> None:
    """The address is random each time, and contains nothing of the link."""
    tokens = set()
    for _ in range(3):
        parameters = await sent(person, simulator)
        success, failure = map(URL, (parameters["successUrl"], parameters["cancelUrl"]))
        assert success.parts[:-1] == failure.parts[:-1]
        assert not success.query
        tokens.add(success.parts[-2])
    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)
    for request in cues(simulator, "/resolve"):
        assert request.query["secret"] not in str(request.json)


# Home Assistant's URL.


async def test_address_in_use(person: Person, simulator: Simulator) -> None:
    """The address uses the URL of the request."""
    origin = str(person.client.make_url("/").origin())
    await async_process_ha_core_config(
        person.hass,
        {"internal_url": origin, "external_url": "https://home.example.com"},
    )
    assert (await sent(person, simulator))["successUrl"].startswith(f"{origin}/api/")
    await async_process_ha_core_config(
        person.hass,
        {"internal_url": "http://home.local:8123", "external_url": origin},
    )
    assert (await sent(person, simulator))["cancelUrl"].startswith(f"{origin}/api/")


@pytest.mark.parametrize("urls", [{}, {"external_url": "https://other.example.com"}])
@pytest.mark.parametrize("header", ["HA-Frontend-Base", "Origin"])
async def test_address_of_the_frontend(
    person: Person, simulator: Simulator, urls: dict[str, str], header: str
) -> None:
    """Behind a proxy whose URL is not set, the frontend knows where it is used.

    It does not tell with repairs, but the browser does.
    """
    await async_process_ha_core_config(person.hass, urls)
    person.headers |= {
        "Host": "home.example.com",
        header: "https://home.example.com",
    }
    assert (await sent(person, simulator))["successUrl"].startswith(
        f"https://home.example.com{RETURN_PATH}/"
    )


async def test_address_that_is_set(hass: HomeAssistant) -> None:
    """Without a request the address uses the external URL."""
    assert await async_setup_component(hass, DOMAIN, {})
    await async_process_ha_core_config(
        hass,
        {
            "internal_url": "http://home.local:8123",
            "external_url": "https://home.example.com",
        },
    )
    ticket = ReturnTicket(hass, "en")
    assert ticket.url("success").startswith(f"https://home.example.com{RETURN_PATH}/")
    assert ticket.url("fail").endswith("/fail")


async def test_no_address(person: Person, simulator: Simulator) -> None:
    """Without any URL the address is the repairs page, and polling finds the outcome."""
    with patch("custom_components.podero.http.get_url", side_effect=_no_url) as get_url:
        parameters = await sent(person, simulator)
    assert get_url.call_count == 2
    assert parameters["successUrl"] == parameters["cancelUrl"] == REPAIRS_PAGE


def _no_url(*args: Any, **options: Any) -> str:
    from homeassistant.helpers.network import NoURLAvailableError  # noqa: PLC0415

    raise NoURLAvailableError


# The language.


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt-BR,pt;q=0.9", "pt-BR"),
        ("en-GB, en;q=0.5", "en-GB"),
        ("no", "nb"),
        ("xx, fr-CA;q=0.5", "fr"),
        ("*", "nl"),
        ("", "nl"),
        ("../../etc, <b>, ;;q=,-,_", "nl"),
    ],
)
async def test_language_of_the_browser(
    person: Person, simulator: Simulator, accepted: str, language: str
) -> None:
    """The first accepted language that Home Assistant supports, or the configured one."""
    person.hass.config.language = "nl"
    person.headers["Accept-Language"] = accepted
    step = await start(person)
    (request,) = cues(simulator)
    assert request.json["language"] == language
    address = await person.choose(step, "sign-in")
    # Also once it was used.
    for expected in (200, 404):
        status, page, _ = await person.visit(address)
        assert status == expected
        assert f'<html lang="{language}">' in page


async def test_language_without_a_browser(hass: HomeAssistant) -> None:
    """Without a request the language is Home Assistant's."""
    hass.config.language = "nl"
    assert request_language(hass) == "nl"


async def test_page_shows_text(person: Person) -> None:
    """Translations are escaped for HTML."""
    step = await start(person)
    with patch(
        "custom_components.podero.http.async_get_translations",
        return_value={
            f"component.{DOMAIN}.common.return_success_title": "<script>'&",
            f"component.{DOMAIN}.common.return_success_text": "{style} <b>",
        },
    ):
        _, page, _ = await person.visit(await person.choose(step, "sign-in"))
    assert "&lt;script&gt;&#x27;&amp;" in page
    assert "<p>{style} &lt;b&gt;</p>" in page
