"""Simulate a car: it drives, is plugged in, charges in cheap hours, and reports its state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from random import Random
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from .account import Account
from .actions import LinkSigner
from .clock import Clock
from .habits import Habits, Model, Trip, cheap_window, errand, plan_day
from .history import make_history
from .life import Life, Reading
from .policy import next_deadline
from .prices import Prices
from .sessions import Plan, Session, energy_since, log_energy

_TICK = timedelta(seconds=15)
_TICK_HOURS = _TICK / timedelta(hours=1)
_DAY = timedelta(days=1)
_LONGEST_CATCH_UP = timedelta(days=7)
_BOOST_STARTS_AFTER = timedelta(seconds=15)
_KM_PER_DEGREE = 111.32
_EMPTY = 0.03
_LOWEST_LEVEL_TO_LEAVE = 0.15
_LOW = 0.4


@dataclass(frozen=True, slots=True)
class World:
    """What all cars share."""

    clock: Clock
    signer: LinkSigner
    seed: int
    home: tuple[float, float]
    zone: ZoneInfo
    prices: Prices


class LivingCar:
    """A car that is simulated in fixed time steps, whenever it is read."""

    def __init__(
        self,
        vehicle_id: str,
        model: Model,
        habits: Habits,
        world: World,
        owner: Account,
        *,
        battery_level: int,
        is_plugged_in: bool,
        history_days: int,
    ) -> None:
        """Create a car with some days of history."""
        self.id = vehicle_id
        self.model = model
        self.habits = habits
        self.world = world
        self.owner = owner
        self._seed = f"{world.seed}/{vehicle_id}"
        now = world.clock.now()
        self.life = Life(
            created_at=now - timedelta(days=300),
            lived_until=_on_grid(now),
            updated_at=now,
            monitored_at=now,
            next_report_at=now,
            energy_kwh=model.capacity_kwh * battery_level / 100,
        )
        plugged_in_at = now - timedelta(hours=2)
        self.life.sessions, self.life.charged = make_history(
            self._seed,
            model,
            habits,
            world.zone,
            world.prices,
            plugged_in_at,
            history_days,
        )
        if is_plugged_in:
            self._connect(plugged_in_at, is_at_home=True)
        self._report(now)

    @property
    def battery_level(self) -> int:
        """Return the true level in percent."""
        return int(self.life.energy_kwh / self.model.capacity_kwh * 100 + 1e-6)

    @property
    def is_full(self) -> bool:
        """Return whether the car's own charge limit is reached."""
        return self.life.energy_kwh >= self.model.limit_kwh - 1e-6

    def is_paused(self, at: datetime) -> bool:
        """Return whether the user paused charging."""
        until = self.life.preferences.pause_power_until
        return until is not None and until > at

    def catch_up(self) -> datetime:
        """Simulate until now, if time passes, and return the time."""
        now = self.world.clock.now()
        if self.world.clock.runs:
            self.live(now)
        return now

    def live(self, until: datetime, since: datetime | None = None) -> None:
        """Simulate a span of time."""
        life = self.life
        life.lived_until = _on_grid(
            max(since or life.lived_until, life.lived_until, until - _LONGEST_CATCH_UP)
        )
        while life.lived_until + _TICK <= until:
            life.lived_until += _TICK
            self._tick(life.lived_until)

    def _tick(self, at: datetime) -> None:
        life = self.life
        if life.trip is None:
            self._leave_on_time(at)
        else:
            self._travel(life.trip, at)
        if life.session is not None:
            self._charge_or_wait(life.session, at)
        if at.second == 0:
            life.monitored_at = life.updated_at = at
        if at >= life.next_report_at and life.is_authenticated:
            self._report(at)

    def _leave_on_time(self, at: datetime) -> None:
        trip = plan_day(
            self._seed, self.habits, self._local(at).date(), self.world.zone
        ).trip
        if trip is None or not at - _TICK < trip.leaves_at <= at:
            return
        if self.life.energy_kwh < self.model.capacity_kwh * _LOWEST_LEVEL_TO_LEAVE:
            return
        self._disconnect(at)
        self.life.trip = trip

    def _travel(self, trip: Trip, at: datetime) -> None:
        self._drive(trip, abs(trip.progress(at) - trip.progress(at - _TICK)))
        if at < trip.home_at:
            return
        self.life.trip = None
        if trip.plugs_in or self.life.energy_kwh < self.model.capacity_kwh * _LOW:
            self._connect(at, is_at_home=True)

    def _drive(self, trip: Trip, share: float) -> None:
        used = share * trip.kilometers * self.model.kwh_per_km
        floor = self.model.capacity_kwh * _EMPTY
        self.life.energy_kwh = max(self.life.energy_kwh - used, floor)

    def _charge_or_wait(self, session: Session, at: datetime) -> None:
        life = self.life
        requested_at = life.boost.requested_at
        if requested_at is not None and at - requested_at >= _BOOST_STARTS_AFTER:
            self._begin_charging(at)
        if self.is_full or not self._wants_power(session, at):
            life.is_charging = False
            return
        if not life.is_charging and (plan := self.plan(at)) is not None:
            session.expected_savings_eur = plan.expected_savings_eur
        life.is_charging = True
        room = self.model.limit_kwh - life.energy_kwh
        energy = min(self.model.ac_power_w / 1000 * _TICK_HOURS, room)
        life.energy_kwh += energy
        since = at - _TICK
        cost_eur = energy * self.world.prices.at(since)
        session.add(energy, cost_eur, self.model.ac_power_w, since, at)
        log_energy(life.charged, at, energy)
        if self.is_full:
            life.is_charging = False
            self._end_boost(at, "fully_charged")

    def _wants_power(self, session: Session, at: datetime) -> bool:
        life = self.life
        if life.boost.is_ongoing:
            return True
        if life.wanted_by_hand is not None:
            return life.wanted_by_hand
        if self.is_paused(at):
            return False
        return not self._is_steered(session) or self._window(session, at)[0] <= at

    def _is_steered(self, session: Session) -> bool:
        life = self.life
        is_optimized = life.preferences.is_smart_optimization_active
        return life.is_authenticated and session.is_at_home and is_optimized

    def _window(self, session: Session, at: datetime) -> tuple[datetime, datetime]:
        """Return when a steered car will charge.

        The start does not move while nothing happens, even if it is over.
        """
        life, zone = self.life, self.world.zone
        pause = life.preferences.pause_power_until
        earliest = max(session.plug_in_time, pause or session.plug_in_time)
        at = max(at, earliest)
        power_kw = self.model.ac_power_w / 1000
        starts_at, ends_at = cheap_window(self._seed, self.habits, at, zone)
        starts_at = max(starts_at, earliest)
        if starts_at > at and (
            deadline := next_deadline(life.policy, life.preferences, zone, at)
        ):
            target_kwh = self.model.capacity_kwh * deadline.percentage / 100
            hours = timedelta(hours=(target_kwh - life.energy_kwh) / power_kw)
            if hours > timedelta() and (latest := deadline.at - hours) < starts_at:
                starts_at, ends_at = max(latest, earliest), deadline.at
        missing_kwh = self.model.limit_kwh - life.energy_kwh
        charges_from = at if life.is_charging else starts_at
        return starts_at, min(
            ends_at, charges_from + timedelta(hours=missing_kwh / power_kw)
        )

    def plan(self, at: datetime) -> Plan | None:
        """Return when the car will charge, None if it is not steered or is full."""
        life, session = self.life, self.life.session
        if session is None or self.is_full or not self._is_steered(session):
            return None
        is_boosted = life.boost.is_ongoing or life.boost.requested_at is not None
        if is_boosted or life.wanted_by_hand is not None:
            return None
        starts_at, ends_at = self._window(session, at)
        hours = max(ends_at - max(starts_at, at), timedelta()) / timedelta(hours=1)
        energy_kwh = self.model.ac_power_w / 1000 * hours
        prices, power_w = self.world.prices, self.model.ac_power_w
        at_once_eur = prices.cost(
            session.plug_in_time, session.energy_kwh + energy_kwh, power_w
        )
        planned_eur = session.cost_eur + prices.cost(starts_at, energy_kwh, power_w)
        if life.is_charging and session.charging_started_at is not None:
            starts_at = session.charging_started_at
        return Plan(starts_at, ends_at, at_once_eur - planned_eur)

    def _connect(self, at: datetime, *, is_at_home: bool) -> None:
        life = self.life
        life.wanted_by_hand = None
        life.session = Session(
            id=str(uuid5(NAMESPACE_URL, f"{self.id}/{at.isoformat()}")),
            plug_in_time=at,
            initial_soc_pct=self.battery_level,
            target_soc_pct=self.model.charge_target_max or 100,
            charge_deadline=None,
            is_at_home=is_at_home,
        )
        self._update_deadline(at)
        life.sessions.append(life.session)
        if life.boost.is_armed and is_at_home and not self.is_full:
            life.boost.is_armed = False
            life.boost.requested_at = at

    def _disconnect(self, at: datetime) -> None:
        life = self.life
        if life.session is None:
            return
        self._update_savings(life.session)
        life.session.unplug_time = at
        life.session.final_soc_pct = self.battery_level
        life.session = None
        life.is_charging = False
        life.wanted_by_hand = None
        self._end_boost(at, "unplugged")

    def _update_deadline(self, at: datetime) -> None:
        life, session = self.life, self.life.session
        if session is not None and session.is_at_home:
            deadline = next_deadline(life.policy, life.preferences, self.world.zone, at)
            session.charge_deadline = deadline.wall_clock if deadline else None

    def _update_savings(self, session: Session) -> None:
        session.savings_eur = (
            self.world.prices.cost(
                session.plug_in_time, session.energy_kwh, self.model.ac_power_w
            )
            - session.cost_eur
        )

    def _begin_charging(self, at: datetime) -> None:
        life = self.life
        life.is_charging = True
        if life.boost.requested_at is not None:
            life.boost.requested_at = None
            life.boost.is_ongoing = True
            life.boost.triggered_at = at
            # Podero reads the car at once after a command.
            self._report(at)

    def _end_boost(self, at: datetime, reason: str) -> None:
        boost = self.life.boost
        if boost.is_ongoing:
            boost.ended_at = at
            boost.end_reason = reason
            self._report(at)
        boost.is_ongoing = False
        boost.requested_at = None

    def _start_trip(self, now: datetime) -> None:
        self._disconnect(now)
        trip = errand(now, self.habits)
        # Start a third of the way out, so that the map shows the car on the road at once.
        trip = errand(now - trip.drive / 3, self.habits)
        self.life.trip = trip
        self._drive(trip, trip.progress(now))

    def _report(self, at: datetime) -> None:
        life = self.life
        level = self.battery_level
        missing_kwh = self.model.limit_kwh - life.energy_kwh
        latitude, longitude = self._position(at)
        life.reading = Reading(
            at=at,
            battery_level=level,
            driving_range=int(
                level / 100 * self.model.capacity_kwh / self.model.kwh_per_km
            ),
            is_plugged_in=life.session is not None,
            is_at_home=life.trip is None
            and (life.session is None or life.session.is_at_home),
            is_charging=life.is_charging,
            is_fully_charged=self.is_full,
            charge_rate_w=self.model.ac_power_w if life.is_charging else 0,
            charge_time_remaining=(
                round(missing_kwh / (self.model.ac_power_w / 1000) * 3600)
                if life.is_charging
                else 0
            ),
            battery_at_plug_in=float(life.session.initial_soc_pct)
            if life.session
            else None,
            latitude=latitude,
            longitude=longitude,
            consumption_last_day_kwh=round(energy_since(life.charged, at - _DAY), 2),
            consumption_last_week_kwh=round(
                energy_since(life.charged, at - 7 * _DAY), 2
            ),
            consumption_last_month_kwh=round(
                energy_since(life.charged, at - 30 * _DAY), 2
            ),
        )
        life.monitored_at = life.updated_at = at
        random = Random(f"{self._seed}/{at.isoformat()}")  # noqa: S311 - not used for security
        life.next_report_at = at + timedelta(seconds=random.randint(5 * 60, 15 * 60))

    def _position(self, at: datetime) -> tuple[float, float]:
        latitude, longitude = self.world.home
        trip = self.life.trip
        if trip is None:
            return latitude, longitude
        out = trip.progress(at)
        north, east = trip.north_km * out, trip.east_km * out
        return (
            round(latitude + north / _KM_PER_DEGREE, 6),
            round(longitude + east / (_KM_PER_DEGREE * cos(radians(latitude))), 6),
        )

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.world.zone)


def _on_grid(at: datetime) -> datetime:
    return at - timedelta(seconds=at.second % 15, microseconds=at.microsecond)
