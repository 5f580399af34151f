"""Run Home Assistant with a configuration of its own, and use its APIs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import sys
import time
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from .processes import LOOPBACK, DemoError, Program

LOGIN = PASSWORD = "demo"

RESTART_EXIT_CODE = 100
START_SECONDS = 300
SETTLE_SECONDS = 30

MISSING = "missing"
"""Replaces the state of an entity that has none."""

_HERE = Path(__file__).parent
_PROJECT = _HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Entity:
    """An enabled entity of a vehicle, with its state."""

    vehicle_id: str
    name: str
    """Platform and key, such as sensor.battery_level; not the entity id."""

    entity_id: str
    label: str
    """The entity's name, without the device's."""

    state: str
    attributes: Mapping[str, Any]


class HomeAssistant:
    """A real Home Assistant with this integration, on the loopback only."""

    def __init__(self, directory: Path, port: int, session: ClientSession) -> None:
        """Use a directory for its configuration and its log."""
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.program = Program("Home Assistant", directory / "home-assistant.log")
        self._config = directory / "home-assistant"
        self.database = self._config / "home-assistant_v2.db"
        self._session = session
        # The tokens that the frontend stores after the login.
        self.tokens: dict[str, Any] = {}
        self._headers: dict[str, str] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run it, logged in as the demo user."""
        self.program.log.unlink(missing_ok=True)
        self._configure()
        try:
            await self.start()
            yield self
        finally:
            await self.program.stop()

    async def start(self) -> None:
        """Start it and log in, creating the demo user if there is none."""
        await self._start()
        is_known = await self.program.wait_until(self._knows_demo, START_SECONDS)
        await self._sign_in(await (self._log_in() if is_known else self._register()))
        await self.program.wait_until(self._is_running, START_SECONDS)

    async def run(self) -> None:
        """Wait until it exits, starting it again whenever it asks for a restart."""
        while await self.program.wait() == RESTART_EXIT_CODE:
            await self._start()

    async def _start(self) -> None:
        await self.program.start(
            *(sys.executable, "-m", "homeassistant"),
            *("--config", str(self._config)),
            "--log-no-color",
        )

    def _configure(self) -> None:
        storage = self._config / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        # Linked, so that edits apply without a restart of the demo.
        _link(self._config / "configuration.yaml", _HERE / "configuration.yaml")
        _link(self._config / "custom_components", _PROJECT / "custom_components")
        automations = self._config / "automations.yaml"
        if not automations.exists():
            automations.write_text("[]\n")
        # In YAML the port would be reverted after five minutes.
        _store(
            storage / "http", 1, {"server_host": [LOOPBACK], "server_port": self.port}
        )
        onboarding = storage / "onboarding"
        if not onboarding.exists():
            # These steps would set up integrations that need the internet.
            _store(onboarding, 4, {"done": ["core_config", "analytics", "integration"]})

    async def _knows_demo(self) -> bool | None:
        """Return whether the demo user exists, None until Home Assistant answers."""
        try:
            async with self._session.get(f"{self.url}/api/onboarding") as response:
                # After the onboarding the endpoint does not exist.
                return response.status != 200
        except ClientError:
            return None

    async def _register(self) -> str:
        """Create the demo user, and return an authorization code."""
        answer = await self.post(
            "/api/onboarding/users",
            {
                "name": "Demo",
                "username": LOGIN,
                "password": PASSWORD,
                "client_id": f"{self.url}/",
                "language": "en",
            },
        )
        return str(answer["auth_code"])

    async def _log_in(self) -> str:
        """Log in as the demo user, and return an authorization code."""
        client = {"client_id": f"{self.url}/"}
        handler = {"handler": ["homeassistant", None], "redirect_uri": f"{self.url}/"}
        step = await self.post("/auth/login_flow", client | handler)
        person = {"username": LOGIN, "password": PASSWORD}
        step = await self.post(f"/auth/login_flow/{step['flow_id']}", client | person)
        if step["type"] != "create_entry":
            raise DemoError(f"{self.url} does not know {LOGIN} with this password")
        return str(step["result"])

    async def _sign_in(self, code: str) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": f"{self.url}/",
        }
        async with self._session.post(f"{self.url}/auth/token", data=form) as response:
            response.raise_for_status()
            self.tokens = await response.json()
        self._headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def _is_running(self) -> bool | None:
        return (await self.get("/api/config"))["state"] == "RUNNING" or None

    async def get(self, path: str) -> Any:
        """Send a GET request to the REST API."""
        return await self._request("GET", path)

    async def post(self, path: str, body: Any) -> Any:
        """Send a POST request to the REST API."""
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: Any = None) -> Any:
        async with self._session.request(
            method, f"{self.url}{path}", json=body, headers=self._headers
        ) as response:
            if not response.ok:
                raise DemoError(
                    f"{method} {path}: {response.status} {await response.text()}"
                )
            return await response.json()

    async def command(self, kind: str, **options: Any) -> Any:
        """Send a command to the WebSocket API."""
        token = self.tokens["access_token"]
        async with self._session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token})
            await socket.receive_json()
            await socket.send_json({"id": 1, "type": kind, **options})
            answer = await socket.receive_json()
        if not answer["success"]:
            raise DemoError(f"{kind}: {answer['error']['message']}")
        return answer["result"]

    async def entities(self) -> list[Entity]:
        """Return the enabled entities of all vehicles."""
        states = {state["entity_id"]: state for state in await self.get("/api/states")}
        entities = []
        for entry in await self.command("config/entity_registry/list"):
            if entry["platform"] != "podero" or entry["disabled_by"] is not None:
                continue
            vehicle_id, _, key = entry["unique_id"].partition("_")
            entity_id = entry["entity_id"]
            state = states.get(entity_id, {"state": MISSING, "attributes": {}})
            entities.append(
                Entity(
                    vehicle_id,
                    f"{entity_id.partition('.')[0]}.{key}",
                    entity_id,
                    entry["name"] or entry["original_name"] or "",
                    state["state"],
                    state["attributes"],
                )
            )
        return entities

    async def settled_entities(self) -> list[Entity]:
        """Return the enabled entities once all are available, or after a timeout."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            entities = await self.entities()
            states = {entity.state for entity in entities}
            if not states & {MISSING, "unavailable"} or time.monotonic() > deadline:
                return entities
            await asyncio.sleep(0.5)

    async def update(self, *entity_ids: str) -> None:
        """Poll the vehicles of some entities."""
        await self.post(
            "/api/services/homeassistant/update_entity", {"entity_id": entity_ids}
        )


def _link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _store(path: Path, version: int, data: dict[str, Any]) -> None:
    content = {"version": version, "key": path.name, "data": data}
    path.write_text(json.dumps(content))
