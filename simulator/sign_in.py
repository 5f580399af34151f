"""The sign-ins to a car maker that were started."""

from dataclasses import dataclass

from .actions import Action
from .car import Car


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that an action asked for, and the pages the browser returns to."""

    car: Car
    action: Action
    success_url: str
    cancel_url: str
