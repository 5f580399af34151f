"""What the service refuses, in words for people."""

import math

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .api import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
)
from .const import DOMAIN

CONFLICTS = {
    "already_charging": "boost_already_charging",
    "fully_charged": "boost_fully_charged",
    "internal_error": "boost_internal_error",
    "no_active_session": "boost_no_active_session",
}
"""What to say for each reason of a conflict."""

DEFAULT_WAIT = 30.0
"""Seconds to wait where the service does not say for how long."""

LONGEST_WAIT = 86400.0


def explain(err: PoderoError) -> HomeAssistantError:
    """Return what to tell the person whose wish the service refused."""
    match err:
        case AuthenticationError():
            return _error("auth_failed")
        case ForbiddenError():
            return _error("write_forbidden")
        case NotFoundError():
            return _error("write_not_found")
        case ConflictError():
            return _validation_error(CONFLICTS.get(err.reason or "", "write_conflict"))
        case InvalidRequestError():
            return _validation_error("write_refused")
        case RateLimitError():
            wait = DEFAULT_WAIT if err.retry_after is None else err.retry_after
            seconds = math.ceil(min(max(wait, 1.0), LONGEST_WAIT))
            return _error("write_rate_limited", seconds=str(seconds))
        case PoderoConnectionError():
            return _error("write_cannot_connect")
        case _:
            return _error("invalid_response")


def _error(key: str, **placeholders: str) -> HomeAssistantError:
    """Return an error that nobody in front of the screen made."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


def _validation_error(key: str) -> ServiceValidationError:
    """Return the error of asking for what is not possible."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
