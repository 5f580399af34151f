"""Show the ready-made dashboard as Home Assistant's first page."""

from typing import Any

from .home_assistant import HomeAssistant

URL_PATH = "demo-cars"
GET_DASHBOARD = "/api/services/podero/get_dashboard?return_response"


async def show_dashboard(hass: HomeAssistant, vehicles: int) -> None:
    """Make the dashboard of so many vehicles, unless it was made before."""
    dashboards = await hass.command("lovelace/dashboards/list")
    if any(dashboard["url_path"] == URL_PATH for dashboard in dashboards):
        return

    async def get() -> dict[str, Any] | None:
        # An account that a vehicle was just added to is set up again first.
        answer: dict[str, Any] = await hass.post(GET_DASHBOARD, {})
        dashboard: dict[str, Any] = answer["service_response"]
        return dashboard if len(dashboard["views"]) == vehicles else None

    dashboard = await hass.program.wait_until(get, 30)
    await hass.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title="Cars",
        icon="mdi:car-electric",
        show_in_sidebar=True,
        require_admin=False,
        mode="storage",
    )
    await hass.command("lovelace/config/save", url_path=URL_PATH, config=dashboard)
    await hass.command(
        "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
    )
