"""Test the integration in a real browser, as a homeowner would use it."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page

from .browser import Browser
from .processes import DemoError
from .simulator import Simulator

_TRANSLATIONS = Path(__file__).parents[2] / "custom_components/podero/translations"
_TEXTS: dict[str, Any] = json.loads((_TRANSLATIONS / "en.json").read_text("utf-8"))

WIDTHS = (1400, 390)

# Find truncated texts with an ellipsis, also in shadow roots.
_FIND_TRUNCATED = """
(place) => {
  const found = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) visit(element.shadowRoot);
      const isCut =
        getComputedStyle(element).textOverflow === "ellipsis" &&
        element.scrollWidth > element.clientWidth;
      if (isCut) found.push(element.innerText || element.getRootNode().host?.innerText);
    }
  };
  visit(place.shadowRoot);
  return found;
}
"""


class Walkthrough:
    """The pages from set-up to a repair, each with the texts that it must show."""

    def __init__(self, browser: Browser, simulator: Simulator) -> None:
        """Use a browser, and the simulator's credentials and sign-in page."""
        self._browser = browser
        self._simulator = simulator

    async def set_up_account(self) -> None:
        """Set up the account with all its cars."""
        path = "/config/integrations/dashboard/add?domain=podero"
        async with self._browser.open(path) as page:
            await page.get_by_role("button", name="OK").click()
            await showing(page, "config.step.user.menu_options.password").click()
            await fill_in_account(page, self._simulator)
            await showing(page, "config.step.password.sections.server.name").click()
            await page.locator("ha-selector-select").click()
            await showing(page, "selector.environment.options.custom").click()
            await page.locator("input[name=base_url]").fill(self._simulator.url)
            await page.get_by_role("button", name="Next").click()
            await showing(page, "config.step.enter_user.title").wait_for()
            user = page.locator("input[name=user_id]")
            await user.fill(self._simulator.account["user_id"])
            await page.get_by_role("button", name="Next").click()
            await showing(page, "config.step.vehicles.title").wait_for()
            await page.get_by_role("button", name="Submit").click()
            await page.get_by_role("button", name="Skip and finish").click()
            await page.get_by_text("2 devices").wait_for()

    async def add_dashboard(self) -> None:
        """Add the ready-made dashboard, and check it on a screen and on a phone."""
        async with self._browser.open("/config/lovelace/dashboards") as page:
            await page.get_by_role("button", name="Add dashboard").click()
            await showing(page, "common.dashboard_description").click()
            await page.get_by_role("button", name="Create").click()
            await showing(page, "common.dashboard_title").wait_for()
        for width in WIDTHS:
            async with self._browser.open("/dashboard-cars/0", width=width) as page:
                await _see_dashboard(page)
                await page.reload()
                await _see_dashboard(page)

    async def check_section(self) -> None:
        """Check the section with all cars, which has replaced the dashboard."""
        async with self._browser.open("/dashboard-cars/0") as page:
            section = page.locator("hui-grid-section")
            await showing(section, "entity.sensor.charging_state.name").wait_for()
            await _check_cards(section)

    async def reconnect_car(self) -> None:
        """Fix the repair that asks to sign in to the car maker."""
        issue = "issues.reauthenticate"
        title, *_ = text(f"{issue}.title").split("{")
        async with self._browser.open("/config/repairs") as page:
            await page.get_by_text(title).first.click()
            await showing(page, f"{issue}.fix_flow.step.confirm.title").wait_for()
            submit = showing(page, f"{issue}.fix_flow.step.confirm.submit")
            async with page.context.expect_page() as opened:
                await submit.click()
            maker = await opened.value
            await maker.get_by_role("button", name="Sign in").click()
            await showing(maker, "common.return_success_text").wait_for()
            await showing(page, f"{issue}.fix_flow.create_entry.default").wait_for()


async def fill_in_account(page: Page, simulator: Simulator) -> None:
    """Fill in the form for a username and a password."""
    for name in ("username", "password", "organization_id"):
        await page.locator(f"input[name={name}]").fill(simulator.account[name])


def showing(place: Page | Locator, path: str) -> Locator:
    """Return the element that shows one of the integration's translations."""
    return place.get_by_text(text(path), exact=True).first


def text(path: str) -> str:
    """Return one of the integration's translations in English."""
    node: Any = _TEXTS
    for key in path.split("."):
        node = node[key]
    return str(node)


async def _see_dashboard(page: Page) -> None:
    """Check that the dashboard is complete, without an error or truncated text."""
    dashboard = page.locator("ha-panel-lovelace")
    for heading in ("now", "next", "energy", "history", "location"):
        await showing(dashboard, f"common.dashboard_{heading}").wait_for()
    await showing(dashboard, "entity.switch.smart_optimization.name").wait_for()
    await dashboard.locator("ha-chart-base canvas").first.wait_for()
    await _check_cards(dashboard)


async def _check_cards(place: Locator) -> None:
    """Check that no card shows an error or truncated text."""
    broken = await place.locator("hui-error-card, hui-warning").all_inner_texts()
    broken += await place.evaluate(_FIND_TRUNCATED)
    if broken:
        size = place.page.viewport_size
        raise DemoError("\n".join((f"Broken or truncated in {size}:", *broken)))
