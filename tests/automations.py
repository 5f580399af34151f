"""Automations that run on the triggers of this integration."""

from typing import Any

from .home import Home

TRIGGERS = (
    "plugged_in",
    "unplugged",
    "charging_started",
    "charging_stopped",
    "charging_interrupted",
    "fully_charged",
)
VARIABLES = (
    "platform",
    "event",
    "missed",
    "vehicle",
    "device_id",
    "entity_id",
    "description",
)


async def automate(home: Home, *triggers: dict[str, Any]) -> None:
    """Call `test.run` with the trigger's variables on triggers."""
    action = {
        "action": "test.run",
        "data": {name: f"{{{{ trigger.{name} }}}}" for name in VARIABLES},
    }
    await home.automate(triggers=[*triggers], actions=action, mode="parallel")


async def listen(home: Home) -> None:
    """Call `test.run` on all triggers of the first car."""
    await automate(home, *on_all({"device_id": home.device().id}))


def on_all(target: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all triggers for a target, as the editor writes them."""
    return [
        {"trigger": f"podero.{name}", "target": target, "options": {}}
        for name in TRIGGERS
    ]
