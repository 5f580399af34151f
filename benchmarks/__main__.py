"""Measure what the integration costs, compared with its alternatives.

python -m benchmarks             everything, in two or three minutes
python -m benchmarks --quick     a tenth of the rounds, to check that it works
"""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
import logging
from typing import Final

from homeassistant.const import __version__

from .contenders import (
    FLOOR,
    PLAIN,
    PODERO,
    RESTFUL,
    RESTFUL_DEFAULT,
    Bench,
    Contender,
    floor,
    plain_coordinator,
    podero,
    restful_integration,
)
from .day import Recorded, record_day, reported_changes
from .footprint import import_time, memory
from .home import run_home
from .measure import Medians, cpu, cpu_recorded, elapsed, longest_callback, writes
from .readings import POLLS, SCENARIOS, charging_day, parked_day, scenario, vehicle_ids
from .server import Server, run_server, serve_here
from .shown import ALL, DEFAULT, EVERY_FIELD
from .table import Table, at_most, count, part, share, times, whole

ROUNDS: Final = 300
ROUNDS_OF_MANY: Final = 30
VEHICLES: Final = 100
MOST_AT_ONCE: Final = 8
POLLS_A_COMMIT: Final = 100

# Upper bounds of the integration, for each scenario.
OF_THE_FLOOR: Final = dict(zip(SCENARIOS, (1.5, 2.5, 3, 6), strict=True))
OF_RESTFUL: Final = dict(zip(SCENARIOS, (1 / 6, 1 / 4, 1 / 3.5, 1 / 2), strict=True))
RECORDED: Final = dict(zip(SCENARIOS, (1 / 7, 1 / 6, 1 / 2.4, 1 / 1.2), strict=True))
LONGEST: Final = dict(zip(SCENARIOS, (1 / 13, 1 / 12, 1 / 8, 1 / 2.4), strict=True))
OF_RESTFUL_FOR_MANY: Final = {"unchanged": 1 / 15, "typical": 1 / 7}
MEMORY_OF_PLAIN: Final = 1.12
IMPORT_MS: Final = 25
ROWS, BYTES = 0.45, 0.75
"""Upper bounds of the recorder's rows and bytes in a day, relative to RESTful."""


async def measure(server: Server, rounds: int, rounds_of_many: int) -> Table:
    """Measure everything."""
    table = Table()
    await _measure_one_vehicle(server, table, rounds)
    await _measure_recorder(server, table, rounds)
    await _measure_with_serving(table, rounds)
    await _measure_default_entities(server, table, rounds)
    await _measure_days(server, table)
    await _measure_many_vehicles(server, table, rounds_of_many)
    table.section("import")
    table.row(
        "beyond Home Assistant's own modules, ms",
        at_most(import_time() * 1000, IMPORT_MS, count),
    )
    return table


async def _measure_one_vehicle(server: Server, table: Table, rounds: int) -> None:
    vehicles = vehicle_ids(1)
    table.section("a poll of one vehicle", *SCENARIOS)
    server.serve(scenario("typical", vehicles))
    async with run_home() as hass:
        contenders = await _contenders(Bench(hass, server.url, vehicles))
        cpus, times_elapsed, stalls = {}, {}, {}
        written: dict[str, list[str]] = {PODERO: [], RESTFUL: []}
        requests = []
        for name in SCENARIOS:
            server.serve(scenario(name, vehicles))
            cpus[name] = await cpu(contenders, rounds)
            times_elapsed[name] = await elapsed(contenders, rounds)
            stalls[name] = await longest_callback(contenders, rounds)
            for contender in contenders:
                if contender.name not in written:
                    continue
                server.take_counts()
                writing = await writes(contender, POLLS)
                counts = server.take_counts()
                idle = count(writing.idle / POLLS)
                if contender.name == PODERO:
                    idle = at_most(writing.idle / POLLS, 0, count)
                    requests.append(
                        f"{count(counts.readings / POLLS)} and {counts.tokens}"
                    )
                written[contender.name].append(
                    f"{count(writing.all / POLLS)}, of them idle: {idle}"
                )
    _compare_with_floor(table, cpus, PLAIN, RESTFUL)
    table.row(
        "Podero: time until it is done × the floor's",
        *(
            times(medians[PODERO] / medians[FLOOR])
            for medians in times_elapsed.values()
        ),
    )
    _compare(table, "CPU", cpus, OF_RESTFUL)
    _compare(table, "longest callback", stalls, LONGEST)
    for contender_name, cells in written.items():
        table.row(f"{contender_name}: state writes", *cells)
    table.row("Podero: requests, and requests for tokens", *requests)


