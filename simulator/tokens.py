"""Issue and check tokens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from .account import Account

type ClientCredentialsUrl = Literal["contract", "guide", "both"]


class RefusedError(Exception):
    """No token is issued; the message is OAuth's error code."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token gives access to."""

    organization_id: str
    user_id: str | None  # None: every user of the organization
    can_write: bool
    expires_at: datetime


class Tokens:
    """The tokens that were issued to the accounts."""

    def __init__(
        self, accounts: Iterable[Account], now: Callable[[], datetime]
    ) -> None:
        """Start with no token issued."""
        self._accounts = tuple(accounts)
        self._now = now
        self._issued = 0
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Account] = {}
        self.lifetime = timedelta(hours=10)
        self.read_only = False

    def find(self, access_token: str) -> Token | None:
        """Return a token's rights, None if it is invalid or has expired."""
        token = self._access.get(access_token)
        return token if token is not None and token.expires_at > self._now() else None

    def revoke(self, *, refresh_tokens: bool = True) -> None:
        """Revoke all tokens issued so far."""
        self._access.clear()
        if refresh_tokens:
            self._refresh.clear()

    def by_password(self, username: Any, password: Any) -> dict[str, Any]:
        """Answer the grant `password`."""
        for account in self._accounts:
            if (account.username, account.password) == (username, password):
                return self._for_user(account)
        raise RefusedError("invalid_grant")

    def by_refresh_token(self, refresh_token: Any) -> dict[str, Any]:
        """Answer the grant `refresh_token`; each token can be used once."""
        if not isinstance(refresh_token, str) or refresh_token not in self._refresh:
            raise RefusedError("invalid_grant")
        return self._for_user(self._refresh.pop(refresh_token))

    def by_client(self, client_id: Any, client_secret: Any) -> dict[str, Any]:
        """Answer the grant `client_credentials`, without a refresh token."""
        for account in self._accounts:
            if (account.client_id, account.client_secret) == (client_id, client_secret):
                return self._issue(account.organization_id, None)
        raise RefusedError("invalid_client")

    def _for_user(self, account: Account) -> dict[str, Any]:
        answer = self._issue(account.organization_id, account.user_id)
        refresh_token = self._opaque("refresh")
        self._refresh[refresh_token] = account
        return answer | {"refresh_token": refresh_token}

    def _issue(self, organization_id: str, user_id: str | None) -> dict[str, Any]:
        now = self._now()
        # Remove expired tokens, or they accumulate over weeks.
        self._access = {
            key: token for key, token in self._access.items() if token.expires_at > now
        }
        access_token = self._opaque("access")
        self._access[access_token] = Token(
            organization_id, user_id, not self.read_only, now + self.lifetime
        )
        return {
            "access_token": access_token,
            "expires_in": int(self.lifetime.total_seconds()),
            "token_type": "Bearer",
            "scope": "read" if self.read_only else "read write",
        }

    def _opaque(self, kind: str) -> str:
        self._issued += 1
        stamp = f"{kind}/{self._issued}/{self._now().isoformat()}"
        return f"{kind}-{sha256(stamp.encode()).hexdigest()[:40]}"
