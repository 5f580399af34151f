"""The Podero Partner API, without Home Assistant.

Source of all facts: the contract (Partner API 2.0) and Podero's developer guide.
"""

from .auth import Auth, ClientCredentialsAuth, PasswordAuth
from .client import (
    ONBOARDING_LANGUAGES,
    PAGE_SIZE,
    OnboardingLanguage,
    PoderoClient,
    SignInState,
)
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
from .ids import IdError, IdKind, find_named_ids, parse_id
from .models import (
    Action,
    BoostState,
    ChargingState,
    DeviceModel,
    InformationAction,
    Onboarding,
    PriceZone,
    ReauthenticateAction,
    ResolutionLink,
    Status,
    User,
    Vehicle,
    to_json,
)
from .observations import Observations, is_word
from .sessions import ChargePolicy, ChargingSession, DayPolicy
from .transport import Transport, parse_base_url

__all__ = [
    "ONBOARDING_LANGUAGES",
    "PAGE_SIZE",
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
    "IdError",
    "IdKind",
    "InformationAction",
    "InvalidRequestError",
    "InvalidResponseError",
    "MethodNotAllowedError",
    "NotFoundError",
    "Observations",
    "Onboarding",
    "OnboardingLanguage",
    "PasswordAuth",
    "PoderoClient",
    "PoderoConnectionError",
    "PoderoError",
    "PriceZone",
    "RateLimitError",
    "ReauthenticateAction",
    "ResolutionLink",
    "SignInState",
    "Status",
    "TokenRefusedError",
    "Transport",
    "UntrustedLinkError",
    "User",
    "Vehicle",
    "find_named_ids",
    "is_word",
    "parse_base_url",
    "parse_id",
    "to_json",
]
