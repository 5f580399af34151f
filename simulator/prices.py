"""Invented prices of energy per hour, similar to a day-ahead market's with all fees."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

_HOUR = timedelta(hours=1)
_SATURDAY = 5
_SUN = range(10, 16)
_SUN_ON_WEEKENDS = 0.06
# EUR/kWh by local hour: low at night and at noon, high in the morning and evening.
_USUAL = (
    *(0.16, 0.15, 0.145, 0.14, 0.14, 0.155, 0.20, 0.26, 0.28, 0.25, 0.22, 0.205),
    *(0.195, 0.19, 0.195, 0.21, 0.24, 0.28, 0.32, 0.33, 0.29, 0.24, 0.185, 0.17),
)


class Prices:
    """The prices of a price zone."""

    def __init__(self, seed: int, zone: ZoneInfo) -> None:
        """Generate the prices from a seed; their hours are local in `zone`."""
        self._seed = seed
        self._zone = zone

    def at(self, moment: datetime) -> float:
        """Return the price at a moment, in EUR/kWh."""
        local = moment.astimezone(self._zone)
        return _prices_of(self._seed, local.date())[local.hour]

    def cost(self, since: datetime, energy_kwh: float, power_w: int) -> float:
        """Return the cost in EUR of energy that flows at a steady power from a moment on."""
        return sum(
            energy * self.at(hour)
            for hour, energy in energy_by_hour(since, energy_kwh, power_w)
        )


def energy_by_hour(
    since: datetime, energy_kwh: float, power_w: int
) -> Iterator[tuple[datetime, float]]:
    """Yield each hour, and the energy in kWh that flows in it at a steady power."""
    power_kw = power_w / 1000
    while energy_kwh > 1e-9:
        hour = since.replace(minute=0, second=0, microsecond=0)
        energy = min(energy_kwh, power_kw * ((hour + _HOUR - since) / _HOUR))
        yield hour, energy
        energy_kwh -= energy
        since = hour + _HOUR


@lru_cache(maxsize=256)
def _prices_of(seed: int, day: date) -> tuple[float, ...]:
    random = Random(f"{seed}/prices/{day}")  # noqa: S311 - not used for security
    level = random.uniform(0.85, 1.25)
    has_sun = day.weekday() >= _SATURDAY
    return tuple(
        round(
            level * usual
            + random.uniform(-0.01, 0.01)
            - (_SUN_ON_WEEKENDS if has_sun and hour in _SUN else 0),
            4,
        )
        for hour, usual in enumerate(_USUAL)
    )
