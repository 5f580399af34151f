"""Take the pictures of the documentation, in a real browser, of a demo that has a past."""

import asyncio
from io import BytesIO
import json
from pathlib import Path
import shutil
import sys
import time
from typing import Any

from PIL import Image
from playwright.async_api import async_playwright

from .bring_up import bring_up, owned
from .dashboard import URL_PATH
from .home_assistant import HomeAssistant
from .past import live_through, read
from .processes import DemoError, say
from .simulator import Simulator

HOURS = 48
COLORS = 128
MOST_SHOTS = 5
MARGIN = 16

_PROJECT = Path(__file__).parent.parent.parent
DIRECTORY = _PROJECT / ".demo" / "pictures"
PICTURES = _PROJECT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    """Take all pictures, and return the exit code."""
    try:
        with owned(DIRECTORY, is_fresh=True):
            asyncio.run(_run())
    except DemoError as error:
        print(f"\n{error}\n\nIts state and logs: {DIRECTORY}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 130
    return 0


async def _run() -> None:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise DemoError("No Chromium or Chrome is on the PATH: `apt install chromium`")
    PICTURES.mkdir(exist_ok=True)
    async with bring_up(DIRECTORY, None, speed=0, hours_ago=HOURS) as (hass, simulator):
        say(f"Living through {HOURS} hours")
        database = DIRECTORY / "home-assistant" / "home-assistant_v2.db"
        await live_through(hass, simulator, HOURS, database)
        first, *_ = simulator.vehicle_ids
        entity_id = next(
            entity.entity_id
            for entity in await hass.settled_entities()
            if entity.vehicle_id == first
        )
        say("Taking the pictures")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program)
            camera = Camera(browser, hass)
            await _dashboard(camera)
            await _device(camera, hass, entity_id)
            await _set_up(camera, simulator)
            await _triggers(camera)
            await simulator.tell(first, "reauthenticate")
            await read(hass)
            await _repair(camera)


class Camera:
    """Open pages of Home Assistant as somebody who is logged in, and take pictures of them."""

    def __init__(self, browser: Any, hass: HomeAssistant) -> None:
        """Use a browser of Playwright's, whose types are where it is and not here."""
        self._browser = browser
        self._url = hass.url
        self._tokens = json.dumps(
            hass.tokens
            | {
                "hassUrl": hass.url,
                "clientId": f"{hass.url}/",
                "expires": (time.time() + hass.tokens["expires_in"]) * 1000,
            }
        )

    async def open(
        self, path: str, width: int, height: int, *, is_dark: bool = False
    ) -> Any:
        """Open a page in a window of its own."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Vienna",
        )
        stored = {"hassTokens": self._tokens, "dockedSidebar": '"always_hidden"'}
        await context.add_init_script(
            f"Object.assign(localStorage, {json.dumps(stored)})"
        )
        page = await context.new_page()
        await page.goto(self._url + path)
        return page

    async def take(
        self, page: Any, name: str, end: tuple[float, float] | None = None
    ) -> None:
        """Save what a window shows, up to its end or an earlier one, and close it."""
        await page.mouse.move(0, 0)
        shot = await _still(page)
        await page.context.close()
        image = Image.open(BytesIO(shot)).convert("RGB")
        if end is not None:
            image = image.crop((0, 0, *end))
        path = PICTURES / f"{name}.png"
        image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
        say(f"{path.name}, {path.stat().st_size / 1000:.0f} kB")


async def _still(page: Any) -> bytes:
    """Return the picture of a window once nothing moves any more."""
    shot: bytes = await page.screenshot()
    # Something may move all the time, say how many seconds ago it was that the car was plugged in.
    for _ in range(MOST_SHOTS):
        await asyncio.sleep(1)
        shot, before = await page.screenshot(), shot
        if shot == before:
            break
    return shot


async def _dashboard(camera: Camera) -> None:
    """Show the dashboard: of one car on a wide screen, of the other one on a phone."""
    page = await camera.open(f"/{URL_PATH}/0", 1440, 1000)
    await page.locator("canvas").nth(2).wait_for()
    graph = await page.locator("hui-history-graph-card").last.bounding_box()
    # The tiles of the map are not to be had everywhere.
    place = await page.locator("hui-map-card").bounding_box()
    end = place["x"] - MARGIN, graph["y"] + graph["height"] + MARGIN
    await camera.take(page, "dashboard", end)
    page = await camera.open(f"/{URL_PATH}/1", 390, 812, is_dark=True)
    await page.get_by_text("Smart optimization").wait_for()
    await camera.take(page, "dashboard-phone")


async def _device(camera: Camera, hass: HomeAssistant, entity_id: str) -> None:
    """Show the page of a car."""
    entry = await hass.command("config/entity_registry/get", entity_id=entity_id)
    page = await camera.open(f"/config/devices/device/{entry['device_id']}", 1200, 900)
    await page.get_by_text("Charging state").first.wait_for()
    await camera.take(page, "device")


async def _set_up(camera: Camera, simulator: Simulator) -> None:
    """Show the account being typed in."""
    page = await camera.open(
        "/config/integrations/dashboard/add?domain=podero", 640, 860
    )
    await page.get_by_role("button", name="OK").click()
    await page.get_by_text("User name and password").click()
    for name in ("username", "password", "organization_id", "user_id"):
        await page.locator(f"input[name={name}]").fill(simulator.account[name])
    await camera.take(page, "set-up")


async def _triggers(camera: Camera) -> None:
    """Show what an automation can begin with."""
    page = await camera.open("/config/automation/edit/new", 1100, 800)
    await page.get_by_text("Add trigger").first.click()
    await page.get_by_text("By type").click()
    await page.get_by_text("Podero", exact=True).last.click()
    await page.get_by_text("Car fully charged").wait_for()
    await camera.take(page, "triggers")


async def _repair(camera: Camera) -> None:
    """Show what can be done where the link to the car maker has lapsed."""
    page = await camera.open("/config/repairs", 680, 620)
    await page.get_by_text("Reconnect").first.click()
    await page.get_by_role("button", name="Continue").wait_for()
    await camera.take(page, "repair")


if __name__ == "__main__":
    sys.exit(main())
