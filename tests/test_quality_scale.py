"""Home Assistant's integration quality scale: every rule is answered, and truly."""

import re

from .repository import INTEGRATION, ROOT, read_yaml, resolves

RULES = {
    "bronze": """action-setup appropriate-polling brands common-modules config-flow
        config-flow-test-coverage dependency-transparency docs-actions docs-conditions
        docs-high-level-description docs-installation-instructions
        docs-removal-instructions docs-triggers entity-event-setup entity-unique-id
        has-entity-name runtime-data test-before-configure test-before-setup
        unique-config-entry""",
    "silver": """action-exceptions config-entry-unloading docs-configuration-parameters
        docs-installation-parameters entity-unavailable integration-owner
        log-when-unavailable parallel-updates reauthentication-flow test-coverage""",
    "gold": """devices diagnostics discovery discovery-update-info docs-data-update
        docs-examples docs-known-limitations docs-supported-devices
        docs-supported-functions docs-troubleshooting docs-use-cases dynamic-devices
        entity-category entity-device-class entity-disabled-by-default
        entity-translations exception-translations icon-translations
        reconfiguration-flow repair-issues stale-devices""",
    "platinum": "async-dependency inject-websession strict-typing",
}


def test_quality_scale_has_all_rules() -> None:
    """Each rule is done, or exempt for a reason."""
    stated = read_yaml(INTEGRATION / "quality_scale.yaml")["rules"]
    assert list(stated) == " ".join(RULES.values()).split()
    for rule, status in stated.items():
        assert status == "done" or (
            status["status"] == "exempt" and len(status["comment"].split()) > 3
        ), rule


def test_quality_scale_can_be_looked_up() -> None:
    """What is done says where: a file of the integration, a test, a heading of a page."""
    text = (INTEGRATION / "quality_scale.yaml").read_text("utf-8")
    for rule, places in re.findall(r"^  ([a-z-]+): done(.*)$", text, re.MULTILINE):
        assert places.startswith(" # "), rule
        for place in places.removeprefix(" # ").split(", "):
            assert resolves(place, ROOT) or resolves(place, INTEGRATION), (rule, place)
