"""The table that a run prints."""

from collections.abc import Callable


class Table:
    """Rows in sections; each section names its columns."""

    WIDTH = 5

    def __init__(self) -> None:
        """Start empty."""
        self._rows: list[list[str]] = []

    def section(self, title: str, *columns: str) -> None:
        """Start a section."""
        self._rows.append([f"**{cell}**" if cell else "" for cell in (title, *columns)])

    def row(self, title: str, *cells: str) -> None:
        """Add a row."""
        self._rows.append([title, *cells])

    def __str__(self) -> str:
        """Return it as Markdown: the first section is the header."""
        head, *rows = (row + [""] * (self.WIDTH - len(row)) for row in self._rows)
        lines = [[cell.strip("*") for cell in head], ["---"] * self.WIDTH, *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def at_most(value: float, bound: float, write: Callable[[float], str]) -> str:
    """Format a value with its upper bound, marked if it exceeds it."""
    mark = " ✗" if value > bound else ""
    return f"{write(value)} (≤ {write(bound)}){mark}"


def times(value: float) -> str:
    """Format a ratio above one."""
    return f"{value:.2f} ×"


def part(value: float) -> str:
    """Format a ratio below one as a fraction."""
    return f"1/{1 / value:.3g}"


def share(value: float) -> str:
    """Format a ratio below one as a decimal."""
    return f"{value:.2f}"


def count(value: float) -> str:
    """Format a number."""
    return f"{value:.3g}"


def whole(value: float) -> str:
    """Format an integer."""
    return f"{value:,.0f}"
