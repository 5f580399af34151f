"""Run the demo until Ctrl-C, or check that it works and exit."""

import argparse
import asyncio
from pathlib import Path
import sys

from .bring_up import bring_up, owned
from .browser import start_browser
from .check import Check
from .dashboards import set_up_energy, show_dashboard
from .history import HISTORY_HOURS, create_history
from .home_assistant import LOGIN, PASSWORD, HomeAssistant
from .processes import DemoError, say
from .sign_up import sign_up
from .simulator import Simulator
from .walkthrough import Walkthrough

DIRECTORY = Path(__file__).parent.parent.parent / ".demo"


def main() -> int:
    """Parse the command line, run the demo, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/develop", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="check that all works, and end"
    )
    parser.add_argument(
        "--port", type=int, help="Home Assistant's, or the next free one"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1,
        help="of the cars' lives: 60 is a minute each second, which runs ahead of the clock",
    )
    options = parser.parse_args()
    directory = DIRECTORY / ("check" if options.check else "run")
    try:
        with owned(directory, is_fresh=options.check) as is_new:
            asyncio.run(
                _check(directory)
                if options.check
                else _run(directory, options.port, options.speed, is_new=is_new)
            )
    except DemoError as error:
        print(f"\n{error}\n\nIts state and logs: {directory}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 130
    return 0


async def _run(
    directory: Path, port: int | None, speed: float, *, is_new: bool
) -> None:
    """Run the demo until it is stopped; create history for a new one."""
    hours_ago = HISTORY_HOURS if is_new else 0
    async with bring_up(directory, port, speed, hours_ago) as (hass, simulator):
        await sign_up(hass, simulator)
        await show_dashboard(hass)
        await set_up_energy(hass, simulator)
        if is_new:
            await create_history(hass, simulator)
        _show(hass, simulator)
        ends = {
            asyncio.create_task(hass.run()): hass.program,
            asyncio.create_task(simulator.program.wait()): simulator.program,
        }
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # Ctrl-C
            say("Stopping")
            return
        raise ends[done.pop()].failure("ended")


async def _check(directory: Path) -> None:
    """Check a new demo whose cars only follow commands."""
    async with (
        bring_up(directory, port=None, speed=0) as (hass, simulator),
        start_browser(hass, directory) as browser,
    ):
        await Check(hass, simulator, Walkthrough(browser, simulator)).run()
    say("The demo works")


def _show(hass: HomeAssistant, simulator: Simulator) -> None:
    """Print URLs and credentials, and what to look at and to try."""
    account = simulator.account
    tell, where = ".venv/bin/python -m simulator", f"--url {simulator.url}"
    print(
        f"""
  Home Assistant    {hass.url}
  Log in as         {LOGIN}, password {PASSWORD}
  Look at           Cars and Energy, in the sidebar: two days of history, two months of charging
                    Settings > Devices & services > Podero: the two cars
                    Settings > Automations & scenes > Create automation: its triggers

  Play with it      {tell} unplug 1 {where}
                    {tell} reauthenticate 1 {where}
                    and then Settings > System > Repairs

  Set it up by hand: delete the account under Settings > Devices & services > Podero,
  then Add integration > Podero, with
    Username           {account["username"]}
    Password           {account["password"]}
    or Client ID       {account["client_id"]}
    Client secret      {account["client_secret"]}
    Organization ID    {account["organization_id"]}
    User ID            {account["user_id"]}
    Server             Another address, {simulator.url}

  Logs              {hass.program.log.parent}
  Ctrl-C ends the demo; the next time it goes on from there.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
