"""Takes secrets out of a settings document: `${ENV_NAME}` and `file:PATH` are looked up. Shows none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError

SIDES = ("sis", "lms")
_WEBHOOK = re.compile(r"notices\.webhooks\.(\d+)\.secret")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class FoundSecret:
    """A secret and what the settings said instead of it."""

    text: str = field(repr=False)
    reference: str


@dataclass(frozen=True)
class Surroundings:
    """Where `${NAME}` and relative `file:` paths are looked up; without a folder, no file is read."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path | None


def take_secrets(document: dict[str, Any], around: Surroundings) -> dict[str, FoundSecret]:
    """Remove the secrets from the document (changing it) and return them by place, e.g. `sis.secret`.

    `${NAME}` in any other option is replaced by its value. Raises ConfigError for an unknown variable, file
    or connector.
    """
    found: dict[str, FoundSecret] = {}
    for side in SIDES:
        connection = document.get(side)
        if not isinstance(connection, dict) or not isinstance(connection.get("options", {}), dict):
            continue  # the schema names it
        name = connection.get("connector")
        options = connection.setdefault("options", {})
        shapes = {one.name: one for one in describe(connector(str(name)).options)}
        for key, value in list(options.items()):
            if key in shapes and shapes[key].secret and value is not None:
                place = f"{side}.{key}"
                found[place] = _found(options.pop(key), shapes[key].kind, place, around)
            elif isinstance(value, str) and _VARIABLE.fullmatch(value):
                options[key] = _look_up(value, f"{side}.{key}", around).text
            elif key in shapes and shapes[key].kind == "text" and type(value) in (int, float):
                options[key] = str(value)  # `key: 12345` is a text that looks like a number
    return found | _webhook_secrets(document, around)


def webhook_place(number: int) -> str:
    """Where the secret of the organization's webhook with this number (from 0) is kept."""
    return f"notices.webhooks.{number}.secret"


def put_reference(document: dict[str, Any], place: str, reference: str) -> None:
    """Say in a document where the secret of this place comes from."""
    webhook = _WEBHOOK.fullmatch(place)
    if webhook:
        document["notices"]["webhooks"][int(webhook[1])]["secret"] = reference
        return
    side, _, option = place.partition(".")
    document[side]["options"][option] = reference


def _webhook_secrets(document: dict[str, Any], around: Surroundings) -> dict[str, FoundSecret]:
    """Remove the secrets of the webhooks; in a `url`, `${NAME}` is replaced."""
    notices = document.get("notices")
    webhooks = notices.get("webhooks") if isinstance(notices, dict) else None
    found: dict[str, FoundSecret] = {}
    for number, webhook in enumerate(webhooks if isinstance(webhooks, list) else []):
        if not isinstance(webhook, dict):
            continue  # the schema names it
        place = webhook_place(number)
        secret = webhook.pop("secret", None)
        if secret is not None:
            found[place] = _look_up(_as_text(secret, place), place, around)
        url = webhook.get("url")
        if isinstance(url, str) and _VARIABLE.fullmatch(url):
            webhook["url"] = _look_up(url, f"notices.webhooks.{number}.url", around).text
    return found


def table_text(table: Mapping[str, str]) -> str:
    """A secret that is a table, such as headers, as the one text that is encrypted."""
    return json.dumps(dict(table), sort_keys=True)


def read_table(text: str, place: str) -> dict[str, str]:
    """The table of a text made by `table_text`. Raises ConfigError, which does not repeat the text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigError(f"{place}: must be a table of names and texts")
    return found


def _found(value: Any, kind: str, place: str, around: Surroundings) -> FoundSecret:
    if kind == "table" and isinstance(value, dict):
        table = {str(name): _look_up(_as_text(text, place), place, around).text for name, text in value.items()}
        return FoundSecret(table_text(table), placeholder(place))
    return _look_up(_as_text(value, place), place, around)


def _as_text(value: Any, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ConfigError(f"{place}: must be a text; put quotes around it")
    return str(value)


def placeholder(place: str) -> str:
    """What an export says for a secret that was given as it is: `${SIS_SECRET}` for `sis.secret`."""
    return "${" + re.sub(r"[^A-Z0-9]", "_", place.upper()) + "}"


def _look_up(value: str, place: str, around: Surroundings) -> FoundSecret:
    variable = _VARIABLE.fullmatch(value)
    if variable:
        name = variable[1]
        if not around.environment.get(name):
            raise ConfigError(f"{place}: the environment variable {name} is not set")
        return FoundSecret(around.environment[name], value)
    if value.startswith("file:"):
        if around.folder is None:
            raise ConfigError(f"{place}: file:PATH is only for settings files")
        path = (around.folder / Path(value.removeprefix("file:")).expanduser()).resolve()
        try:
            return FoundSecret(path.read_text("utf-8").rstrip("\r\n"), f"file:{path}")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{place}: the file {path} cannot be read") from None
    return FoundSecret(value, placeholder(place))
