"""Random downtimes of Home Assistant."""

from dataclasses import dataclass
from random import Random

MOST_TOLD = 12 * 60
"""Minutes above which missed events are not fired."""


@dataclass(frozen=True)
class Downtime:
    """A downtime of Home Assistant."""

    minutes: int

    @property
    def is_too_long(self) -> bool:
        """Return whether no missed event may be fired after it."""
        return self.minutes > MOST_TOLD

    @classmethod
    def choose(cls, random: Random) -> Downtime:
        """Return a restart, a downtime of hours, or one that is too long."""
        shortest, longest = random.choices(
            ((1, 45), (45, MOST_TOLD), (MOST_TOLD + 90, 40 * 60)), weights=(4, 4, 1)
        )[0]
        return cls(random.randint(shortest, longest))
