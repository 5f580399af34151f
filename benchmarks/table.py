"""The one table that a run prints."""

from collections.abc import Callable


class Table:
    """Rows of a few columns, in sections whose columns mean different things."""

    WIDTH = 5

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rows: list[list[str]] = []

    def section(self, title: str, *columns: str) -> None:
        """Begin a section."""
        self._rows.append([f"**{cell}**" if cell else "" for cell in (title, *columns)])

    def row(self, title: str, *cells: str) -> None:
        """Add a row."""
        self._rows.append([title, *cells])

    def __str__(self) -> str:
        """Write it as Markdown: the first section's title is the head."""
        head, *rows = (row + [""] * (self.WIDTH - len(row)) for row in self._rows)
        lines = [[cell.strip("*") for cell in head], ["---"] * self.WIDTH, *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def at_most(value: float, bound: float, write: Callable[[float], str]) -> str:
    """Write a value with its bound, and mark it where it is beyond."""
    mark = " ✗" if value > bound else ""
    return f"{write(value)} (≤ {write(bound)}){mark}"


def times(value: float) -> str:
    """Write how many times as much something is."""
    return f"{value:.2f} ×"


def part(value: float) -> str:
    """Write which part something is."""
    return f"1/{1 / value:.3g}"


def share(value: float) -> str:
    """Write a part that is not a small one."""
    return f"{value:.2f}"


def count(value: float) -> str:
    """Write a number of things."""
    return f"{value:.3g}"


def whole(value: float) -> str:
    """Write a whole number of things."""
    return f"{value:,.0f}"
