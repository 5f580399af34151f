"""The Podero Partner API, without Home Assistant.

Source of all facts: the contract (Partner API 2.0) and Podero's developer guide.
"""

from .auth import Auth, ClientCredentialsAuth, PasswordAuth
from .client import PoderoClient
from .errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    TokenRefusedError,
    UntrustedLinkError,
)
from .models import (
    Action,
    BoostState,
    ChargingState,
    DeviceModel,
    InformationAction,
    PriceZone,
    ReauthenticateAction,
    ResolutionLink,
    Status,
    Vehicle,
    differences,
)
from .transport import Transport, parse_base_url

__all__ = [
    "Action",
    "Auth",
    "AuthenticationError",
    "BoostState",
    "ChargingState",
    "ClientCredentialsAuth",
    "ConflictError",
    "DeviceModel",
    "ForbiddenError",
    "InformationAction",
    "InvalidRequestError",
    "InvalidResponseError",
    "NotFoundError",
    "PasswordAuth",
    "PoderoClient",
    "PoderoConnectionError",
    "PoderoError",
    "PriceZone",
    "RateLimitError",
    "ReauthenticateAction",
    "ResolutionLink",
    "Status",
    "TokenRefusedError",
    "Transport",
    "UntrustedLinkError",
    "Vehicle",
    "differences",
    "parse_base_url",
]
