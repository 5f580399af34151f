"""Serve the users of an organization."""

from typing import Any

from aiohttp import web

from .account import Account
from .auth import authorize
from .errors import ApiError
from .routing import SIMULATOR, Route


async def list_users(request: web.Request) -> web.Response:
    """Serve all users of an organization, to its administrators only."""
    token = authorize(request)
    simulator = request.app[SIMULATOR]
    if (
        token.organization_id != request.match_info["org_id"].lower()
        or token.user_id is not None
    ):
        raise ApiError(403, "You do not have permission to perform this action.")
    if not simulator.lists_users:
        raise ApiError(404, "Not found.")
    return web.json_response(
        [
            _document(account, sum(car.owner is account for car in simulator.vehicles))
            for account in simulator.accounts
            if account.organization_id == token.organization_id
        ]
    )


def _document(account: Account, cars: int) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "role": "user",
        "email": account.username,
        "external_user_id": None,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "num_electric_vehicles": cars,
        "num_inverters": 0,
    }


ROUTES = (Route("GET", "/api/partners/v2.0/org/{org_id}/users", "users", list_users),)
