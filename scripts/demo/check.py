"""Check the demo: in a browser, and by comparing states with the simulator's documents."""

import asyncio
from datetime import datetime
import re
import time

from .dashboards import show_section
from .expected import ELSEWHERE, EXPECTED, ZONE, matches
from .home_assistant import Entity, HomeAssistant
from .processes import DemoError, say
from .simulator import Simulator
from .walkthrough import Walkthrough

SETTLE_SECONDS = 40

# Warnings and errors of Home Assistant that are not about this integration.
KNOWN_LINES = (
    # Logged for every custom integration.
    r"\[homeassistant\.loader\] We found a custom integration podero ",
    # Needed by cameras and voice assistants only.
    r"\[haffmpeg\.\w+\] (FFmpeg fails|Error starting FFmpeg)",
    r"\[homeassistant\.components\.camera\.img_util\] Error loading libturbojpeg",
    # An optional speed-up.
    r"\[aiohttp_fast_zlib\] zlib_ng and isal are not available",
)
_COMPLAINT = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) \(.*", re.MULTILINE)


class Check:
    """The checks of a demo, from its setup to a restart."""

    def __init__(
        self, hass: HomeAssistant, simulator: Simulator, walkthrough: Walkthrough
    ) -> None:
        """Check a Home Assistant and its simulator, which must run at speed 0."""
        self._hass = hass
        self._simulator = simulator
        self._walkthrough = walkthrough

    async def run(self) -> None:
        """Run all checks. Raises DemoError if one fails."""
        first, second = self._simulator.vehicle_ids
        await self._walkthrough.set_up_account()
        await self._compare()
        say("Set up in a browser, every entity shows what the simulator serves")

        for vehicle_id in (first, second):
            await self._check_month(vehicle_id)
        say("What was charged this month is the sum of its charging sessions")

        await self._walkthrough.add_dashboard()
        await show_section(self._hass, "dashboard-cars")
        await self._walkthrough.check_section()
        say("The dashboard is added in a browser, and whole at every width")

        await self._do(second, "plug-in", "plugged_in", "plugged_in")
        say("A plug-in made in the simulator arrived in Home Assistant")

        await self._do(first, "charge", "charging", "charging_started")
        say("So did charging, with all that comes with it")

        await self._simulator.command(first, "reauthenticate")
        await self._compare()
        await self._walkthrough.reconnect_car()
        await self._compare()
        say("A car was reconnected in a browser")

        await self._hass.program.stop()
        await self._hass.start()
        await self._compare()
        say("All is back after a restart of Home Assistant")

        await self._hass.program.stop()
        self._check_log()
        say("Its log has no unknown warning or error, and no secret")

    async def _check_month(self, vehicle_id: str) -> None:
        """Check the energy of this month, except of a session that began last month."""
        month = datetime.now(ZONE).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        sums = {False: 0.0, True: 0.0}
        for session in await self._simulator.read_sessions(vehicle_id, month.date()):
            if session["is_at_home"]:
                is_whole = datetime.fromisoformat(session["plug_in_time"]) >= month
                sums[is_whole] += float(session["energy_charged_kwh"])

        async def read() -> float | None:
            """Return the state, or None until sessions have been read."""
            entity = await self._entity(vehicle_id, "sensor.month_energy")
            return None if entity.state == "unknown" else float(entity.state)

        shown = await self._hass.program.wait_until(read, SETTLE_SECONDS)
        if not sums[True] <= shown + 0.001 <= sums[True] + sums[False] + 0.002:
            raise DemoError(f"{vehicle_id}: {shown} kWh this month, of sessions {sums}")

    async def _do(self, vehicle_id: str, command: str, key: str, event: str) -> None:
        """Send a command to the simulator, and check that its effect is shown."""
        before = await self._entity(vehicle_id, f"binary_sensor.{key}")
        await self._simulator.command(vehicle_id, command)
        await self._compare()
        after = await self._entity(vehicle_id, f"binary_sensor.{key}")
        told = await self._entity(vehicle_id, "event.charging")
        if (before.state, after.state) != ("off", "on"):
            raise DemoError(
                f"{command} took {key} from {before.state} to {after.state}"
            )
        if told.attributes["event_type"] != event:
            raise DemoError(f"{command} fired {told.attributes['event_type']}")

    async def _compare(self) -> None:
        """Poll the cars until Home Assistant shows what the simulator serves."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while differences := await self._differences():
            if time.monotonic() > deadline:
                raise DemoError("\n".join(differences))
            await self._hass.update(
                *(
                    entity.entity_id
                    for entity in await self._hass.entities()
                    if entity.name == "sensor.battery_level"
                )
            )
            await asyncio.sleep(1)

    async def _differences(self) -> list[str]:
        differences = []
        entities = await self._hass.entities()
        for vehicle_id in self._simulator.vehicle_ids:
            vehicle = await self._simulator.read(vehicle_id)
            missing = ELSEWHERE | set(EXPECTED)
            for entity in entities:
                if entity.vehicle_id != vehicle_id:
                    continue
                missing.discard(entity.name)
                if entity.name in ELSEWHERE:
                    continue
                if (expectation := EXPECTED.get(entity.name)) is None:
                    differences.append(f"{entity.entity_id}: nothing was expected")
                elif not matches(expected := expectation(vehicle), entity):
                    differences.append(
                        f"{entity.entity_id}: {entity.state} and not {expected}"
                    )
            differences += [f"{vehicle_id} has no {name}" for name in sorted(missing)]
        return differences

    async def _entity(self, vehicle_id: str, name: str) -> Entity:
        return next(
            entity
            for entity in await self._hass.entities()
            if (entity.vehicle_id, entity.name) == (vehicle_id, name)
        )

    def _check_log(self) -> None:
        path = self._hass.program.log
        log = path.read_text(errors="replace")
        known = re.compile("|".join(KNOWN_LINES))
        unknown = [line for line in _COMPLAINT.findall(log) if not known.search(line)]
        if unknown:
            raise DemoError("\n".join((f"{path} complains:", *unknown)))
        for name in ("password", "client_secret"):
            if self._simulator.account[name] in log:
                raise DemoError(f"{path} holds the account's {name}")
