"""Ids are found in whatever people paste."""

from typing import Any

import pytest

from custom_components.podero.api.ids import IdError, IdKind, find_named_ids, parse_id

ORG = "7b1f3c52-4a0e-4f7c-9d55-0c6a1e8b2d10"
USER = "2f9d6a84-1c3b-4e5f-8a70-93b4c5d6e7f8"
CAR = "c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01"
API = f"https://app.podero.com/api/partners/v2.0/org/{ORG}"
ALL = f"{API}/users/{USER}/electric-vehicles/{CAR}"


@pytest.mark.parametrize(
    "text",
    [
        ORG,
        ORG.upper(),
        ORG.replace("-", ""),
        ORG.replace("-", " - "),
        ORG.replace("-", "\N{EN DASH}"),
        ORG.replace("-", "\N{ZERO WIDTH SPACE}"),
        " ".join(ORG),
        f"\t{ORG}\r\n",
        f"  {{{ORG}}}\n",
        f"'{ORG}'",
        f'"{ORG}",',
        f"\N{LEFT DOUBLE QUOTATION MARK}{ORG}\N{RIGHT DOUBLE QUOTATION MARK}",
        f"urn:uuid:{ORG}",
        f"<{ORG}>.",
        f"{ORG} {ORG.upper()}",
        f"Add {ORG}",
        f"Organization ID: {ORG}",
        f"Organisations-ID = {ORG}",
        f"org_id={ORG}&user_id={USER}",
        f'{{"user_id": "{USER}", "org_id": "{ORG}"}}',
        f"{API}/users",
        API.upper(),
        ALL,
        f"curl -H 'Authorization: Bearer abcdef' '{ALL}/boost?a=1'",
        f"https://example.com/?next=%2Forg%2F{ORG}%2Fusers%2F{USER}",
        f"https://app.podero.com/organizations/{ORG}/",
        f"{ORG} {API}/users/{USER}",
        # What is named otherwise cannot be meant.
        f"{ORG}, User ID: {USER}",
    ],
)
def test_one_id(text: str) -> None:
    """The one id of an organization is taken, in its canonical form."""
    assert parse_id(text, "organization") == ORG


@pytest.mark.parametrize(
    "text",
    [
        "",
        "me",
        "organization",
        f"{ORG}0",
        f"0x{ORG}"[:36],
        ORG[:-1],
        f"{ORG[:-1]}g",
        ORG.replace("-", "") + USER.replace("-", ""),
        f"{USER.replace('-', '')}aa",
        "https://app.podero.com",
        f"https://app.podero.com/users/{USER}",
        f"vehicle {CAR}",
        "\N{FULLWIDTH DIGIT ONE}" * 32,
    ],
)
def test_no_id(text: str) -> None:
    """What holds no id, or another one only, is refused."""
    with pytest.raises(IdError) as raised:
        parse_id(text, "organization")
    assert raised.value.key == "no_id"


@pytest.mark.parametrize(
    "text",
    [
        f"{ORG} {USER}",
        f"{ORG}/{USER}",
        f"{ORG.replace('-', '')} {USER.replace('-', '')}",
        f"org {ORG}\norg {CAR}",
    ],
)
def test_several_ids(text: str) -> None:
    """Where two may be meant, none is guessed."""
    with pytest.raises(IdError) as raised:
        parse_id(text, "organization")
    assert raised.value.key == "several_ids"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ORG, {}),
        (f"{API}/users", {"organization": ORG}),
        (f"{API}/users/{USER}", {"organization": ORG, "user": USER}),
        (ALL, {"organization": ORG, "user": USER, "vehicle": CAR}),
        (
            f"Org: {ORG.upper()}\nUser: {USER}\nelectric_vehicle_id: {CAR}",
            {"organization": ORG, "user": USER, "vehicle": CAR},
        ),
        (f"{ALL}/{API}/users/{CAR}", {"organization": ORG, "vehicle": CAR}),
    ],
)
def test_named_ids(text: str, named: dict[IdKind, str]) -> None:
    """An address says whose each id is."""
    assert find_named_ids(text) == named
    kinds: tuple[Any, ...] = ("organization", "user", "vehicle")
    for kind in kinds:
        if kind in named:
            assert parse_id(text, kind) == named[kind]
