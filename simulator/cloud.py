"""The cloud: accounts, cars, tokens, faults and recorded requests. It knows no HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from .account import Account, demo_accounts
from .actions import LinkSigner
from .car import Car
from .clock import Clock, real_now
from .connections import Connection
from .faults import Fault, Faults
from .habits import (
    COMMUTER,
    FIRST_MODEL,
    MODELS,
    PART_TIMER,
    SECOND_MODEL,
    Habits,
    Model,
)
from .living import World
from .prices import Prices
from .requests import RecordedRequest
from .sign_in import SignIn
from .state import State, load, save
from .tokens import ClientCredentialsUrl, Tokens

VIENNA = (48.2082, 16.3738)
FIRST_CAR_ID = "c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01"
SECOND_CAR_ID = "d3b07384-d9a0-4c9b-8f6e-2a1c5e7f9b02"
_MOST_REQUESTS = 10_000


class Simulator:
    """A Podero cloud, which a server can serve."""

    def __init__(
        self,
        *,
        speed: float = 0,
        seed: int = 1,
        now: Callable[[], datetime] = real_now,
        home: tuple[float, float] = VIENNA,
        zone: ZoneInfo | None = None,
        state_file: Path | None = None,
        client_credentials_url: ClientCredentialsUrl = "both",
        token_lifetime: timedelta = timedelta(hours=10),
        read_only: bool = False,
        lists_users: bool = True,
        lists_vehicles: bool = True,
        offers_onboarding: bool = True,
        contract_only: bool = False,
        signin_reports_outcome: bool = False,
        history_days: int = 31,
    ) -> None:
        """Choose how the cloud behaves. Raises ValueError if the state file is invalid."""
        self.clock = Clock(now, speed)
        self.signer = LinkSigner(self.clock.wall)
        self.account, self.neighbor, self.stranger = demo_accounts()
        self.tokens = Tokens(self.accounts, self.clock.wall)
        self.tokens.lifetime = token_lifetime
        self.tokens.read_only = read_only
        self.client_credentials_url = client_credentials_url
        self.lists_users = lists_users
        self.lists_vehicles = lists_vehicles
        self.offers_onboarding = offers_onboarding
        self.onboarding_names_device = True
        """Whether an onboarding contains the id of the device after it is connected."""
        self.connections: dict[str, Connection] = {}
        self.contract_only = contract_only
        """Whether the endpoints beyond the contract answer 404."""
        self.signin_reports_outcome = signin_reports_outcome
        self.sign_ins: dict[str, SignIn] = {}
        self.faults = Faults()
        self.requests: list[RecordedRequest] = []
        self.vehicles: list[Car] = []
        self._connected: list[tuple[str, int]] = []
        self.zone = zone or ZoneInfo("Europe/Vienna")
        prices = Prices(seed, self.zone)
        self._world = World(self.clock, self.signer, seed, home, self.zone, prices)
        self._history_days = history_days
        self._state_file = state_file
        self.add_vehicle(
            FIRST_MODEL, COMMUTER, vehicle_id=FIRST_CAR_ID, is_plugged_in=True
        )
        self.add_vehicle(
            SECOND_MODEL, PART_TIMER, vehicle_id=SECOND_CAR_ID, battery_level=48
        )
        self._load()

    @property
    def accounts(self) -> tuple[Account, Account, Account]:
        """Return all accounts."""
        return self.account, self.neighbor, self.stranger

    def add_vehicle(
        self,
        model: Model = SECOND_MODEL,
        habits: Habits = COMMUTER,
        *,
        vehicle_id: str | None = None,
        owner: Account | None = None,
        battery_level: int = 62,
        is_plugged_in: bool = False,
        history_days: int | None = None,
    ) -> Car:
        """Add a car of the resident, or of another account."""
        car = Car(
            vehicle_id or str(uuid5(NAMESPACE_URL, f"vehicles/{len(self.vehicles)}")),
            model,
            habits,
            self._world,
            owner or self.account,
            battery_level=battery_level,
            is_plugged_in=is_plugged_in,
            history_days=self._history_days if history_days is None else history_days,
        )
        self.vehicles.append(car)
        return car

    def connect_vehicle(self, user_id: str, model: int) -> Car:
        """Add a car that its owner has connected, and keep it across restarts."""
        self._connected.append((user_id, model))
        owner = next(owner for owner in self.accounts if owner.user_id == user_id)
        return self.add_vehicle(MODELS[model], PART_TIMER, owner=owner, history_days=0)

    def add_fault(self, fault: Fault | None = None, **options: Any) -> Fault:
        """Add a fault: a Fault, or the fields of one."""
        fault = fault or Fault(**options)
        self.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.faults.clear()

    def revoke_tokens(self, *, refresh_tokens: bool = True) -> None:
        """Revoke all tokens issued so far."""
        self.tokens.revoke(refresh_tokens=refresh_tokens)

    def advance(self, by: timedelta) -> None:
        """Advance the clock, and simulate the cars during the skipped time."""
        since = self.clock.now()
        self.clock.advance(by)
        for car in self.vehicles:
            car.advance(since, self.clock.now())

    def shift_clock(self, by: timedelta) -> None:
        """Set the clock forward or back, without simulating the cars in between."""
        self.clock.advance(by)

    def record(self, request: RecordedRequest) -> None:
        """Record a request, and forget the oldest above a limit."""
        self.requests.append(request)
        del self.requests[:-_MOST_REQUESTS]

    def save(self) -> None:
        """Write the state file, if there is one."""
        if self._state_file is not None:
            lives = {car.id: car.life for car in self.vehicles}
            save(self._state_file, State(self.clock.now(), lives, self._connected))

    def _load(self) -> None:
        state = load(self._state_file) if self._state_file is not None else None
        if state is None:
            return
        self.clock.resume(state.now)
        for user_id, model in state.connected:
            self.connect_vehicle(user_id, model)
        for car in self.vehicles:
            car.life = state.lives.get(car.id, car.life)
