"""Issues, and a client of the frontend's API that fixes them."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestClient
from yarl import URL

from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .home import credentials
from custom_components.podero.const import DOMAIN, NEW_VEHICLE
from simulator import RecordedRequest, Server, Simulator

type Input = dict[str, Any]

FLOWS = "/api/repairs/issues/fix"
SUBENTRY_FLOWS = "/api/config/config_entries/subentries/flow"


def account_input(server: Server, /, grant: str = "password", **changes: Any) -> Input:
    """Return the user input for the simulator's account."""
    account = server.simulator.account
    return {
        **credentials(account, grant),
        "organization_id": account.organization_id,
        "server": {"environment": "custom", "base_url": server.url},
        **changes,
    }


def sign_in_input(server: Server, /, grant: str = "password", **changes: Any) -> Input:
    """Return the user input to sign in again or to another server."""
    typed = account_input(server, grant, **changes)
    del typed["organization_id"]
    return typed


def user_input(server: Server, **changes: Any) -> Input:
    """Return the user input for the user of the simulator's account."""
    account = server.simulator.account
    return {
        "organization_id": account.organization_id,
        "user_id": account.user_id,
        **changes,
    }


async def walk(hass: HomeAssistant, *answers: Input) -> Any:
    """Walk through the config flow of a new account, and return its last result."""
    flow = hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    for answer in answers:
        result = await flow.async_configure(result["flow_id"], answer)
    return result


def bring_about(simulator: Simulator, kind: str, number: int = 0) -> None:
    """Cause an issue of this kind."""
    car = simulator.vehicles[number]
    match kind:
        case "reauthenticate":
            car.raise_reauthenticate()
        case "information":
            car.raise_message("The tariff changes.")
        case "unknown_action":
            car.raise_unknown_action("water_the_flowers")
        case "vehicle_not_found":
            car.delete()


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return our active issues by id, except those of new cars."""
    return {
        issue.issue_id: issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
        and issue.active
        and issue.translation_key != NEW_VEHICLE
    }


def kinds(hass: HomeAssistant) -> list[str]:
    """Return the kinds of our active issues."""
    return sorted(str(issue.translation_key) for issue in issues(hass).values())


def only_issue(hass: HomeAssistant) -> ir.IssueEntry:
    """Return the only issue."""
    (issue,) = issues(hass).values()
    return issue


def cues(simulator: Simulator, end: str = "") -> list[RecordedRequest]:
    """Return the requests to the links of actions, or those to paths with this end."""
    return [
        request
        for request in simulator.requests
        if "/cues/" in request.path and request.path.endswith(end)
    ]


@dataclass
class Person:
    """A user who works with dialogs through the frontend's API."""

    hass: HomeAssistant
    client: TestClient[Any, Any]
    headers: dict[str, str] = field(default_factory=dict)
    flows: str = FLOWS

    async def open(self, issue_id: str) -> dict[str, Any]:
        """Select an issue in the list."""
        body = {"handler": DOMAIN, "issue_id": issue_id}
        return await self._request("POST", self.flows, body)

    async def add_vehicle(self, entry: ConfigEntry) -> dict[str, Any]:
        """Begin to add a vehicle to an account."""
        return await self._request(
            "POST", self.flows, {"handler": [entry.entry_id, "vehicle"]}
        )

    async def submit(self, step: dict[str, Any], **answers: Any) -> dict[str, Any]:
        """Submit the form of a dialog, or choose from its menu."""
        return await self._request("POST", f"{self.flows}/{step['flow_id']}", answers)

    async def look(self, step: dict[str, Any]) -> dict[str, Any]:
        """Return the current step of a dialog."""
        return await self._request("GET", f"{self.flows}/{step['flow_id']}")

    async def close(self, step: dict[str, Any]) -> None:
        """Close a dialog."""
        response = await self.client.delete(f"{self.flows}/{step['flow_id']}")
        assert response.status == 200

    async def wait(self, step: dict[str, Any]) -> dict[str, Any]:
        """Wait until a dialog continues after an external step."""
        async with asyncio.timeout(10):
            while (now := await self.look(step))["type"] == "external":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return now

    async def fix(self, issue_id: str, **answers: str) -> dict[str, Any]:
        """Open a dialog and submit its first step."""
        step = await self.open(issue_id)
        assert (step["type"], step["step_id"]) == ("form", "confirm")
        return await self.submit(step, **answers)

    async def choose(self, step: dict[str, Any], choice: str) -> URL:
        """Choose on the car maker's page, and return the URL that follows."""
        async with async_get_clientsession(self.hass).post(
            step["url"], data={"choice": choice}, allow_redirects=False
        ) as response:
            assert response.status == 303
            return URL(response.headers["Location"])

    async def visit(self, address: URL) -> tuple[int, str, Any]:
        """Open a URL of Home Assistant without being signed in."""
        async with async_get_clientsession(self.hass).get(
            self.client.make_url(address.raw_path), headers=self.headers
        ) as response:
            return response.status, await response.text(), response.headers

    async def sign_in(self, step: dict[str, Any], choice: str = "sign-in") -> None:
        """Walk through the car maker's page and come back."""
        status, _, _ = await self.visit(await self.choose(step, choice))
        assert status == 200

    async def _request(
        self, method: str, path: str, body: Any = None
    ) -> dict[str, Any]:
        response = await self.client.request(
            method, path, json=body, headers=self.headers
        )
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer
