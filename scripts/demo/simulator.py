"""Run the simulator as a subprocess, control it, and read vehicles from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
import sys
from typing import Any, Self

from aiohttp import ClientSession

from .processes import LOOPBACK, Program

READY = "ready: "


class Simulator:
    """A simulated Podero cloud on the loopback."""

    def __init__(self, directory: Path, port: int, session: ClientSession) -> None:
        """Use a directory for its state and its log."""
        self.url = f"http://{LOOPBACK}:{port}"
        # Credentials and ids of the account, by name.
        self.account: dict[str, str] = {}
        self.program = Program("The simulator", directory / "simulator.log")
        self._port = port
        self._state = directory / "simulator.json"
        self._session = session

    @property
    def vehicle_ids(self) -> list[str]:
        """Return the ids of the account's vehicles."""
        return self.account["vehicles"].split(",")

    @asynccontextmanager
    async def running(self, speed: float, hours_ago: float) -> AsyncIterator[Self]:
        """Run it; a new one starts some hours in the past."""
        self.program.log.unlink(missing_ok=True)
        try:
            await self.program.start(
                *(sys.executable, "-m", "simulator"),
                *("--port", str(self._port)),
                *("--speed", str(speed)),
                *("--ago", str(hours_ago)),
                *("--state", str(self._state)),
            )
            line = await self.program.wait_until(self._ready_line, 30)
            parts = (part.split("=", 1) for part in line.split() if "=" in part)
            self.account = dict(parts)
            yield self
        finally:
            await self.program.stop()

    async def _ready_line(self) -> str | None:
        for line in self.program.log.read_text().splitlines():
            if line.startswith(READY):
                return line
        return None

    async def command(self, vehicle_id: str, command: str, **body: Any) -> None:
        """Send a command about a car, such as plug-in."""
        await self._control(f"vehicles/{vehicle_id}/{command}", **body)

    async def advance(self, hours: float) -> None:
        """Advance the simulated time."""
        await self._control("advance", hours=hours)

    async def _control(self, path: str, **body: Any) -> None:
        url = f"{self.url}/_simulator/{path}"
        async with self._session.post(url, json=body) as response:
            response.raise_for_status()

    async def read(self, vehicle_id: str) -> dict[str, Any]:
        """Return a vehicle as Podero serves it."""
        vehicle: dict[str, Any] = await self._get(vehicle_id)
        return vehicle

    async def read_sessions(self, vehicle_id: str, first: date) -> list[dict[str, Any]]:
        """Return the completed charging sessions from a day on."""
        last = datetime.now(UTC).date()
        answer = await self._get(f"{vehicle_id}/sessions?from={first}&to={last}")
        sessions: list[dict[str, Any]] = answer["items"]
        return sessions

    async def _get(self, path: str) -> Any:
        """Send a request to the API."""
        credentials = {
            "grant_type": "password",
            "username": self.account["username"],
            "password": self.account["password"],
        }
        token_url = f"{self.url}/api/partners/v2.0/auth/token"
        async with self._session.post(token_url, json=credentials) as response:
            response.raise_for_status()
            token = (await response.json())["access_token"]
        url = (
            f"{self.url}/api/partners/v2.0/org/{self.account['organization_id']}"
            f"/users/{self.account['user_id']}/electric-vehicles/{path}"
        )
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.get(url, headers=headers) as response:
            response.raise_for_status()
            return await response.json()
