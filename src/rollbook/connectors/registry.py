"""The list of connectors: one line each. The modules load when they are first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from rollbook.connectors.base import Connector
from rollbook.errors import ConfigError

CONNECTORS: Final = {
    "memory": "rollbook.connectors.memory:CONNECTOR",
    "moodle": "rollbook.connectors.moodle:CONNECTOR",
    "oneroster_csv": "rollbook.connectors.oneroster_csv:CONNECTOR",
    "oneroster_rest": "rollbook.connectors.oneroster_rest:CONNECTOR",
    "schoology": "rollbook.connectors.schoology:CONNECTOR",
}


def connector(name: str) -> Connector:
    """Find a connector by name. Raises ConfigError for an unknown one."""
    try:
        module, _, attribute = CONNECTORS[name].partition(":")
    except KeyError:
        raise ConfigError(f"there is no connector {name!r}; there are {', '.join(sorted(CONNECTORS))}") from None
    found = getattr(import_module(module), attribute)
    assert isinstance(found, Connector)
    return found
