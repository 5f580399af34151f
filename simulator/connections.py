"""The connections of new devices that were started."""

from dataclasses import dataclass
from datetime import datetime

from .account import Account


@dataclass(slots=True)
class Connection:
    """A device that a user connects, and the URLs that the browser returns to."""

    id: str
    owner: Account
    success_url: str
    cancel_url: str
    expires_at: datetime
    object_id: str | None = None
