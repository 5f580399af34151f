"""The simulated time, which can run faster than the real time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


class Clock:
    """The clock of the cars."""

    def __init__(self, now: Callable[[], datetime], speed: float) -> None:
        """Start at the time that `now` returns."""
        self._now = now
        self.speed = speed
        self._start = self.wall()
        self._offset = timedelta()

    @property
    def runs(self) -> bool:
        """Return whether time passes for the cars; at speed 0 they only follow commands."""
        return self.speed > 0

    def wall(self) -> datetime:
        """Return the real time, which tokens and signed links expire by."""
        return self._now().astimezone(UTC)

    def now(self) -> datetime:
        """Return the simulated time."""
        # At speed 0 the clock still runs, so that commands have the time they were given at.
        return (
            self._start + (self.wall() - self._start) * (self.speed or 1) + self._offset
        )

    def advance(self, by: timedelta) -> None:
        """Skip some simulated time."""
        self._offset += by

    def resume(self, at: datetime) -> None:
        """Continue from a saved time, unless it has passed."""
        self._offset += max(at - self.now(), timedelta())


def iso(at: datetime | None) -> str | None:
    """Format a time as Podero does."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
