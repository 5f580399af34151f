"""The options of the long tests, and the summary of their counts."""

from collections.abc import Sequence

import pytest

SEEDS = (1, 2)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("long", "long tests")
    group.addoption(
        "--days", type=int, help="how long to watch (default: 7 or 30 days)"
    )
    group.addoption(
        "--seed",
        type=int,
        action="append",
        help="of what happens at random; may be repeated (default: 1 and 2)",
    )
    group.addoption(
        "--documents", type=int, default=10_000, help="how many (default: %(default)s)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with a `seed` argument once per seed."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", metafunc.config.getoption("seed") or SEEDS)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Disable the timeout."""
    for item in items:
        item.add_marker(pytest.mark.timeout(0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts that tests passed to `record_property`."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports(
        "failed"
    ):
        for name, figures in report.user_properties:
            terminalreporter.section(f"{report.nodeid}: {name}")
            terminalreporter.write_line(str(figures))
