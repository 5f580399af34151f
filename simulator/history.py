"""Generate the past of a car from its driver's habits."""

from datetime import UTC, datetime, time, timedelta
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from .habits import Habits, Model, Trip, plan_day
from .preferences import Preferences
from .prices import Prices, energy_by_hour
from .sessions import Charged, Session, log_energy

_UNPLUGGED_AT = time(6, 50)
_LOWEST_LEVEL = 5
_MOST_USED = 0.7  # of the capacity
AWAY_POWER_W = 11000


def make_history(
    seed: str,
    model: Model,
    habits: Habits,
    zone: ZoneInfo,
    prices: Prices,
    until: datetime,
    days: int,
) -> tuple[list[Session], list[Charged]]:
    """Return the sessions completed until a time, and the energy of their hours.

    The car charges at home in the cheap hours, and on a long trip at the destination.
    """
    past = _Past(seed, model, prices)
    today = until.astimezone(zone).date()
    for days_ago in range(days, 0, -1):
        day = today - timedelta(days=days_ago)
        plan = plan_day(seed, habits, day, zone)
        if (trip := plan.trip) is None:
            continue
        past.drive(trip.kilometers)
        if trip.kilometers > 2 * habits.kilometers:
            past.charge_away(trip)
        past.drive(trip.kilometers)
        begins_at = datetime.combine(day, plan.cheap_from, zone).astimezone(UTC)
        unplugged_at = datetime.combine(
            day + timedelta(days=1), _UNPLUGGED_AT, zone
        ).astimezone(UTC)
        if trip.plugs_in and unplugged_at <= until:
            past.charge_at_home(trip.home_at, begins_at, unplugged_at)
    return past.sessions, past.charged


def make_session(
    seed: str,
    model: Model,
    prices: Prices,
    energy_kwh: float,
    *,
    plugged_in_at: datetime,
    begins_at: datetime,
    unplugged_at: datetime,
    is_at_home: bool,
) -> Session:
    """Return a completed session in which a car was charged to its limit."""
    target = model.charge_target_max or 100
    power_w = model.ac_power_w if is_at_home else AWAY_POWER_W
    session = Session(
        id=str(uuid5(NAMESPACE_URL, f"{seed}/{plugged_in_at.isoformat()}")),
        plug_in_time=plugged_in_at,
        initial_soc_pct=max(
            target - round(energy_kwh / model.capacity_kwh * 100), _LOWEST_LEVEL
        ),
        target_soc_pct=target,
        charge_deadline=Preferences().charge_deadline_at if is_at_home else None,
        is_at_home=is_at_home,
        final_soc_pct=target,
        unplug_time=unplugged_at,
    )
    cost_eur = prices.cost(begins_at, energy_kwh, power_w)
    ends_at = begins_at + timedelta(hours=energy_kwh / (power_w / 1000))
    session.add(energy_kwh, cost_eur, power_w, begins_at, ends_at)
    session.savings_eur = prices.cost(plugged_in_at, energy_kwh, power_w) - cost_eur
    session.expected_savings_eur = session.savings_eur if is_at_home else None
    return session


class _Past:
    """The past of a car so far."""

    def __init__(self, seed: str, model: Model, prices: Prices) -> None:
        self.sessions: list[Session] = []
        self.charged: list[Charged] = []
        self._seed = seed
        self._model = model
        self._prices = prices
        self._used_kwh = 0.0

    def drive(self, kilometers: float) -> None:
        """Use energy."""
        self._used_kwh = min(
            self._used_kwh + kilometers * self._model.kwh_per_km,
            self._model.capacity_kwh * _MOST_USED,
        )

    def charge_away(self, trip: Trip) -> None:
        """Charge at the destination of a trip, from the arrival on."""
        arrival = trip.leaves_at + trip.drive
        self._charge(arrival, arrival, trip.returns_at, is_at_home=False)

    def charge_at_home(
        self, plugged_in_at: datetime, begins_at: datetime, unplugged_at: datetime
    ) -> None:
        """Charge at home, some time after plugging in."""
        self._charge(plugged_in_at, begins_at, unplugged_at, is_at_home=True)

    def _charge(
        self,
        plugged_in_at: datetime,
        begins_at: datetime,
        unplugged_at: datetime,
        *,
        is_at_home: bool,
    ) -> None:
        session = make_session(
            self._seed,
            self._model,
            self._prices,
            self._used_kwh,
            plugged_in_at=plugged_in_at,
            begins_at=begins_at,
            unplugged_at=unplugged_at,
            is_at_home=is_at_home,
        )
        self.sessions.append(session)
        for hour, energy in energy_by_hour(
            begins_at, self._used_kwh, session.peak_power_w
        ):
            log_energy(self.charged, hour, energy)
        self._used_kwh = 0.0
