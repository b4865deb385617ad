"""What is set per connection, and what follows from it together with the partner's row. Makes no call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from msgspec import Meta, field

from rollbook.connectors.kit import Options, SignatureMethod, TokenStyle, option
from rollbook.connectors.oneroster_rest.partners import PARTNERS, Partner
from rollbook.connectors.oneroster_rest.tables import READ, STAND_INS, VERSIONS, Version
from rollbook.errors import ConfigError

PartnerName = Literal[
    "generic-1.1", "generic-1.2", "infinite-campus", "powerschool", "skyward", "aeries", "synergy",
    "eschoolplus", "focus", "genesis", "blackbaud", "classlink", "schooltool",
]  # fmt: skip
_Pages = Annotated[int, Meta(ge=0, le=100_000)]
_Few = Annotated[int, Meta(ge=0, le=16)]


class OneRosterOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach a OneRoster REST provider. Empty, 0 and `auto` mean: as the partner's row says."""

    partner: Annotated[PartnerName, option("SIS", "The kind of SIS; generic fits every provider.")] = "generic-1.1"
    base_url: Annotated[
        str, option("Address", "Address of the OneRoster service, up to v1p1 or v1p2; or only https://host.")
    ]
    version: Annotated[
        Literal["auto", "1.1", "1.2"], option("Version", "auto: as the address says, else as the partner's row says.")
    ] = "auto"
    auth: Annotated[
        Literal["oauth2", "oauth1"],
        option("Sign-in", "oauth2: client credentials. oauth1: signed calls, OneRoster 1.1 only."),
    ] = "oauth2"
    token_url: Annotated[str, option("Token address", "Where OAuth 2 tokens are given; the SIS shows it.")] = ""
    key: Annotated[str, Meta(min_length=1), option("Key", "Consumer key or client id.")]
    secret: Annotated[str, Meta(min_length=1), option("Secret", "Consumer or client secret.", secret=True)]
    signature_method: Annotated[
        Literal["auto", "HMAC-SHA256", "HMAC-SHA1", "PLAINTEXT"],
        option("Signature", "OAuth 1 signature; auto tries HMAC-SHA256, then HMAC-SHA1."),
    ] = "auto"
    token_style: Annotated[
        Literal["auto", "basic", "body", "query"],
        option("Token request", "How key and secret are sent to the token address."),
    ] = "auto"
    scopes: Annotated[str, option("Scopes", "Scopes to ask for, separated by spaces; a single - asks for none.")] = ""
    page_size: Annotated[_Pages, option("Page size", "Records per page.")] = 0
    parallel: Annotated[_Few, option("Parallel", "Pages fetched at the same time.")] = 0
    requests_per_minute: Annotated[_Pages, option("Calls a minute", "0: as many as the SIS takes.")] = 0
    select_fields: Annotated[
        Literal["auto", "yes", "no"], option("Fields", "Ask only for the fields Rollbook uses.")
    ] = "auto"
    endpoints: Annotated[
        dict[str, str], option("Other lists", "Another list to read instead, such as academicSessions: terms.")
    ] = field(default_factory=dict)
    gradebook_url: Annotated[
        str, option("Gradebook address", "Of the OneRoster gradebook service, where it is not beside the rosters.")
    ] = ""
    title_limit: Annotated[
        _Pages, option("Title limit", "The most letters of a line item's title that the SIS takes.")
    ] = 0
    new_categories: Annotated[bool, option("New categories", "The SIS takes new categories, by PUT.")] = False
    empty_scores: Annotated[
        Literal["omit", "zero"],
        option(
            "Empty scores",
            "What a SIS of 1.1 is sent beside exempt, submitted and not submitted: no score, or 0 where it refuses "
            "results without one, as 1.1's document demands a score.",
        ),
    ] = "omit"
    removals: Annotated[
        Literal["auto", "delete", "tobedeleted", "not submitted"],
        option(
            "Removals",
            "How line items and results are taken back: by DELETE, or marked as tobedeleted; results as not submitted.",
        ),
    ] = "auto"
    headers: Annotated[
        dict[str, str],
        option("Extra headers", "Sent with every call; {key} and {secret} are filled in.", secret=True),
    ] = field(default_factory=dict)
    timeout: Annotated[
        float, Meta(gt=0, le=600), option("Time-out", "Seconds of silence until a call is given up.")
    ] = 60.0


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Options and partner row, worked out: nothing is `auto` any more."""

    options: OneRosterOptions
    partner: Partner
    version: Version
    base_url: str
    token_url: str
    token_style: TokenStyle
    signature_methods: tuple[SignatureMethod, ...]
    scope: str
    page_size: int
    parallel: int
    fields: bool
    headers: dict[str, str]


def work_out(options: OneRosterOptions) -> Setup:
    """Raises ConfigError for what cannot fit together."""
    partner = PARTNERS[options.partner]
    version = _version(options, partner)
    if options.auth == "oauth1" and not version.oauth1:
        raise ConfigError(f"OneRoster {version.name} has no OAuth 1; set auth to oauth2")
    base_url = _base_url(options.base_url, partner, version)
    return Setup(
        options=options,
        partner=partner,
        version=version,
        base_url=base_url,
        token_url=_token_url(options, partner, base_url) if options.auth == "oauth2" else "",
        token_style=partner.token_style if options.token_style == "auto" else options.token_style,
        signature_methods=_methods(options),
        scope=_scope(options, version),
        page_size=min(options.page_size or partner.page_size, partner.page_cap or 100_000),
        parallel=options.parallel or partner.parallel,
        fields=partner.fields if options.select_fields == "auto" else options.select_fields == "yes",
        headers=_headers(options, partner),
    )


def path(setup: Setup, collection: str) -> str:
    """Where a collection is read. Raises ConfigError for a list that does not answer with that collection."""
    chosen = setup.options.endpoints.get(collection, collection).strip("/")
    if chosen != collection and chosen not in STAND_INS.get(collection, ()):
        raise ConfigError(f"{collection} cannot be read from another list of that name; see the documentation")
    return chosen


def _version(options: OneRosterOptions, partner: Partner) -> Version:
    unknown = set(options.endpoints) - set(READ)
    if unknown:
        raise ConfigError(f"endpoints: there is no collection {sorted(unknown)[0]!r}; there are {', '.join(READ)}")
    if options.version != "auto":
        return VERSIONS[options.version]
    for version in VERSIONS.values():
        if version.mark in options.base_url:
            return version
    return VERSIONS[partner.version]


def _base_url(given: str, partner: Partner, version: Version) -> str:
    """The address as given when it has a path; else with the partner's path, in the version that was asked
    for."""
    parts = urlsplit(given.strip())
    below = parts.path.rstrip("/")
    if not below:
        below = partner.base_path if version.mark in partner.base_path else version.path
    return urlunsplit((parts.scheme, parts.netloc, below, "", ""))


def _token_url(options: OneRosterOptions, partner: Partner, base_url: str) -> str:
    if options.token_url:
        return options.token_url.strip()
    pattern = partner.token_path
    if not pattern or "{app}" in pattern:
        raise ConfigError(f"token_url is missing; {partner.title} shows it with key and secret")
    if "://" in pattern:
        return pattern
    parts = urlsplit(base_url)
    return pattern.replace("{base}", base_url) if "{base}" in pattern else f"{parts.scheme}://{parts.netloc}{pattern}"


def _methods(options: OneRosterOptions) -> tuple[SignatureMethod, ...]:
    return ("HMAC-SHA256", "HMAC-SHA1") if options.signature_method == "auto" else (options.signature_method,)


def _scope(options: OneRosterOptions, version: Version) -> str:
    asked = options.scopes.strip()
    if asked == "-":
        return ""
    return asked or version.scope_prefix + version.scope


def _headers(options: OneRosterOptions, partner: Partner) -> dict[str, str]:
    found: dict[str, Any] = {**partner.headers, **options.headers}
    return {
        name: value.replace("{key}", options.key).replace("{secret}", options.secret) for name, value in found.items()
    }
