"""Texts: the tree and the values that hassfest accepts, the same in every language."""

import re
from typing import Any

import pytest
import voluptuous as vol

from homeassistant.const import Platform
from homeassistant.generated.languages import LANGUAGES as KNOWN_LANGUAGES
from scripts import translated
from scripts.entities import descriptions

from .repository import LANGUAGES, flatten, placeholders, read_texts

FORBIDDEN = {
    "HTML": re.compile(r"</?[a-z!][^>]*>", re.IGNORECASE),
    "an address, which has to be a placeholder": re.compile(r"\w+://|\bwww\."),
    # The frontend takes what stands between quotes as it is.
    "a placeholder after or before a quote": re.compile(r"'\{|\}'"),
    "two spaces": re.compile(r"  "),
}


def _text(value: Any) -> str:
    """Accept a text for people."""
    if not isinstance(value, str) or not value or value != value.strip():
        raise vol.Invalid(f"no text, or space around it: {value!r}")
    for fault, pattern in FORBIDDEN.items():
        if pattern.search(value):
            raise vol.Invalid(f"{fault}: {value!r}")
    if not all(name.isidentifier() for name in placeholders(value)):
        raise vol.Invalid(f"a placeholder that is no identifier: {value!r}")
    return value


def _plain(value: Any) -> str:
    """Accept a text that is shown as it is."""
    if placeholders(text := _text(value)):
        raise vol.Invalid(f"a placeholder that nothing fills: {value!r}")
    return text


def _described(form: dict[str, Any]) -> dict[str, Any]:
    """Accept a form whose descriptions belong to its fields."""
    if unknown := form.get("data_description", {}).keys() - form.get("data", {}).keys():
        raise vol.Invalid(f"described, but no field: {unknown}")
    return form


CONTROLS = {"button", "number", "switch", "time"}

KEY = vol.Match(r"^(?!.+[_-]{2})(?![_-])[a-z0-9_-]+(?<![_-])$")
TEXTS = {KEY: _text}
PLAIN_TEXTS = {KEY: _plain}
FORM = {"description": _text, "data": TEXTS, "data_description": TEXTS}
STEP = vol.All(
    vol.Schema(
        {
            **FORM,
            "title": _text,
            "submit": _text,
            "menu_options": TEXTS,
            "menu_option_descriptions": TEXTS,
            "sections": {KEY: vol.All(vol.Schema({"name": _text, **FORM}), _described)},
        }
    ),
    _described,
)
FLOW = {"step": {KEY: STEP}, "error": TEXTS, "abort": TEXTS, "progress": TEXTS}
CREATED = {"create_entry": TEXTS}
FIELDS = {KEY: {vol.Required("name"): _text, vol.Required("description"): _text}}
DESCRIBED = {
    KEY: {
        vol.Required("name"): _text,
        vol.Required("description"): _text,
        "fields": FIELDS,
    }
}
ATTRIBUTES = {KEY: {"name": _text, "state": PLAIN_TEXTS}}
ENTITY = {
    "name": _text,
    "state": PLAIN_TEXTS,
    "state_attributes": ATTRIBUTES,
    "unit_of_measurement": _plain,
}
ISSUE = vol.Any(
    {vol.Required("title"): _text, vol.Required("description"): _text},
    {vol.Required("title"): _text, vol.Required("fix_flow"): {**FLOW, **CREATED}},
)
SUBENTRY = {
    **FLOW,
    **CREATED,
    vol.Required("entry_type"): _text,
    vol.Required("initiate_flow"): {vol.Required("user"): _text, "reconfigure": _text},
}
TREE = vol.Schema(
    {
        "title": _text,
        "config": {**FLOW, **CREATED, "flow_title": _text},
        "config_subentries": {KEY: SUBENTRY},
        "options": FLOW,
        "device": {KEY: {vol.Required("name"): _text}},
        "entity": {vol.In([*Platform]): {KEY: ENTITY}},
        "exceptions": {KEY: {vol.Required("message"): _text}},
        "issues": {KEY: ISSUE},
        "services": DESCRIBED,
        "triggers": DESCRIBED,
        "conditions": DESCRIBED,
        "selector": {KEY: {"options": TEXTS}},
        "system_health": {"info": PLAIN_TEXTS},
        "common": TEXTS,
    }
)


def test_languages_are_known() -> None:
    """Each file is of a language that Home Assistant can be set to; English is there."""
    assert "en" in LANGUAGES
    assert set(LANGUAGES) <= KNOWN_LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_tree(language: str) -> None:
    """The keys and values are such as hassfest accepts."""
    TREE(read_texts(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_is_complete(language: str) -> None:
    """Each text is there, with the same placeholders: else English would show through."""
    english = dict(flatten(read_texts("en")))
    texts = dict(flatten(read_texts(language)))
    assert texts.keys() == english.keys()
    for path, text in texts.items():
        assert placeholders(text) == placeholders(english[path]), path


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_language_is_translated(language: str) -> None:
    """Whole sentences are not left in English."""
    english = dict(flatten(read_texts("en")))
    for path, text in flatten(read_texts(language)):
        assert text != english[path] or len(text.split()) < 4, path


@pytest.mark.parametrize("language", translated.TRANSLATIONS)
def test_language_follows_english(language: str) -> None:
    """No text is left behind where its English moved.

    Bring the language up to date, then note it by `python -m scripts.translated`.
    """
    noted = translated.read()
    moved = [
        path
        for path, digest in translated.hashes().items()
        if noted.get(path, {}).get(language) != digest
    ]
    assert moved == []


def test_noted_texts_exist() -> None:
    """What is noted is in the form that the script writes, of texts that there are."""
    assert translated.read().keys() == translated.hashes().keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_distinct(language: str) -> None:
    """No two entities of a car share a name, but a control and its read-only twin.

    The twin is off by default: who switches it on knows why.
    """
    is_on = {
        (platform, description.key): description.entity_registry_enabled_default
        for platform, description in descriptions()
    }
    by_name: dict[str, list[tuple[str, str]]] = {}
    for platform, entities in read_texts(language)["entity"].items():
        for key, entity in entities.items():
            by_name.setdefault(entity["name"].casefold(), []).append((platform, key))
    for name, bearers in by_name.items():
        controls = [bearer for bearer in bearers if bearer[0] in CONTROLS]
        others = [bearer for bearer in bearers if bearer not in controls]
        assert len(controls) <= 1, (name, bearers)
        assert len(others) <= 1, (name, bearers)
        assert not (controls and others and is_on[others[0]]), (name, bearers)


def test_fields_have_one_name() -> None:
    """The forms of an account call the same thing by the same name."""
    steps = read_texts("en")["config"]["step"]
    names = [
        (field, name)
        for step in steps.values()
        for field, name in step.get("data", {}).items()
    ]
    assert len(set(names)) == len(dict(names))
