"""Record which English texts the translations were made from, as hashes.

`python -m scripts.translated de fr` marks these languages as up to date, `all` marks all.
A test fails for each translation whose English text has changed since then.
"""

from hashlib import sha256
import json
import sys

from tests.repository import LANGUAGES, ROOT, flatten, read_texts

NOTED = ROOT / "tests/translated.json"
TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

type Noted = dict[str, dict[str, str]]
"""The hash of the English text of each translation, by path and language."""


def hashes() -> dict[str, str]:
    """Return a short hash of each English text by its path."""
    return {
        ".".join(path): sha256(text.encode()).hexdigest()[:8]
        for path, text in flatten(read_texts("en"))
    }


def read() -> Noted:
    """Return the recorded hashes."""
    content: dict[str, dict[str, str]] = json.loads(NOTED.read_text("utf-8"))
    return {
        path: {
            language: digest
            for digest, languages in digests.items()
            for language in languages.split()
        }
        for path, digests in content.items()
    }


def write(noted: Noted) -> None:
    """Write the hashes, one line per text."""
    lines = []
    for path, digests in sorted(noted.items()):
        by_digest: dict[str, list[str]] = {}
        for language, digest in sorted(digests.items()):
            by_digest.setdefault(digest, []).append(language)
        content = {digest: " ".join(codes) for digest, codes in by_digest.items()}
        lines.append(f'"{path}": {json.dumps(content)}')
    NOTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def main(arguments: list[str]) -> int:
    """Mark languages as up to date, and return the exit code."""
    languages = TRANSLATIONS if arguments == ["all"] else arguments
    if not languages or not {*languages} <= {*TRANSLATIONS}:
        print(f"python -m scripts.translated all | {' | '.join(TRANSLATIONS)}")
        return 2
    before = read() if NOTED.exists() else {}
    write(
        {
            path: before.get(path, {}) | dict.fromkeys(languages, digest)
            for path, digest in hashes().items()
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
