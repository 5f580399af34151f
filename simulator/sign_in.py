"""The sign-ins to a car maker that were started."""

from dataclasses import dataclass

from .actions import Action
from .car import Car


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in for an action, and the URLs that the browser returns to."""

    car: Car
    action: Action
    success_url: str
    cancel_url: str
