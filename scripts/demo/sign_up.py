"""Set up the demo account through the integration's flows."""

from collections.abc import Iterable
from typing import Any

from .home_assistant import HomeAssistant
from .processes import DemoError, say
from .simulator import Simulator

ENTRIES = "/api/config/config_entries/entry?domain=podero"
FLOWS = "/api/config/config_entries/flow"
SUBENTRY_FLOWS = "/api/config/config_entries/subentries/flow"


async def sign_up(hass: HomeAssistant, simulator: Simulator) -> None:
    """Add the account with all its cars, or update the simulator's address."""
    form = _account_form(simulator)
    if entries := await hass.get(ENTRIES):
        start = {"handler": "podero", "entry_id": entries[0]["entry_id"]}
        await _answer(hass, FLOWS, start, form)
        return
    say("Signing up the demo account")
    first, *others = simulator.vehicle_ids
    await _answer(
        *(hass, FLOWS, {"handler": "podero"}),
        *({"next_step_id": "password"}, form, {"vehicle": first}),
    )
    await add_cars(hass, others)


async def add_cars(hass: HomeAssistant, vehicle_ids: Iterable[str]) -> None:
    """Add cars to the account."""
    (entry,) = await hass.get(ENTRIES)
    start = {"handler": [entry["entry_id"], "vehicle"]}
    for vehicle_id in vehicle_ids:
        await _answer(hass, SUBENTRY_FLOWS, start, {"vehicle": vehicle_id})


def _account_form(simulator: Simulator) -> dict[str, Any]:
    fields = ("username", "password", "organization_id", "user_id")
    return {name: simulator.account[name] for name in fields} | {
        "server": {"environment": "custom", "base_url": simulator.url}
    }


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
