"""Print the requirements that Home Assistant would install at the start of the demo."""

import json
from pathlib import Path
import re

from homeassistant import bootstrap, components
from homeassistant.auth.mfa_modules import totp

_CONFIGURATION = Path(__file__).with_name("configuration.yaml")


def main() -> None:
    """Print the requirements of all integrations that are loaded."""
    configured = re.findall(r"^(\w+):", _CONFIGURATION.read_text(), re.MULTILINE)
    waiting = {
        *configured,
        *bootstrap.BASE_PLATFORMS,
        *bootstrap.CORE_INTEGRATIONS,
        *bootstrap.DEFAULT_INTEGRATIONS,
    }
    seen: set[str] = set()
    # Two-factor logins are always loaded, but are not an integration.
    requirements = {*totp.REQUIREMENTS}
    while waiting:
        domain = waiting.pop()
        seen.add(domain)
        manifest = json.loads(
            Path(components.__path__[0], domain, "manifest.json").read_text()
        )
        requirements.update(manifest.get("requirements", ()))
        waiting.update(set(manifest.get("dependencies", ())) - seen)
    print(*sorted(requirements), sep="\n")


if __name__ == "__main__":
    main()
