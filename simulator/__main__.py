"""Run the simulator, or send a command to a running one."""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import timedelta
import json
from pathlib import Path
import signal
import sys
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import ClientError, ClientSession, ClientTimeout

from .clock import real_now
from .cloud import VIENNA, Simulator
from .control import PREFIX, REPORTS
from .faults import KINDS
from .policy import WEEKDAYS
from .server import Server

DEFAULT_PORT = 8765

# The arguments of a car's commands that are sent in the body of the request.
_IN_BODY = frozenset(
    {
        *("percent", "text", "code", "names", "readings", "properties", "number"),
        *("energy", "hours_ago", "hours", "weekday", "deadline", "timezone"),
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command is None:
            asyncio.run(_serve(options))
        else:
            print(asyncio.run(_send(options)))
    except (ClientError, OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    simulator = Simulator(
        speed=options.speed,
        seed=options.seed,
        now=lambda: real_now() - timedelta(hours=options.ago),
        home=options.home,
        zone=options.zone,
        state_file=options.state,
        client_credentials_url=options.client_credentials_url,
        token_lifetime=timedelta(seconds=options.token_lifetime),
        read_only=options.read_only,
        lists_users=not options.no_users,
        lists_vehicles=not options.no_list,
        offers_onboarding=not options.no_onboarding,
        contract_only=options.contract_only,
        signin_reports_outcome=options.signin_reports_outcome,
        history_days=options.history_days,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Server(simulator, host=options.host, port=options.port) as server:
        account = simulator.account
        print(
            f"ready: {server.url}"
            f" organization_id={account.organization_id} user_id={account.user_id}"
            f" username={account.username} password={account.password}"
            f" client_id={account.client_id} client_secret={account.client_secret}"
            f" vehicles={','.join(car.id for car in simulator.vehicles)}",
            flush=True,
        )
        await stop.wait()


async def _send(options: argparse.Namespace) -> str:
    method, path, body = _request(options)
    async with (
        ClientSession(timeout=ClientTimeout(total=10)) as session,
        session.request(
            method, f"{options.url.rstrip('/')}{PREFIX}{path}", json=body
        ) as response,
    ):
        answer = await response.json()
        if not response.ok:
            raise ValueError(answer["detail"])
        return str(answer["message"])


def _request(options: argparse.Namespace) -> tuple[str, str, dict[str, Any]]:
    """Return the method, path and body of the request for a command."""
    match options.command:
        case "status":
            return "GET", "/status", {}
        case "recover":
            return "DELETE", "/faults", {}
        case "advance":
            return "POST", "/advance", {"hours": options.hours}
        case "fail":
            headers = (
                {}
                if options.retry_after is None
                else {"Retry-After": options.retry_after}
            )
            fault = {"status": options.status, "headers": headers, "body": options.body}
            return "POST", "/faults", fault | _which(options)
        case "stall":
            return "POST", "/faults", {"delay": options.seconds} | _which(options)
        case "refuse":
            return "POST", "/faults", {"kind": options.kind, "status": options.status}
        case "shift-clock":
            return "POST", "/clock", {"minutes": options.minutes}
    path = f"/vehicles/{options.vehicle}/{options.command}"
    if options.command in REPORTS:
        return "GET", path, {}
    body = {name: value for name, value in vars(options).items() if name in _IN_BODY}
    if "properties" in body:
        body["properties"] = dict(body["properties"])
    return "POST", path, body["properties"] if options.command == "set" else body


def _which(options: argparse.Namespace) -> dict[str, Any]:
    return {"kind": options.path, "count": options.count}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument(
        "--speed", type=float, default=1, help="60: a minute each second, 0: still"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--ago",
        type=float,
        default=0,
        metavar="HOURS",
        help="start the cars' time so long ago",
    )
    parser.add_argument("--home", type=_coordinates, default=VIENNA, metavar="LAT,LON")
    parser.add_argument(
        "--zone", type=_zone, default="Europe/Vienna", help="the home's time zone"
    )
    parser.add_argument(
        "--history-days", type=int, default=61, metavar="DAYS", help="of past sessions"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="keep the state here"
    )
    parser.add_argument(
        "--client-credentials-url",
        choices=("contract", "guide", "both"),
        default="both",
    )
    parser.add_argument("--token-lifetime", type=int, default=36000, metavar="SECONDS")
    parser.add_argument("--read-only", action="store_true", help="tokens may not write")
    parser.add_argument(
        "--no-list", action="store_true", help="do not serve the list of vehicles"
    )
    parser.add_argument(
        "--no-users", action="store_true", help="do not serve the list of users"
    )
    parser.add_argument(
        "--no-onboarding", action="store_true", help="refuse to connect new cars"
    )
    parser.add_argument(
        "--contract-only",
        action="store_true",
        help="serve no endpoint that only the guide describes",
    )
    parser.add_argument(
        "--signin-reports-outcome",
        action="store_true",
        help="the maker's page tells Podero itself, not the client",
    )
    _add_commands(parser)
    return parser


def _add_commands(parser: argparse.ArgumentParser) -> None:
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--url", default=f"http://127.0.0.1:{DEFAULT_PORT}")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--path", choices=KINDS, help="affect only this endpoint")
    which.add_argument("--count", type=int, help="affect only so many requests")
    commands = parser.add_subparsers(
        dest="command", title="commands to a running simulator"
    )

    def add(
        name: str, text: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, parents=[where, *parents])

    def add_for_car(name: str, text: str) -> argparse.ArgumentParser:
        command = add(name, text)
        command.add_argument("vehicle", help="1, 2 ... or the id")
        return command

    add("status", "describe the clock and all cars")
    add("recover", "end all failures")
    add("advance", "skip some hours").add_argument("hours", type=float)
    add("shift-clock", "set the service's clock forward or back").add_argument(
        "minutes", type=float
    )
    refuse = add("refuse", "refuse an endpoint until recover")
    refuse.add_argument("kind", choices=KINDS)
    refuse.add_argument("--status", type=int, choices=(403, 404, 405), default=404)
    fail = add("fail", "answer with an error", which)
    fail.add_argument("--status", type=int, default=503)
    fail.add_argument("--body")
    fail.add_argument("--retry-after")
    add("stall", "answer late", which).add_argument("--seconds", type=float, default=60)

    add_for_car("plug-in", "plug it in at home")
    add_for_car("unplug", "unplug it")
    add_for_car("drive", "drive off")
    add_for_car("charge", "start charging")
    add_for_car("stop-charging", "stop charging")
    add_for_car("fill-up", "set the battery to its charge limit")
    add_for_car("level", "set the battery level").add_argument("percent", type=int)
    add_for_car("lag", "serve written values late").add_argument(
        "readings", type=_readings, help="0, 1, 2 ... or never"
    )
    add_for_car("delete", "delete it from the account")
    add_for_car("reauthenticate", "raise a request to sign in to the car maker again")
    add_for_car("message", "raise a message for the user").add_argument("text")
    add_for_car("unknown-action", "raise an action of an unknown kind").add_argument(
        "code", nargs="?", default="unheard"
    )
    add_for_car("clear-actions", "close all actions")
    add_for_car("set", "serve these values").add_argument(
        "properties", nargs="+", type=_property, metavar="NAME=JSON"
    )
    add_for_car("omit", "omit these properties").add_argument("names", nargs="+")
    add_for_car("unset", "serve the true values again").add_argument("names", nargs="*")
    add_for_car("plan", "describe when it is to charge")
    add_for_car("sessions", "list its latest completed sessions")
    correct = add_for_car("correct-session", "serve these values of a session")
    correct.add_argument("number", type=int, help="1: the latest completed one")
    correct.add_argument("properties", nargs="+", type=_property, metavar="NAME=JSON")
    add_for_car("delete-session", "delete a session").add_argument("number", type=int)
    away = add_for_car("away-session", "add a past session away from home")
    away.add_argument("energy", type=float, metavar="KWH")
    away.add_argument("--hours-ago", type=float, default=4)
    away.add_argument("--hours", type=float, default=2)
    add_for_car("policy", "show its weekly charge policy")
    day = add_for_car("day-policy", "give a weekday a policy of its own")
    day.add_argument("weekday", choices=WEEKDAYS)
    day.add_argument("percent", type=int)
    day.add_argument("deadline", nargs="?", help="HH:MM")
    add_for_car("policy-zone", "set the time zone of its deadlines").add_argument(
        "timezone"
    )
    add_for_car("clear-policy", "reset its policy to the preferences")


def _coordinates(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not LAT,LON: {text}") from error
    return latitude, longitude


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise argparse.ArgumentTypeError(f"no such zone: {text}") from error


def _readings(text: str) -> int | str:
    return text if text == "never" else int(text)


def _property(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"not NAME=JSON: {text}")
    try:
        return name, json.loads(value)
    except ValueError:
        # Not JSON: a string whose quotes the shell has removed.
        return name, value


if __name__ == "__main__":
    sys.exit(main())