async def _measure_with_serving(table: Table, rounds: int) -> None:
    """Measure requests and answers together: the server runs in the same event loop."""
    vehicles = vehicle_ids(1)
    async with serve_here() as server, run_home() as hass:
        server.serve(scenario("typical", vehicles))
        contenders = await _contenders(Bench(hass, server.url, vehicles))
        cpus = await _cpu_of_scenarios(server, contenders, rounds)
    table.section("a poll of one vehicle, with the serving", *SCENARIOS)
    _compare_with_floor(table, cpus, PLAIN, RESTFUL)
    _compare(table, "CPU", cpus, OF_RESTFUL)


async def _cpu_of_scenarios(
    server: Server, contenders: Sequence[Contender], rounds: int
) -> dict[str, Medians]:
    """Measure the CPU of a poll of one vehicle in each scenario."""
    cpus = {}
    for name in SCENARIOS:
        server.serve(scenario(name, vehicle_ids(1)))
        cpus[name] = await cpu(contenders, rounds)
    return cpus


async def _measure_default_entities(server: Server, table: Table, rounds: int) -> None:
    """Compare with a RESTful integration that has no more entities than ours by default.

    In a core of its own: two RESTful contenders would share warm processor caches.
    """
    vehicles = vehicle_ids(1)
    server.serve(scenario("typical", vehicles))
    async with run_home() as hass:
        bench = Bench(hass, server.url, vehicles)
        contenders = [
            floor(bench),
            await podero(bench),
            await restful_integration(bench, RESTFUL_DEFAULT),
        ]
        cpus = await _cpu_of_scenarios(server, contenders, rounds)
    table.section("beside RESTful with the default entities only", *SCENARIOS)
    _compare_with_floor(table, cpus, RESTFUL_DEFAULT)
    _compare(table, "CPU", cpus, {}, RESTFUL_DEFAULT)


