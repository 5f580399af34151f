"""The errors that a caller of the Partner API can act on.

None of them carries what was sent or received: no address, no identifier, no text
of the service. They are safe to log.
"""

CONFLICT_REASONS = frozenset(
    {"already_charging", "fully_charged", "internal_error", "no_active_session"}
)
"""The service's words for why the state of the vehicle forbids something (guide)."""


class PoderoError(Exception):
    """Say that a call to the Partner API did not succeed."""


class AuthenticationError(PoderoError):
    """Say that the credentials were refused, definitely: only new ones help."""


class TokenRefusedError(AuthenticationError):
    """Say that a token was refused that was just issued: the credentials may be good."""


class ForbiddenError(PoderoError):
    """Say that the account may not see or do this (403)."""


class NotFoundError(PoderoError):
    """Say that the thing asked for does not exist, or no longer (404)."""


class ConflictError(PoderoError):
    """Say that the vehicle is in no state for this (409).

    `reason` is one of CONFLICT_REASONS, or None where the service gave none of them.
    """

    def __init__(self, reason: str | None = None) -> None:
        """Remember the reason."""
        super().__init__("The request conflicts with the state of the vehicle")
        self.reason = reason


class InvalidRequestError(PoderoError):
    """Say that the service refuses the values sent (400, 422 and the like)."""


class InvalidResponseError(PoderoError):
    """Say that the answer is not one that the Partner API gives."""


class UntrustedLinkError(InvalidResponseError):
    """Say that a link leads elsewhere than to the account's own origin."""


class PoderoConnectionError(PoderoError):
    """Say that the service could not be reached or failed: trying again may help.

    `retry_after` is the number of seconds that the service asked to wait, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Remember how long the service asked to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitError(PoderoConnectionError):
    """Say that the service was asked too often (429)."""
