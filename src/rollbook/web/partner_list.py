"""The SISs to choose from, and what is known about each before anything is typed. Data of the connectors, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from rollbook.connectors.oneroster_rest.partners import PARTNERS
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.roster.settings import Connection

REST: Final = "oneroster_rest"
CSV: Final = "oneroster_csv"
#: The choice that is no partner of the REST connector.
CSV_CHOICE: Final = "csv"


@dataclass(frozen=True, kw_only=True)
class Sis:
    """One SIS that can be selected; `choice` is what the form says."""

    choice: str
    title: str
    how: str
    connector: str
    partner: str | None
    quirks: tuple[str, ...] = ()


def every_sis() -> list[Sis]:
    """By title; what fits everybody comes last."""
    named = sorted((row for row in PARTNERS.values() if not row.name.startswith("generic")), key=lambda row: row.title)
    general = [row for row in PARTNERS.values() if row.name.startswith("generic")]
    found = [
        Sis(
            choice=row.name,
            title=_(row.title),
            how=f"OneRoster {row.version}",
            connector=REST,
            partner=row.name,
            quirks=tuple(_(one) for one in row.quirks),
        )
        for row in [*named, *general]
    ]
    files = Sis(choice=CSV_CHOICE, title=_("OneRoster CSV files"), how=_("Files"), connector=CSV, partner=None)
    return [*found, files]


def find_sis(choice: str) -> Sis | None:
    return next((one for one in every_sis() if one.choice == choice), None)


def sis_title(connection: Connection) -> str:
    """The chosen SIS for people."""
    for one in every_sis():
        if one.connector == connection.connector and one.partner == (connection.partner or _own_partner(connection)):
            return one.title
    return connector(connection.connector).title if connection.connector in CONNECTORS else connection.connector


def fixed_options(connection: Connection) -> frozenset[str]:
    """Options that the choice of the SIS answers: the partner, and the sign-in where there is only one."""
    row = PARTNERS.get(connection.partner or "")
    if connection.connector != REST or row is None:
        return frozenset({"partner"})
    one_way = len(row.auth) == 1 and connection.options.get("auth", row.auth[0]) == row.auth[0]
    return frozenset({"partner", "auth"} if one_way else {"partner"})


def asked_first(connection: Connection) -> frozenset[str]:
    """Options that are not needed by their declaration, but that this partner cannot do without, or leaves open."""
    row = PARTNERS.get(connection.partner or "generic-1.1")
    if connection.connector != REST or row is None:
        return frozenset()
    token = not row.token_path or "{app}" in row.token_path
    return frozenset({"auth", "token_url"} if token else {"auth"})


def example(connection: Connection, name: str) -> str:
    """What the address of this SIS looks like; empty where nothing is known."""
    row = PARTNERS.get(connection.partner or "generic-1.1")
    if connection.connector != REST or row is None or name not in ("base_url", "token_url"):
        return ""
    if name == "base_url":
        return f"https://sis.example{row.base_path}"
    return "https://sis.example/token" if not row.token_path else ""


def _own_partner(connection: Connection) -> str | None:
    """Settings files may name the partner among the options, or not at all."""
    if connection.connector != REST:
        return None
    return str(connection.options.get("partner", "generic-1.1"))
