"""How long Home Assistant is down."""

from dataclasses import dataclass
from random import Random

MOST_TOLD = 12 * 60
"""Minutes after which nothing is told of what happened meanwhile."""


@dataclass(frozen=True)
class Downtime:
    """A time without Home Assistant."""

    minutes: int

    @property
    def is_too_long(self) -> bool:
        """Return whether nothing may be told of it."""
        return self.minutes > MOST_TOLD

    @classmethod
    def choose(cls, random: Random) -> Downtime:
        """Return a restart, hours, or more than is told of."""
        shortest, longest = random.choices(
            ((1, 45), (45, MOST_TOLD), (MOST_TOLD + 90, 40 * 60)), weights=(4, 4, 1)
        )[0]
        return cls(random.randint(shortest, longest))
