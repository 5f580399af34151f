"""A simulated Podero cloud, for the demo and the tests."""

from .account import Account
from .car import ABSENT, Car
from .cloud import FIRST_CAR_ID, SECOND_CAR_ID, Simulator
from .faults import Fault
from .habits import COMMUTER, FIRST_MODEL, PART_TIMER, SECOND_MODEL, Habits, Model
from .requests import RecordedRequest
from .server import Server

__all__ = [
    "ABSENT",
    "COMMUTER",
    "FIRST_CAR_ID",
    "FIRST_MODEL",
    "PART_TIMER",
    "SECOND_CAR_ID",
    "SECOND_MODEL",
    "Account",
    "Car",
    "Fault",
    "Habits",
    "Model",
    "RecordedRequest",
    "Server",
    "Simulator",
]
