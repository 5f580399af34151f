"""Open pages of Home Assistant in headless Chromium, logged in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import time

from playwright.async_api import (
    Browser as Chromium,
    ConsoleMessage,
    Error,
    Page,
    StorageState,
    async_playwright,
)

from .home_assistant import HomeAssistant
from .processes import DemoError

_PROJECT = Path(__file__).parent.parent.parent

# Paths that Home Assistant loads from the internet, which may be unreachable.
ONLINE = ("/api/brands/", "/api/map_tiles/")


class Browser:
    """A running Chromium that is logged in to Home Assistant."""

    def __init__(
        self, chromium: Chromium, hass: HomeAssistant, directory: Path
    ) -> None:
        """Use a Home Assistant; save a screenshot of a failure to a directory."""
        self._chromium = chromium
        self._hass = hass
        self._failed = directory / "failed.png"

    @asynccontextmanager
    async def open(
        self, path: str, width: int = 1400, height: int = 1000, *, is_dark: bool = False
    ) -> AsyncIterator[Page]:
        """Open a page in a browser context of its own, with an empty cache.

        Raises DemoError if Playwright fails, as it does when an element does not appear
        in time, or if the console shows an error.
        """
        errors: list[str] = []
        context = await self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Vienna",
            storage_state=self._login(),
        )

        def listen(message: ConsoleMessage) -> None:
            url = message.location["url"]
            if message.type == "error" and not any(known in url for known in ONLINE):
                errors.append(f"{message.text} ({url})")

        context.on("console", listen)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        page = await context.new_page()
        try:
            await page.goto(self._hass.url + path)
            yield page
        except Error as error:
            await page.screenshot(path=self._failed)
            raise DemoError(f"{path}: {error.message}\nSee {self._failed}") from error
        finally:
            await context.close()
        if errors:
            raise DemoError("\n".join((f"{path}: the browser reports", *errors)))

    def _login(self) -> StorageState:
        """Return the local storage of a browser that is logged in."""
        tokens, url = self._hass.tokens, self._hass.url
        expires = (time.time() + tokens["expires_in"]) * 1000
        token = json.dumps(
            tokens | {"hassUrl": url, "clientId": f"{url}/", "expires": expires}
        )
        return {
            "origins": [
                {
                    "origin": url,
                    "localStorage": [{"name": "hassTokens", "value": token}],
                }
            ]
        }


@asynccontextmanager
async def start_browser(hass: HomeAssistant, directory: Path) -> AsyncIterator[Browser]:
    """Run Chromium."""
    finder = await asyncio.create_subprocess_exec(
        _PROJECT / "scripts/chromium",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await finder.communicate()
    if finder.returncode:
        raise DemoError(complaint.decode().strip())
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=output.decode().strip()
        )
        try:
            yield Browser(chromium, hass, directory)
        finally:
            await chromium.close()
