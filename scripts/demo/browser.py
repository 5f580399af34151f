"""Open Home Assistant in Chromium, as somebody who is logged in."""

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

# Where Home Assistant asks the internet, which may not be there.
ONLINE = ("/api/brands/", "/api/map_tiles/")


class Browser:
    """Windows of one Chromium."""

    def __init__(
        self, chromium: Chromium, hass: HomeAssistant, directory: Path
    ) -> None:
        """Show this Home Assistant; keep a picture of what goes wrong in a directory."""
        self._chromium = chromium
        self._hass = hass
        self._failed = directory / "failed.png"

    @asynccontextmanager
    async def open(
        self, path: str, width: int = 1400, height: int = 1000, *, is_dark: bool = False
    ) -> AsyncIterator[Page]:
        """Open a page in a window that has never been used, and close it.

        Raise DemoError where the browser's console reports an error, or where something
        that is waited for does not appear.
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
        """Return what the frontend keeps of a login in the browser."""
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
    """Start Chromium, and end it."""
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
