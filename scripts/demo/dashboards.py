"""Set up the ready-made dashboard and the Energy dashboard."""

from .home_assistant import HomeAssistant
from .simulator import Simulator

URL_PATH = "demo-cars"


async def show_dashboard(hass: HomeAssistant) -> None:
    """Add the dashboard, unless it exists."""
    dashboards = await hass.command("lovelace/dashboards/list")
    if any(dashboard["url_path"] == URL_PATH for dashboard in dashboards):
        return
    await hass.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title="Cars",
        icon="mdi:car-electric",
        show_in_sidebar=True,
        require_admin=False,
        mode="storage",
    )
    config = {"strategy": {"type": "custom:podero"}}
    await hass.command("lovelace/config/save", url_path=URL_PATH, config=config)
    await hass.command(
        "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
    )


async def show_section(hass: HomeAssistant, url_path: str) -> None:
    """Replace a dashboard with one that only has the section with all cars."""
    section = {"strategy": {"type": "custom:podero"}}
    config = {"views": [{"type": "sections", "sections": [section]}]}
    await hass.command("lovelace/config/save", url_path=url_path, config=config)


async def set_up_energy(hass: HomeAssistant, simulator: Simulator) -> None:
    """Show what the cars charge in the Energy dashboard."""
    devices = [
        {"stat_consumption": f"podero:{vehicle_id.replace('-', '_')}_energy"}
        for vehicle_id in simulator.vehicle_ids
    ]
    await hass.command("energy/save_prefs", device_consumption=devices)
