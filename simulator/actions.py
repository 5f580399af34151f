"""Actions that the user has to take, and the signed links that resolve them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
import hashlib
import hmac
from typing import Any

from .clock import iso

REAUTHENTICATE = "reauthenticate"
INFORMATION = "information"
ALL_PARAMETERS = ("successUrl", "cancelUrl", "language")
_LIFETIME = timedelta(hours=1)


@dataclass(slots=True)
class Action:
    """Something that the user has to do."""

    id: str
    code: str
    sent_at: datetime
    required_parameters: list[str]
    message: str | None = None
    # A test can replace the signed link with a hostile one.
    url: str | None = None

    def document(self, sign: Callable[[str], str]) -> dict[str, Any]:
        """Return the action as the API serves it, with a fresh link."""
        url = self.url
        if url is None:
            url = f"/api/partners/v2.0/cues/{self.id}/resolve?secret={sign(self.id)}"
        document: dict[str, Any] = {
            "code": self.code,
            "resolution_link": {
                "url": url,
                "required_parameters": self.required_parameters,
            },
        }
        if self.code == INFORMATION:
            document["metadata"] = {"message": self.message}
            document["sent_at"] = iso(self.sent_at)
        return document


class LinkSigner:
    """Signs links that expire, each with a new secret."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Take the time of the signatures from `now`."""
        self._now = now
        self._issued = 0

    def sign(self, subject: str) -> str:
        """Return a new secret for a subject."""
        self._issued += 1
        stamp = f"{self._now().timestamp():.3f}-{self._issued}"
        return f"{stamp}-{_digest(subject, stamp)}"

    def accepts(self, subject: str, secret: str) -> bool:
        """Return whether a secret was issued for the subject within the last hour."""
        stamp, _, digest = secret.rpartition("-")
        if not hmac.compare_digest(digest.encode(), _digest(subject, stamp).encode()):
            return False
        age = self._now().timestamp() - float(stamp.partition("-")[0])
        return age <= _LIFETIME.total_seconds()


def _digest(subject: str, stamp: str) -> str:
    # A constant key keeps links valid across restarts; it protects nothing real.
    return hmac.new(
        b"simulator", f"{subject} {stamp}".encode(), hashlib.sha256
    ).hexdigest()[:32]
