"""Make the ready-made dashboard the default one."""

from .home_assistant import HomeAssistant

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
