"""A flow with an external step: the browser opens another website and returns."""

from abc import abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, override

from homeassistant.core import callback
from homeassistant.data_entry_flow import (
    AbortFlow,
    FlowContext,
    FlowHandler,
    FlowManager,
    FlowResult,
)

from .const import DOMAIN
from .http import ReturnTicket

POLL_INTERVAL = 10.0
"""Seconds between two checks for an outcome."""

RESULT_TIMEOUT = 5 * 60.0
"""Seconds after which a flow with an outcome continues without its dialog."""


class ExternalStep[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT]
):
    """A flow that sends the browser to another website and waits for an outcome."""

    _ticket: ReturnTicket | None = None
    _url = ""
    _watch: asyncio.Task[None] | None = None
    _is_removed = False
    _outcome: str | None = None
    """A string that the flow defines; None until there is an outcome."""

    @property
    @abstractmethod
    def _manager(self) -> FlowManager[ContextT, ResultT, HandlerT]:
        """Return the manager of the flow."""

    def _issue_ticket(self, language: str) -> ReturnTicket:
        """Return a new ticket, and invalidate the previous one."""
        self._raise_if_removed()
        self._close_ticket()
        self._ticket = ReturnTicket(self.hass, language)
        return self._ticket

    def _begin_watching(self, url: str, outcome: Coroutine[Any, Any, str]) -> None:
        """Set the URL of the external step, and wait for the outcome in the background."""
        self._stop_watching()
        self._url = url
        self._outcome = None
        self._watch = self.hass.async_create_background_task(
            self._async_watch(outcome), f"{DOMAIN} sign-in"
        )

    def _show_external(self, step_id: str, next_step_id: str) -> ResultT:
        """Show the external step, or the next step once there is an outcome."""
        if self._outcome is None:
            return self.async_external_step(step_id=step_id, url=self._url)
        return self.async_external_step_done(next_step_id=next_step_id)

    async def _async_wait_for_return(
        self, timeout: float, check: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Return None once the browser has returned, or the outcome if that is earlier.

        `check` is polled for an outcome. After `timeout` seconds it is "timed_out".
        """
        assert self._ticket is not None
        returned = self._ticket.state
        try:
            async with asyncio.timeout(timeout):
                while True:
                    await asyncio.wait({returned}, timeout=POLL_INTERVAL)
                    if returned.done():
                        return None
                    if (outcome := await check()) is not None:
                        return outcome
        except TimeoutError:
            return "timed_out"

    async def _async_watch(self, outcome: Coroutine[Any, Any, str]) -> None:
        """Wait for the outcome, and make the dialog continue."""
        self._outcome = await outcome
        await self._manager.async_configure(self.flow_id)
        # A phone may miss the notification while it shows the other website: repeat it.
        for _ in range(int(RESULT_TIMEOUT / POLL_INTERVAL)):
            await asyncio.sleep(POLL_INTERVAL)
            self.async_notify_flow_changed()
        # The next step would cancel this task.
        self._watch = None
        await self._manager.async_configure(self.flow_id)

    def _stop_watching(self) -> None:
        """Stop waiting for the outcome."""
        if self._watch is not None:
            self._watch.cancel()

    def _close_ticket(self) -> None:
        """Invalidate the ticket."""
        if self._ticket is not None:
            self._ticket.close()

    def _raise_if_removed(self) -> None:
        """Raise AbortFlow if the dialog was closed during a request."""
        if self._is_removed:
            raise AbortFlow("cancelled")

    @callback
    @override
    def async_remove(self) -> None:
        """Stop waiting, and invalidate the ticket."""
        super().async_remove()
        self._is_removed = True
        self._stop_watching()
        self._close_ticket()