async def _measure_recorder(server: Server, table: Table, rounds: int) -> None:
    vehicles = vehicle_ids(1)
    server.serve(scenario("typical", vehicles))
    shared, alone = {}, {}
    async with run_home(with_recorder=True) as hass:
        contenders = await _contenders(Bench(hass, server.url, vehicles))
        for name in SCENARIOS:
            server.serve(scenario(name, vehicles))
            shared[name] = await cpu_recorded(
                hass, contenders, max(1, 3 * rounds // POLLS_A_COMMIT), POLLS_A_COMMIT
            )
            alone[name] = await cpu_recorded(hass, contenders, rounds, 1)
    _compare(table, "CPU with the recorder", shared, RECORDED)
    _compare(table, "CPU with a commit for each poll", alone, {})


async def _measure_days(server: Server, table: Table) -> None:
    days = {"parked": parked_day(), "four hours of charging": charging_day()}
    names = (PODERO, RESTFUL, RESTFUL_DEFAULT)
    recorded: dict[str, list[Recorded]] = {
        name: [await record_day(server, name, day) for day in days.values()]
        for name in names
    }
    table.section("a day of 288 readings", *days)
    table.row(
        "reported changes of fields with an entity that is on",
        *(whole(reported_changes(day)) for day in days.values()),
    )
    for name in names:
        table.row(
            f"{name}: state rows, bytes",
            *(f"{whole(day.rows)}, {whole(day.size)}" for day in recorded[name]),
        )
    table.row(
        "Podero: part of RESTful's rows, bytes",
        *(
            f"{at_most(ours.rows / theirs.rows, ROWS, share)}, "
            f"{at_most(ours.size / theirs.size, BYTES, share)}"
            for ours, theirs in zip(recorded[PODERO], recorded[RESTFUL], strict=True)
        ),
    )
    table.row(
        "Podero: statistics rows",
        *(whole(day.statistics) for day in recorded[PODERO]),
    )


async def _measure_many_vehicles(server: Server, table: Table, rounds: int) -> None:
    vehicles = vehicle_ids(VEHICLES)
    server.serve(scenario("typical", vehicles))
    async with run_home() as hass:
        bench = Bench(hass, server.url, vehicles)
        plain_memory, plain = await memory(bench, partial(plain_coordinator, shown=ALL))
        podero_memory, ours = await memory(bench, podero)
        theirs = await restful_integration(bench, RESTFUL)
        cpus = {}
        for name in OF_RESTFUL_FOR_MANY:
            server.serve(scenario(name, vehicles))
            cpus[name] = await cpu([floor(bench), ours, plain, theirs], rounds)
        server.serve(scenario("unchanged", vehicles), delay=0.02)
        server.take_counts()
        await ours.poll()
        most_at_once = server.take_counts().most_at_once
    table.section(f"a poll of {VEHICLES} vehicles", *cpus)
    table.row(
        "CPU of the floor, ms",
        *(f"{medians[FLOOR] * 1000:.1f}" for medians in cpus.values()),
    )
    _compare(table, "CPU", cpus, OF_RESTFUL_FOR_MANY)
    table.row(
        "Podero: memory for each vehicle, × a plain coordinator's with its entities",
        at_most(podero_memory / plain_memory, MEMORY_OF_PLAIN, times),
    )
    table.row("Podero: requests at once", at_most(most_at_once, MOST_AT_ONCE, count))


async def _contenders(bench: Bench) -> list[Contender]:
    return [
        floor(bench),
        await podero(bench),
        await plain_coordinator(bench),
        await restful_integration(bench, RESTFUL),
    ]


def _compare_with_floor(table: Table, cpus: dict[str, Medians], *others: str) -> None:
    """Add the CPU of the floor, and that of the others as multiples of it."""
    table.row(
        "CPU of the floor, ms",
        *(f"{medians[FLOOR] * 1000:.3f}" for medians in cpus.values()),
    )
    table.row(
        "Podero: CPU × the floor's",
        *(
            at_most(medians[PODERO] / medians[FLOOR], OF_THE_FLOOR[name], times)
            for name, medians in cpus.items()
        ),
    )
    for other in others:
        table.row(
            f"{other}: CPU × the floor's",
            *(times(medians[other] / medians[FLOOR]) for medians in cpus.values()),
        )


def _compare(
    table: Table,
    what: str,
    medians: dict[str, Medians],
    bounds: dict[str, float],
    other: str = RESTFUL,
) -> None:
    """Add the integration's measurement as a part of RESTful's, in each scenario."""
    parts = {
        name: measured[PODERO] / measured[other] for name, measured in medians.items()
    }
    table.row(
        f"Podero: {what}, part of RESTful's",
        *(
            at_most(value, bounds[name], part) if name in bounds else part(value)
            for name, value in parts.items()
        ),
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    divisor = 10 if parser.parse_args().quick else 1
    logging.disable()
    # Fork before threads are started.
    with run_server() as server:
        table = asyncio.run(
            measure(server, ROUNDS // divisor, ROUNDS_OF_MANY // divisor)
        )
    print(
        f"python -m benchmarks, Home Assistant {__version__}, {datetime.now(UTC):%d %B %Y}."
        f" RESTful has an entity for every field, {len(EVERY_FIELD)};"
        f" {len(DEFAULT)} of them stand for one that is on by default.\n"
    )
    print(table)


if __name__ == "__main__":
    main()
