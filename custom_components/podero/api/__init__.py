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
    MethodNotAllowedError,
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
from .sessions import ChargePolicy, ChargingSession, DayPolicy
from .transport import Transport, parse_base_url

__all__ = [
    "Action",
    "Auth",
    "AuthenticationError",
    "BoostState",
    "ChargePolicy",
    "ChargingSession",
    "ChargingState",
    "ClientCredentialsAuth",
    "ConflictError",
    "DayPolicy",
    "DeviceModel",
    "ForbiddenError",
    "InformationAction",
    "InvalidRequestError",
    "InvalidResponseError",
    "MethodNotAllowedError",
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
