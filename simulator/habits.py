"""The models of cars, the habits of their drivers, and the plan of each day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a car maker."""

    manufacturer: str
    model: str
    year: int | None
    capacity_kwh: float
    ac_power_w: int
    kwh_per_km: float
    charge_target_max: int | None
    # Podero writes some decimals as strings, depending on where they come from.
    decimals_as_strings: bool

    @property
    def limit_kwh(self) -> float:
        """Return the energy at which the car stops charging."""
        return self.capacity_kwh * (self.charge_target_max or 100) / 100


@dataclass(frozen=True, slots=True)
class Habits:
    """What a driver usually does."""

    leaves: time
    returns: time
    kilometers: float
    work_north_km: float
    work_east_km: float
    plugs_in: float
    goes_out_on_weekends: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip out and back: times in UTC, distances one way."""

    leaves_at: datetime
    returns_at: datetime
    drive: timedelta
    kilometers: float
    north_km: float
    east_km: float
    plugs_in: bool

    @property
    def home_at(self) -> datetime:
        """Return when the car is back."""
        return self.returns_at + self.drive

    def progress(self, at: datetime) -> float:
        """Return where the car is: 0 at home, 1 at the destination."""
        out = (at - self.leaves_at) / self.drive
        back = (self.home_at - at) / self.drive
        return max(0.0, min(out, back, 1.0))


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The plan of a day: a trip, or None, and when power gets cheap in the evening."""

    trip: Trip | None
    cheap_from: time
    cheap_until: time = time(5)


FIRST_MODEL = Model(
    "Volkswagen", "ID.4 Pro", 2023, 77.0, 11000, 0.18, 80, decimals_as_strings=True
)
SECOND_MODEL = Model(
    "Hyundai", "Kona Electric", None, 64.8, 7200, 0.155, None, decimals_as_strings=False
)
THIRD_MODEL = Model(
    "Renault", "Megane E-Tech", 2024, 60.0, 7400, 0.161, None, decimals_as_strings=False
)
MODELS = FIRST_MODEL, SECOND_MODEL, THIRD_MODEL
COMMUTER = Habits(time(7, 15), time(17, 20), 24.0, 14.5, 11.0, 0.9, 0.5)
PART_TIMER = Habits(time(8, 40), time(14, 10), 13.0, -6.0, -8.5, 0.7, 0.8)


@lru_cache(maxsize=4096)
def plan_day(seed: str, habits: Habits, day: date, zone: ZoneInfo) -> DayPlan:
    """Return the plan of a day, which depends on the seed only."""
    random = Random(f"{seed}/{day}")  # noqa: S311 - not used for security
    cheap_from = time(22, random.randrange(60))
    is_weekend = day.weekday() >= _SATURDAY
    goes = random.random() < (habits.goes_out_on_weekends if is_weekend else 0.95)
    late = timedelta(minutes=random.randint(-20, 25), hours=3 if is_weekend else 0)
    stays_longer = timedelta(minutes=random.randint(-20, 40))
    distance = random.uniform(1, 3) if is_weekend else 1.0
    plugs_in = random.random() < habits.plugs_in
    if not goes:
        return DayPlan(None, cheap_from)
    leaves_at = datetime.combine(day, habits.leaves, zone).astimezone(UTC) + late
    returns_at = (
        datetime.combine(day, habits.returns, zone).astimezone(UTC) + stays_longer
    )
    trip = Trip(
        leaves_at=leaves_at,
        returns_at=returns_at,
        drive=timedelta(minutes=round(habits.kilometers * distance * 1.3)),
        kilometers=habits.kilometers * distance,
        north_km=habits.work_north_km * distance,
        east_km=habits.work_east_km * distance,
        plugs_in=plugs_in,
    )
    return DayPlan(trip, cheap_from)


def cheap_window(
    seed: str, habits: Habits, at: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Return the whole span of cheap power that a moment is in, else the next one."""
    day = at.astimezone(zone).date()
    starts_at, ends_at = _cheap_night(seed, habits, day - _DAY, zone)
    if ends_at <= at:
        starts_at, ends_at = _cheap_night(seed, habits, day, zone)
    return starts_at, ends_at


@lru_cache(maxsize=4096)
def _cheap_night(
    seed: str, habits: Habits, day: date, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    plan = plan_day(seed, habits, day, zone)
    starts_at = datetime.combine(day, plan.cheap_from, zone)
    ends_at = datetime.combine(day + _DAY, plan.cheap_until, zone)
    return starts_at.astimezone(UTC), ends_at.astimezone(UTC)


def errand(leaves_at: datetime, habits: Habits) -> Trip:
    """Return a trip to the usual place, for a drive on command."""
    drive = timedelta(minutes=round(habits.kilometers * 1.3))
    return Trip(
        leaves_at=leaves_at,
        returns_at=leaves_at + drive + timedelta(hours=1),
        drive=drive,
        kilometers=habits.kilometers,
        north_km=habits.work_north_km,
        east_km=habits.work_east_km,
        plugs_in=True,
    )
