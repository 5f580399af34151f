"""An external step of a flow: a browser is sent elsewhere, until it comes back."""

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
"""Seconds between two looks at what goes on elsewhere."""

RESULT_TIMEOUT = 5 * 60.0
"""Seconds for which the outcome waits for somebody to see it."""


class ExternalStep[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT]
):
    """A flow that sends a browser elsewhere, and watches how that ends."""

    _ticket: ReturnTicket | None = None
    _address = ""
    _watch: asyncio.Task[None] | None = None
    _is_removed = False
    _outcome: str | None = None
    """How it ended, in the flow's own words; None as long as it goes on."""

    @property
    @abstractmethod
    def _manager(self) -> FlowManager[ContextT, ResultT, HandlerT]:
        """Return the manager of the flow."""

    def _issue_ticket(self, language: str) -> ReturnTicket:
        """Return a ticket to come back with, in place of the last one."""
        self._raise_if_removed()
        self._close_ticket()
        self._ticket = ReturnTicket(self.hass, language)
        return self._ticket

    def _begin_watching(self, address: str, outcome: Coroutine[Any, Any, str]) -> None:
        """Send the browser to an address, and wait for the outcome."""
        self._stop_watching()
        self._address = address
        self._outcome = None
        self._watch = self.hass.async_create_background_task(
            self._async_watch(outcome), f"{DOMAIN} sign-in"
        )

    def _show_external(self, step_id: str, next_step_id: str) -> ResultT:
        """Show the external step, or go on to the next one after it has ended."""
        if self._outcome is None:
            return self.async_external_step(step_id=step_id, url=self._address)
        return self.async_external_step_done(next_step_id=next_step_id)

    async def _async_wait_for_return(
        self, timeout: float, look: Callable[[], Awaitable[str | None]]
    ) -> str | None:
        """Wait until the browser is back: None; or else return an outcome before.

        `look` tells from time to time whether there is one.
        """
        assert self._ticket is not None
        returned = self._ticket.state
        try:
            async with asyncio.timeout(timeout):
                while True:
                    await asyncio.wait({returned}, timeout=POLL_INTERVAL)
                    if returned.done():
                        return None
                    if (outcome := await look()) is not None:
                        return outcome
        except TimeoutError:
            return "timed_out"

    async def _async_watch(self, outcome: Coroutine[Any, Any, str]) -> None:
        """Wait for the outcome, and make the dialog look."""
        self._outcome = await outcome
        await self._manager.async_configure(self.flow_id)
        # A phone that shows the other page does not hear of it before it comes back.
        for _ in range(int(RESULT_TIMEOUT / POLL_INTERVAL)):
            await asyncio.sleep(POLL_INTERVAL)
            self.async_notify_flow_changed()
        self._manager.async_abort(self.flow_id)

    def _stop_watching(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()

    def _close_ticket(self) -> None:
        """Let no browser come back any longer."""
        if self._ticket is not None:
            self._ticket.close()

    def _raise_if_removed(self) -> None:
        """Begin nothing for a dialog that was closed while it waited for an answer."""
        if self._is_removed:
            raise AbortFlow("cancelled")

    @callback
    @override
    def async_remove(self) -> None:
        """Leave nothing behind."""
        super().async_remove()
        self._is_removed = True
        self._stop_watching()
        self._close_ticket()
