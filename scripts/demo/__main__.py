"""Run the demo until Ctrl-C, or check that it works."""

import argparse
import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
import sys

from .bring_up import bring_up, owned
from .browser import start_browser
from .check import Check
from .dashboard import show_dashboard
from .home_assistant import LOGIN, PASSWORD, Entity, HomeAssistant
from .processes import DemoError, say
from .sign_up import sign_up
from .simulator import Simulator
from .walk import Walk

DIRECTORY = Path(__file__).parent.parent.parent / ".demo"


def main() -> int:
    """Do what the command line says, and return the exit code."""
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
        with owned(directory, is_fresh=options.check):
            asyncio.run(
                _check(directory)
                if options.check
                else _run(directory, options.port, options.speed)
            )
    except DemoError as error:
        print(f"\n{error}\n\nIts state and logs: {directory}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 130
    return 0


async def _run(directory: Path, port: int | None, speed: float) -> None:
    """Run the demo until somebody ends it."""
    async with bring_up(directory, port, speed) as (hass, simulator):
        await sign_up(hass, simulator)
        await show_dashboard(hass)
        _show(hass, simulator, speed, await hass.settled_entities())
        ends = {
            asyncio.create_task(hass.run()): hass.program,
            asyncio.create_task(simulator.program.wait()): simulator.program,
        }
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The usual end.
            say("Stopping")
            return
        raise ends[done.pop()].failure("ended")


async def _check(directory: Path) -> None:
    """Check a demo that starts from nothing; its cars only do as they are told."""
    async with (
        bring_up(directory, port=None, speed=0) as (hass, simulator),
        start_browser(hass, directory) as browser,
    ):
        await Check(hass, simulator, Walk(browser, simulator)).run()
    say("The demo works")


def _show(
    hass: HomeAssistant,
    simulator: Simulator,
    speed: float,
    entities: Sequence[Entity],
) -> None:
    """Print what there is to see, and where."""
    by_vehicle = attrgetter("vehicle_id")
    for _, group in groupby(sorted(entities, key=by_vehicle), by_vehicle):
        car = [*group]
        name = car[0].attributes.get("friendly_name", "").removesuffix(car[0].label)
        print(f"\n  {name}")
        width = max(len(entity.label) for entity in car)
        for entity in car:
            unit = entity.attributes.get("unit_of_measurement", "")
            state = f"{entity.state} {unit}"
            print(f"    {entity.label:<{width}}  {state:<26} {entity.entity_id}")
    print(
        f"""
  Home Assistant  {hass.url}  login {LOGIN}, password {PASSWORD}
  Simulator       {simulator.url}  speed {speed:g}; to play with it:
                  .venv/bin/python -m simulator plug-in 2 --url {simulator.url}
                  .venv/bin/python -m simulator reauthenticate 1 --url {simulator.url}
  Logs            {hass.program.log.parent}
  Ctrl-C ends the demo; it goes on from there the next time.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
