"""What follows from options and partner row for the gradebook. Makes no call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from rollbook.connectors.kit import same_origin
from rollbook.connectors.oneroster_rest.options import OneRosterOptions, Setup, work_out
from rollbook.connectors.oneroster_rest.tables import GRADE_SCOPES
from rollbook.errors import ConfigError
from rollbook.roster.grades import SinkLimits

#: Lists of the gradebook service; all others are the roster service's (1.2 has an address for each).
_GRADEBOOK: Final = frozenset({"categories", "lineItems", "results"})


@dataclass(frozen=True, kw_only=True)
class GradeSetup:
    """`setup` as for rosters, but with the scopes and headers of the gradebook; `base_url` is the gradebook's."""

    setup: Setup
    base_url: str
    limits: SinkLimits
    removal: Literal["delete", "tobedeleted", "not submitted"]

    def address(self, plural: str, own: str, *more: str) -> str:
        """Where one object is, or what `more` names below it: an id may hold a slash."""
        below = "/".join(quote(part, safe="") for part in (plural, own, *more))
        service = self.base_url if (more or (plural,))[-1] in _GRADEBOOK else self.setup.base_url
        return f"{service}/{below}"


def work_out_grades(options: OneRosterOptions) -> GradeSetup:
    """Raises ConfigError for what cannot fit together."""
    setup = work_out(options)
    partner, version = setup.partner.grades, setup.version
    base_url = options.gradebook_url.strip().rstrip("/") or _beside(setup.base_url)
    if not same_origin(setup.base_url, base_url):
        raise ConfigError("gradebook_url has to be on the same host as base_url")
    headers = {
        name: value.replace("{key}", options.key).replace("{secret}", options.secret)
        for name, value in partner.headers.items()
    }
    removal = partner.removal if options.removals == "auto" else options.removals
    limits = SinkLimits(
        title=options.title_limit or partner.title,
        unique_titles=partner.unique_titles,
        letters=version.letters,
        flags=version.letters,
        deletes=removal == "delete",
        above_maximum=partner.above_maximum,
        makes_categories=options.new_categories,
    )
    return GradeSetup(
        setup=replace(setup, scope=_scope(setup), headers={**headers, **setup.headers}),
        base_url=base_url,
        limits=limits,
        removal=removal,
    )


def _beside(base_url: str) -> str:
    """1.1 has one address for all services, 1.2 one for each (1.1; R12, G12 `servers`)."""
    parts = urlsplit(base_url)
    head, found, rest = parts.path.rpartition("/rostering/")
    return urlunsplit((parts.scheme, parts.netloc, f"{head}/gradebook/{rest}", "", "")) if found else base_url


def _scope(setup: Setup) -> str:
    """Scopes of one's own are asked for as well; who asks for none asks for none here either."""
    own = setup.options.scopes.split()
    if own == ["-"]:
        return ""
    return " ".join(dict.fromkeys([*own, *(setup.version.scope_prefix + name for name in GRADE_SCOPES)]))
