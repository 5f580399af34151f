"""Set up the demo account through the integration's flows."""

from typing import Any

from .home_assistant import HomeAssistant
from .processes import DemoError, say
from .simulator import Simulator

ENTRIES = "/api/config/config_entries/entry?domain=podero"
FLOWS = "/api/config/config_entries/flow"


async def sign_up(hass: HomeAssistant, simulator: Simulator) -> None:
    """Add the account with all its cars, or update the simulator's address."""
    account = _fields(simulator, "username", "password") | {
        "server": {"environment": "custom", "base_url": simulator.url}
    }
    if entries := await hass.get(ENTRIES):
        start = {"handler": "podero", "entry_id": entries[0]["entry_id"]}
        await _answer(hass, FLOWS, start, account)
        return
    say("Signing up the demo account")
    await _answer(
        *(hass, FLOWS, {"handler": "podero"}),
        {"next_step_id": "password"},
        account | _fields(simulator, "organization_id"),
        _fields(simulator, "organization_id", "user_id"),
        {"vehicles": simulator.vehicle_ids},
    )


def _fields(simulator: Simulator, *names: str) -> dict[str, Any]:
    """Return the input for the fields of a form."""
    return {name: simulator.account[name] for name in names}


async def _answer(
    hass: HomeAssistant, flows: str, start: dict[str, Any], *answers: dict[str, Any]
) -> None:
    """Start a flow and answer its steps."""
    step = await hass.post(flows, start)
    for answer in answers:
        if step["type"] not in ("form", "menu") or step.get("errors"):
            break
        step = await hass.post(f"{flows}/{step['flow_id']}", answer)
    if (step["type"], step.get("reason")) not in (
        ("create_entry", None),
        ("abort", "reconfigure_successful"),
    ):
        raise DemoError(
            f"The flow ended with {step['type']} {step.get('step_id', '')}:"
            f" {step.get('errors') or step.get('reason')}"
        )
