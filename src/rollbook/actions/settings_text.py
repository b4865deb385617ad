"""A settings file read and judged as a whole: shape, mappings, time zone, options. Stores nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import msgspec

from rollbook.actions.secret_texts import SIDES, FoundSecret, Surroundings, read_table, take_secrets, webhook_place
from rollbook.connectors.base import Connector
from rollbook.connectors.kit.hosts import check_url
from rollbook.connectors.kit.options import describe, parse
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError
from rollbook.roster.schedule import clock_problems, schedule_problems
from rollbook.roster.settings import Connection, Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.roster.wall_clock import time_zone

_MOST_PROBLEMS = 8
_SHORTEST_SECRET = 16
_SCHOOL = re.compile(r"create|skip|id:.+|code:.+")
_TERM = re.compile(r"create|skip|id:.+|title:.+")


@dataclass(frozen=True)
class SettingsText:
    """What a file says: typed settings without secrets, and the secrets by place."""

    settings: Settings
    secrets: dict[str, FoundSecret] = field(repr=False)


def read_settings(text: str, *, name: str, around: Surroundings) -> SettingsText:
    """Read YAML text; `name` is what errors call it. Raises ConfigError that lists what is wrong."""
    from rollbook.actions.yaml_text import load_yaml  # a run reads no YAML

    document = _as_texts(load_yaml(text, name))
    secrets = take_secrets(document, around)
    return SettingsText(judge(document, secrets, name=name, around=around), secrets)


def judge(document: dict[str, Any], secrets: Mapping[str, FoundSecret], *, name: str, around: Surroundings) -> Settings:
    """Typed settings from a document whose secrets were taken out. Raises ConfigError that lists what is wrong."""
    problems = list(_shape_problems(document))
    if problems:
        raise _told(name, problems)
    settings = parse_settings(document)
    problems = [*_mapping_problems(settings), *_notice_problems(settings, secrets, around)]
    if problems:
        raise _told(name, problems)
    for side in SIDES:
        typed_options(getattr(settings, side), {p: s.text for p, s in secrets.items()}, side)
    return settings


def check_mappings(settings: Settings) -> None:
    """Mappings, time zone and schedule of settings that were made without a file. Raises ConfigError."""
    problems = list(_mapping_problems(settings))
    if problems:
        raise _told("settings", problems)


def typed_options(connection: Connection, secrets: dict[str, str], side: str) -> msgspec.Struct:
    """The options of one side, with its secrets put in; `side` is sis or lms. Raises ConfigError."""
    found = connector_of(connection, side)
    kinds = {one.name: one.kind for one in describe(found.options)}
    values = dict(connection.options)
    if connection.partner is not None:
        if "partner" not in kinds:
            raise ConfigError(f"{side}: the connector {connection.connector} has no partners")
        values.setdefault("partner", connection.partner)
    for place, secret in secrets.items():
        if place.startswith(f"{side}."):
            name = place.removeprefix(f"{side}.")
            values[name] = read_table(secret, place) if kinds.get(name) == "table" else secret
    try:
        return parse(found.options, values)
    except ConfigError as error:
        raise ConfigError(f"{side}: {error}") from None


def connector_of(connection: Connection, side: str) -> Connector:
    """The connector of a side. Raises ConfigError when it cannot read a SIS or write an LMS."""
    found = connector(connection.connector)
    if (found.source if side == "sis" else found.target) is None:
        role = "read a SIS" if side == "sis" else "write to an LMS"
        raise ConfigError(f"{side}: the connector {connection.connector} cannot {role}")
    return found


def _as_texts(document: dict[str, Any]) -> dict[str, Any]:
    """Years and grades are texts that look like numbers."""
    if type(document.get("active_year")) is int:
        document["active_year"] = str(document["active_year"])
    exclude = document.get("exclude")
    if isinstance(exclude, dict):
        for key, values in exclude.items():
            if isinstance(values, list):
                exclude[key] = [str(value) if type(value) is int else value for value in values]
    return document


def _shape_problems(document: dict[str, Any]) -> Iterator[str]:
    for error in _validator().iter_errors(document):
        place = ".".join(str(part) for part in error.absolute_path)
        yield f"{place}: {_words(error)}" if place else _words(error)


@cache
def _validator() -> Any:
    """Of the shape of settings, worked out once in a process."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(msgspec.json.schema(Settings))


def _words(error: Any) -> str:
    """A validator's message without the value, which might be a secret in the wrong place."""
    if error.validator == "enum":
        return f"must be one of {', '.join(str(value) for value in error.validator_value)}"
    if error.validator == "type":
        return f"must be of type {error.validator_value}"
    if error.validator == "pattern":
        return f"must look like {error.validator_value}"
    if error.validator in ("required", "additionalProperties", "minimum", "maximum"):
        return str(error.message).replace("Additional properties are not allowed", "unknown setting")
    return "is not valid here"


def _mapping_problems(settings: Settings) -> Iterator[str]:
    for org, value in settings.schools.items():
        if not _SCHOOL.fullmatch(value):
            yield f"schools.{org}: must be create, skip, id:… or code:…"
    for org, sessions in settings.terms.items():
        for session, values in sessions.items():
            for value in [values] if isinstance(values, str) else values:
                if not _TERM.fullmatch(value):
                    yield f"terms.{org}.{session}: must be create, skip, id:… or title:…"
    try:
        time_zone(settings.organization.timezone)
    except ConfigError as error:
        yield f"organization.timezone: {error}"
    yield from schedule_problems(settings.schedule)
    yield from clock_problems(settings.grades.schedule, "grades.schedule")


def _notice_problems(settings: Settings, secrets: Mapping[str, FoundSecret], around: Surroundings) -> Iterator[str]:
    for side in SIDES:
        try:
            date.fromisoformat(getattr(settings, side).expires or "2000-01-01")
        except ValueError:
            yield f"{side}.expires: there is no such day"
    private = around.environment.get("ROLLBOOK_ALLOW_PRIVATE_HOSTS") == "1"
    for number, webhook in enumerate(settings.notices.webhooks):
        secret = secrets.get(webhook_place(number))
        if secret is None or len(secret.text) < _SHORTEST_SECRET:
            yield f"{webhook_place(number)}: must be a text of at least {_SHORTEST_SECRET} letters"
        try:
            check_url(webhook.url, allow_private_hosts=private)
        except ConfigError as error:
            yield f"notices.webhooks.{number}.url: {error}"


def _told(name: str, problems: list[str]) -> ConfigError:
    shown = "; ".join(problems[:_MOST_PROBLEMS])
    more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
    return ConfigError(f"{name}: {shown}{more}")
