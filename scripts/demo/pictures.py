"""Take the documentation's pictures in a real browser."""

import asyncio
from io import BytesIO
from pathlib import Path
import sys

from PIL import Image
from playwright.async_api import Locator, Page

from .bring_up import bring_up, owned
from .browser import Browser, start_browser
from .dashboards import URL_PATH, set_up_energy, show_dashboard
from .history import HISTORY_HOURS, create_history, poll
from .home_assistant import HomeAssistant
from .processes import DemoError, say
from .sign_up import sign_up
from .simulator import Simulator
from .walkthrough import fill_in_account, showing

COLORS = 128
MOST_SHOTS = 5

_PROJECT = Path(__file__).parent.parent.parent
DIRECTORY = _PROJECT / ".demo" / "pictures"
PICTURES = _PROJECT / "docs" / "images"


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
    PICTURES.mkdir(exist_ok=True)
    async with (
        bring_up(DIRECTORY, None, speed=0, hours_ago=HISTORY_HOURS) as (
            hass,
            simulator,
        ),
        start_browser(hass, DIRECTORY) as browser,
    ):
        await sign_up(hass, simulator)
        await show_dashboard(hass)
        await set_up_energy(hass, simulator)
        await create_history(hass, simulator)
        say("Taking the pictures")
        await _take_dashboard(browser)
        await _take_energy(browser)
        await _take_device(browser, hass, simulator)
        await _take_set_up(browser, simulator)
        await _take_triggers(browser)
        await _take_repair(browser, hass, simulator)


async def _take(
    page: Page, name: str, *, above: Locator | None = None, only: Locator | None = None
) -> None:
    """Save a screenshot of a page, of the part above an element, or of one element."""
    await page.mouse.move(0, 0)
    image = Image.open(BytesIO(await _still(page))).convert("RGB")
    if above is not None:
        image = image.crop((0, 0, image.width, (await _box(above))[1]))
    if only is not None:
        image = image.crop(await _box(only))
    path = PICTURES / f"{name}.png"
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    say(f"{path.name}, {path.stat().st_size / 1000:.0f} kB")


async def _box(element: Locator) -> tuple[float, float, float, float]:
    """Return the bounding box of an element: left, top, right and bottom."""
    box = await element.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


async def _still(page: Page) -> bytes:
    """Return a screenshot once two in a row are the same."""
    shot = await page.screenshot()
    # Some texts change constantly, such as the seconds since the car was plugged in.
    for _ in range(MOST_SHOTS):
        await asyncio.sleep(1)
        shot, before = await page.screenshot(), shot
        if shot == before:
            break
    return shot


async def _take_dashboard(browser: Browser) -> None:
    """Take the dashboard: the first car on a wide screen, the second one on a phone."""
    async with browser.open(f"/{URL_PATH}/0", 1440, 1000) as page:
        await page.locator("canvas").nth(2).wait_for()
        # Below it is the map, whose tiles come from the internet.
        below = showing(page.locator("ha-panel-lovelace"), "common.dashboard_history")
        await _take(page, "dashboard", above=below)
    async with browser.open(f"/{URL_PATH}/1", 390, 844, is_dark=True) as page:
        await showing(page, "entity.switch.smart_optimization.name").wait_for()
        await _take(page, "dashboard-phone")


async def _take_energy(browser: Browser) -> None:
    """Take the cars' energy in the Energy dashboard."""
    async with browser.open("/energy", 1440, 1000) as page:
        await page.get_by_role("button", name="Select time period").click()
        await page.get_by_text("Last 30 days").click()
        card = page.locator("hui-energy-devices-detail-graph-card")
        await card.locator("canvas").first.wait_for()
        await _take(page, "energy", only=card)


async def _take_device(
    browser: Browser, hass: HomeAssistant, simulator: Simulator
) -> None:
    """Take the page of a car's device."""
    first, *_ = simulator.vehicle_ids
    entities = await hass.settled_entities()
    entity_id = next(e.entity_id for e in entities if e.vehicle_id == first)
    entry = await hass.command("config/entity_registry/get", entity_id=entity_id)
    path = f"/config/devices/device/{entry['device_id']}"
    async with browser.open(path, 1200, 900) as page:
        await showing(page, "entity.sensor.charging_state.name").wait_for()
        await _take(page, "device")


async def _take_set_up(browser: Browser, simulator: Simulator) -> None:
    """Take the form of the account, filled in."""
    path = "/config/integrations/dashboard/add?domain=podero"
    async with browser.open(path, 640, 860) as page:
        await page.get_by_role("button", name="OK").click()
        await showing(page, "config.step.user.menu_options.password").click()
        await fill_in_account(page, simulator)
        await _take(page, "set-up")


async def _take_triggers(browser: Browser) -> None:
    """Take the triggers in the automation editor."""
    async with browser.open("/config/automation/edit/new", 1100, 800) as page:
        await page.get_by_text("Add trigger").first.click()
        await page.get_by_text("By type").click()
        await page.get_by_text("Podero", exact=True).last.click()
        await showing(page, "triggers.fully_charged.name").wait_for()
        await _take(page, "triggers")


async def _take_repair(
    browser: Browser, hass: HomeAssistant, simulator: Simulator
) -> None:
    """Take the repair that reconnects a car."""
    first, *_ = simulator.vehicle_ids
    await simulator.command(first, "reauthenticate")
    await poll(hass)
    async with browser.open("/config/repairs", 680, 620) as page:
        await page.get_by_text("Reconnect").first.click()
        await page.get_by_role("button", name="Continue").wait_for()
        await _take(page, "repair")


if __name__ == "__main__":
    sys.exit(main())
