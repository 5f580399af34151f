"""Sign the demo account up through the integration's own flows."""

from typing import Any

from .home_assistant import HomeAssistant
from .processes import DemoError, say
from .simulator import Simulator

ENTRIES = "/api/config/config_entries/entry?domain=podero"
FLOWS = "/api/config/config_entries/flow"
SUBENTRY_FLOWS = "/api/config/config_entries/subentries/flow"


async def sign_up(
    hass: HomeAssistant, simulator: Simulator, known_port: int | None
) -> None:
    """Add the account with all its vehicles; tell it where the simulator is if that moved.

    `known_port` is where the simulator was when this was through the last time.
    """
    entries = await hass.get(ENTRIES)
    if entries and known_port == simulator.port:
        return
    form = _account_form(simulator)
    if entries and known_port is not None:
        say("Telling the demo account where the simulator is now")
        start = {"handler": "podero", "entry_id": entries[0]["entry_id"]}
        await _answer(hass, FLOWS, start, form)
        return
    say("Signing up the demo account")
    first, *_ = simulator.vehicle_ids
    if not entries:
        await _answer(
            *(hass, FLOWS, {"handler": "podero"}),
            *({"next_step_id": "password"}, form, {"vehicle": first}),
        )
        entries = await hass.get(ENTRIES)
    entry_id = entries[0]["entry_id"]
    vehicles = await hass.command("config_entries/subentries/list", entry_id=entry_id)
    for vehicle_id in simulator.vehicle_ids:
        if vehicle_id not in (vehicle["unique_id"] for vehicle in vehicles):
            start = {"handler": [entry_id, "vehicle"]}
            await _answer(hass, SUBENTRY_FLOWS, start, {"vehicle": vehicle_id})


def _account_form(simulator: Simulator) -> dict[str, Any]:
    fields = ("username", "password", "organization_id", "user_id")
    return {name: simulator.account[name] for name in fields} | {
        "server": {"environment": "custom", "base_url": simulator.url}
    }


async def _answer(
    hass: HomeAssistant, flows: str, start: dict[str, Any], *answers: dict[str, Any]
) -> None:
    """Start a flow and answer each of its steps in turn."""
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
