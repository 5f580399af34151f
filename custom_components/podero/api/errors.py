"""The errors that a caller of the Partner API can act on.

None of them contains what was sent or received: no URL, no id, no text of the service.
They are safe to log.
"""

from typing import ClassVar

CONFLICT_REASONS = frozenset(
    {"already_charging", "fully_charged", "internal_error", "no_active_session"}
)
"""The reasons of a 409 that the guide names."""


class PoderoError(Exception):
    """A call to the Partner API failed."""

    key: ClassVar[str]
    """Identifies the error in translations."""


class AuthenticationError(PoderoError):
    """The credentials were refused; only new ones help."""

    key = "invalid_auth"


class TokenRefusedError(AuthenticationError):
    """A newly issued token was refused, although the credentials were accepted."""


class ForbiddenError(PoderoError):
    """The account lacks permission (403)."""

    key = "forbidden"


class NotFoundError(PoderoError):
    """The resource does not exist or was deleted (404, 410)."""

    key = "not_found"


class ConflictError(PoderoError):
    """The state of the vehicle does not allow the request (409).

    `reason` is one of CONFLICT_REASONS, or None for any other.
    """

    key = "conflict"

    def __init__(self, reason: str | None = None) -> None:
        """Keep the reason."""
        super().__init__("The request conflicts with the state of the vehicle")
        self.reason = reason


class InvalidRequestError(PoderoError):
    """The service refused the request (400, 422 and every other 4xx)."""

    key = "invalid_request"


class MethodNotAllowedError(InvalidRequestError):
    """The endpoint does not support the method (405)."""


class InvalidResponseError(PoderoError):
    """The response is not one that the Partner API documents."""

    key = "invalid_response"


class UntrustedLinkError(InvalidResponseError):
    """A link in a response must not be requested or opened: it is not where expected."""

    key = "untrusted_link"


class PoderoConnectionError(PoderoError):
    """The service is unreachable or failing (timeout, 408, 5xx): a retry may succeed.

    `retry_after` is the number of seconds of the Retry-After header, or None.
    """

    key = "cannot_connect"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep the seconds to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitError(PoderoConnectionError):
    """Too many requests (429)."""

    key = "rate_limited"
