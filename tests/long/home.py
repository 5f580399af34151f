"""A real Home Assistant that polls continuously, and that can be killed."""

from datetime import datetime, timedelta
import json
from pathlib import Path
import re
import sys
from typing import override

from aiohttp import ClientSession

from scripts.demo.home_assistant import START_SECONDS, HomeAssistant
from scripts.demo.processes import Program
from scripts.demo.sign_up import ENTRIES

from .truth import EVENTS, MISSED
from simulator import Simulator

FIRED = re.compile(rf"\[events\] (\S+) (\w+(?:{re.escape(MISSED)})?)$", re.MULTILINE)


class MortalProgram(Program):
    """A program that can be killed."""

    async def kill(self) -> None:
        """Kill it, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


class Home(HomeAssistant):
    """A Home Assistant whose automations log each trigger of each car."""

    program: MortalProgram

    def __init__(self, directory: Path, port: int, session: ClientSession) -> None:
        """Keep its configuration and its log in a directory."""
        super().__init__(directory, port, session)
        self.program = MortalProgram("Home Assistant", directory / "home-assistant.log")
        self._logged = 0

    @override
    def _configure(self) -> None:
        super()._configure()
        configuration = self._config / "configuration.yaml"
        quiet = configuration.read_text().replace("podero: debug", "podero: fatal")
        configuration.unlink()
        configuration.write_text(quiet)

    @override
    async def _start(self) -> None:
        await self.program.start(
            *(sys.executable, "-m", "tests.long.hurry"),
            *("--config", str(self._config)),
            "--log-no-color",
        )

    async def automate(self, car_ids: list[str]) -> None:
        """Add an automation for each trigger and car, the cars targeted in different ways."""
        devices = {
            identifier: device["id"]
            for device in await self.command("config/device_registry/list")
            for _, identifier in device["identifiers"]
        }
        label = await self.command("config/label_registry/create", name="Cars")
        first, *others = car_ids
        targets = {first: {"device_id": devices[first]}}
        for car_id in others:
            await self.command(
                "config/device_registry/update",
                device_id=devices[car_id],
                labels=[label["label_id"]],
            )
            targets[car_id] = {"label_id": label["label_id"]}
        for car_id, target in targets.items():
            for trigger in EVENTS:
                await self.post(
                    f"/api/config/automation/config/{trigger}_{car_id}",
                    {
                        "alias": f"{trigger} {car_id}",
                        "mode": "parallel",
                        "max": 100,
                        "triggers": [
                            {"trigger": f"podero.{trigger}", "target": target}
                        ],
                        "actions": [
                            {
                                "action": "system_log.write",
                                "data": {
                                    "logger": "events",
                                    "level": "warning",
                                    "message": f"{car_id} {trigger}"
                                    f"{{{{ '{MISSED}' if trigger.missed else '' }}}}",
                                },
                            }
                        ],
                    },
                )

    def fired(self) -> list[tuple[str, str]]:
        """Return the cars and events that were logged since the last call."""
        log = self.program.log.read_text(errors="replace")
        new, self._logged = log[self._logged :], len(log)
        return FIRED.findall(new)

    async def entry(self) -> dict[str, str]:
        """Return the account's entry."""
        (entry,) = await self.get(ENTRIES)
        return dict(entry)

    async def reload(self) -> None:
        """Reload the account."""
        entry_id = (await self.entry())["entry_id"]
        await self.post(f"/api/config/config_entries/entry/{entry_id}/reload", {})

    async def disable(self, *, disabled_by: str | None = "user") -> None:
        """Disable the account, or enable it."""
        await self.command(
            "config_entries/disable",
            entry_id=(await self.entry())["entry_id"],
            disabled_by=disabled_by,
        )

    async def wait_until_loaded(self, simulator: Simulator) -> None:
        """Wait until the account is set up; clear faults and reload rather than retry late."""

        async def is_loaded() -> bool | None:
            match (await self.entry())["state"]:
                case "loaded":
                    return True
                case "setup_retry":
                    simulator.clear_faults()
                    await self.reload()
            return None

        await self.program.wait_until(is_loaded, START_SECONDS)

    def age_memory(self, by: timedelta) -> None:
        """Backdate the stored values of the cars, as if more time had passed."""
        for path in (self._config / ".storage").glob("podero.*.events"):
            stored = json.loads(path.read_text())
            written_at = datetime.fromisoformat(stored["data"]["written_at"])
            stored["data"]["written_at"] = (written_at - by).isoformat()
            path.write_text(json.dumps(stored))
