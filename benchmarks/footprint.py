"""The memory that each vehicle takes, and the time that the import takes."""

from collections.abc import Awaitable, Callable
import gc
import json
import os
import pkgutil
from statistics import median
import subprocess
import sys
from tempfile import TemporaryDirectory
import tracemalloc

from .contenders import Bench, Contender
import custom_components.podero

_IMPORT = """
from importlib import import_module
import json, sys, time
before, modules = json.loads(sys.argv[1])
for name in before:
    import_module(name)
start = time.process_time()
for name in modules:
    import_module(name)
seconds = time.process_time() - start
print(json.dumps([seconds, [name for name in sys.modules if name.startswith("homeassistant")]]))
"""


async def memory(
    bench: Bench, set_up: Callable[[Bench], Awaitable[Contender]]
) -> tuple[float, Contender]:
    """Return the bytes per vehicle after a few polls, and the contender."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    contender = await set_up(bench)
    for _ in range(3):
        await contender.poll()
    await bench.hass.async_block_till_done()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(bench.vehicles), contender


def import_time(runs: int = 9) -> float:
    """Return the seconds to import all modules once Home Assistant's own are loaded."""
    package = custom_components.podero
    modules = [
        package.__name__,
        *(
            module.name
            for module in pkgutil.walk_packages(
                package.__path__, f"{package.__name__}."
            )
        ),
    ]
    with TemporaryDirectory() as folder:
        # Import cached bytecode, as every start except the first does.
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _, home_assistant = _import([], modules, environment)
        return median(
            _import(home_assistant, modules, environment)[0] for _ in range(runs)
        )


def _import(
    before: list[str], modules: list[str], environment: dict[str, str]
) -> tuple[float, list[str]]:
    """Import modules in a new process, after others.

    Returns the seconds it took, and the names of all Home Assistant modules then loaded.
    """
    process = subprocess.run(
        [sys.executable, "-c", _IMPORT, json.dumps([before, modules])],
        capture_output=True,
        env=environment,
        check=True,
        text=True,
    )
    seconds, home_assistant = json.loads(process.stdout)
    return seconds, home_assistant
