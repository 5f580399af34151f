"""Tell the simulated time, which can run faster than the real one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


class Clock:
    """Tell the time that the cars live in."""

    def __init__(self, now: Callable[[], datetime], speed: float) -> None:
        """Start at the time that `now` tells."""
        self._now = now
        self.speed = speed
        self._start = self.wall()
        self._offset = timedelta()

    @property
    def runs(self) -> bool:
        """Tell whether the cars live by themselves; at speed 0 they only do what they are told."""
        return self.speed > 0

    def wall(self) -> datetime:
        """Return the real time, which tokens and signed links expire by."""
        return self._now().astimezone(UTC)

    def now(self) -> datetime:
        """Return the simulated time."""
        # At speed 0 the clock keeps going, so that what happens on command is stamped with its time.
        return (
            self._start + (self.wall() - self._start) * (self.speed or 1) + self._offset
        )

    def advance(self, by: timedelta) -> None:
        """Skip some simulated time."""
        self._offset += by

    def resume(self, at: datetime) -> None:
        """Go on from a saved time, unless it has passed."""
        self._offset += max(at - self.now(), timedelta())


def iso(at: datetime | None) -> str | None:
    """Write a time as Podero does."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
