"""Run subprocesses that log to a file and never outlive this process."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
import shutil
import socket
import time

LOOPBACK = "127.0.0.1"
TAIL_LINES = 30
STOP_SECONDS = 30

_started_at = time.monotonic()


class DemoError(Exception):
    """An error with a message for people."""


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"{time.monotonic() - _started_at:5.1f} s  {text}", flush=True)


def free_port(preferred: int) -> int:
    """Return a free port: the preferred one, or the next that is free."""
    for port in range(preferred, preferred + 100):
        with socket.socket() as probe:
            # Ignore recently closed connections of the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError(f"No port is free from {preferred} on")


class Program:
    """A subprocess that ends when this process does."""

    def __init__(self, name: str, log: Path) -> None:
        """Name it for messages, and log its output to a file."""
        self.name = name
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *command: str) -> None:
        """Start it, appending to its log."""
        if setpriv := shutil.which("setpriv"):
            # The kernel terminates it if this process is killed.
            command = (setpriv, "--pdeathsig", "TERM", "--", *command)
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C must not reach it: `stop` terminates it.
                process_group=0,
            )

    async def wait(self) -> int:
        """Wait until it exits, and return its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def wait_until[T](
        self, ready: Callable[[], Awaitable[T | None]], seconds: float
    ) -> T:
        """Wait until `ready` does not return None, and return the result.

        Raises DemoError if the process exits first, or after some seconds.
        """
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while (result := await ready()) is None:
            if self._process.returncode is not None:
                raise self.failure("stopped")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {seconds:.0f} s")
            await asyncio.sleep(0.1)
        return result

    def failure(self, what: str) -> DemoError:
        """Return an error with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return DemoError("\n".join((f"{self.name} {what}. {self.log} ends:", *lines)))

    async def stop(self) -> None:
        """Terminate it, and kill it on a timeout or if this is cancelled."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
