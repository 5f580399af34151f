"""Measure a poll: its CPU time, its longest callback, its state writes."""

import asyncio
from asyncio import events
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
import threading
import time
from typing import Any
from unittest.mock import patch

from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant, StateMachine

from .contenders import Contender
from .home import commit

type Medians = dict[str, float]
"""The median of each contender, by name."""


@dataclass(slots=True)
class Writes:
    """State writes: all of them, and those that change nothing."""

    all: int = 0
    idle: int = 0


async def cpu(contenders: Sequence[Contender], rounds: int) -> Medians:
    """Return the CPU seconds of the event loop's thread for a poll."""
    return await _timed(contenders, rounds, time.thread_time)


async def elapsed(contenders: Sequence[Contender], rounds: int) -> Medians:
    """Return the seconds of a poll, including the wait for the answer."""
    return await _timed(contenders, rounds, time.perf_counter)


async def _timed(
    contenders: Sequence[Contender], rounds: int, clock: Callable[[], float]
) -> Medians:
    async def measure(contender: Contender) -> float:
        start = clock()
        await contender.poll()
        return clock() - start

    return await _medians(contenders, rounds, measure)


async def cpu_recorded(
    hass: HomeAssistant, contenders: Sequence[Contender], rounds: int, polls: int
) -> Medians:
    """Return the CPU seconds of a poll in the event loop's and the recorder's threads.

    The recorder usually commits every five seconds; here it commits after `polls` polls.
    """
    recorder = get_instance(hass)
    assert recorder.ident is not None
    clocks = [
        time.pthread_getcpuclockid(thread)
        for thread in (threading.get_ident(), recorder.ident)
    ]

    async def measure(contender: Contender) -> float:
        start = sum(map(time.clock_gettime, clocks))
        for _ in range(polls):
            await contender.poll()
        await commit(hass)
        return (sum(map(time.clock_gettime, clocks)) - start) / polls

    return await _medians(contenders, rounds, measure)


async def longest_callback(contenders: Sequence[Contender], rounds: int) -> Medians:
    """Return the CPU seconds of the longest callback of a poll, which blocks the event loop."""
    longest = 0.0
    run = events.Handle._run  # noqa: SLF001

    def timed_run(handle: events.Handle) -> None:
        nonlocal longest
        start = time.thread_time()
        run(handle)
        longest = max(longest, time.thread_time() - start)

    async def measure(contender: Contender) -> float:
        nonlocal longest
        await asyncio.sleep(0)
        longest = 0.0
        await contender.poll()
        # The last callback of the poll is measured when the next one runs.
        await asyncio.sleep(0)
        return longest

    with patch.object(events.Handle, "_run", timed_run):
        return await _medians(contenders, rounds, measure)


async def _medians(
    contenders: Sequence[Contender],
    rounds: int,
    measure: Callable[[Contender], Awaitable[float]],
) -> Medians:
    """Measure each contender once per round, in random order.

    This way each starts with cold processor caches, as polls do among other integrations.
    """
    shuffled, random = list(contenders), Random(1)
    values: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + rounds // 10):
        random.shuffle(shuffled)
        for contender in shuffled:
            value = await measure(contender)
            if number >= rounds // 10:
                values[contender.name].append(value)
    return {name: median(measured) for name, measured in values.items()}


async def writes(contender: Contender, polls: int) -> Writes:
    """Count the state writes of a contender."""
    counted = Writes()
    write = StateMachine.async_set_internal

    def counting_write(
        states: StateMachine, entity_id: str, state: str, attributes: Any, *more: Any
    ) -> None:
        before = states.get(entity_id)
        counted.all += 1
        counted.idle += (
            before is not None
            and before.state == state
            and before.attributes == (attributes or {})
        )
        write(states, entity_id, state, attributes, *more)

    with patch.object(StateMachine, "async_set_internal", counting_write):
        for _ in range(polls):
            await contender.poll()
    return counted
