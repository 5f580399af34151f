"""The accounts of the demo."""

# ruff: noqa: S106 - passwords that open nothing but this simulator

from dataclasses import dataclass


@dataclass(slots=True)
class Account:
    """A user's ids and credentials, as Podero would issue them."""

    organization_id: str
    user_id: str
    username: str
    password: str
    client_id: str
    client_secret: str
    first_name: str
    last_name: str


def demo_accounts() -> tuple[Account, Account, Account]:
    """Return the resident, a neighbor of the same organization, and a stranger of another."""
    return (
        Account(
            organization_id="7b1f3c52-4a0e-4f7c-9d55-0c6a1e8b2d10",
            user_id="2f9d6a84-1c3b-4e5f-8a70-93b4c5d6e7f8",
            username="resident@example.com",
            password="charge-me-tonight",
            client_id="demo-energy",
            client_secret="demo-energy-secret",
            first_name="Robin",
            last_name="Resident",
        ),
        Account(
            organization_id="7b1f3c52-4a0e-4f7c-9d55-0c6a1e8b2d10",
            user_id="5c8e0b17-6d2a-4b9c-b1f3-2a4d6f8091b3",
            username="neighbor@example.com",
            password="next-door",
            client_id="demo-energy",
            client_secret="demo-energy-secret",
            first_name="Noa",
            last_name="Neighbor",
        ),
        Account(
            organization_id="e4d2c0a8-9b76-4f31-8c25-7f1e3d5b9a60",
            user_id="a1b2c3d4-5e6f-4708-9192-a3b4c5d6e7f0",
            username="stranger@example.com",
            password="far-away",
            client_id="other-energy",
            client_secret="other-energy-secret",
            first_name="Sam",
            last_name="Stranger",
        ),
    )
