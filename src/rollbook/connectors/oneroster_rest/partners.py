"""The partner table: how known SISs differ in addresses, credentials and paging. Data only; each row's facts
are what vendors and implementers wrote, listed with their sources in README.md, and every value can be set by
an option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from rollbook.connectors.kit import TokenStyle


@dataclass(frozen=True, kw_only=True)
class Grades:
    """What a kind of SIS refuses in its gradebook, as far as vendors and implementers say (README.md names them).

    `title`: the most letters of a line item's title; `unique_titles`: within a class. `above_maximum`: it takes scores
    above the maximum. `removal`: by DELETE, or where it takes none by a PUT that says so. `headers` go with calls of
    the grade sink only, and may hold `{key}` and `{secret}`.
    """

    title: int | None = None
    unique_titles: bool = False
    above_maximum: bool = True
    removal: Literal["delete", "tobedeleted", "not submitted"] = "delete"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Partner:
    """One kind of SIS.

    `base_path` and `token_path` follow the host when the address in the settings is only a host; a token path
    may begin with `{base}`, or be a whole URL. `page_size` is asked for, `page_cap` the most it gives.
    `fields`: ask only for the fields we use. `headers` may hold `{key}` and `{secret}`. `end_dates`: how it
    means the end of an enrollment (rule 19; the specification says exclusive, practice says inclusive).
    """

    name: str
    title: str
    version: str = "1.1"
    base_path: str = "/ims/oneroster/v1p1"
    token_path: str = ""
    auth: tuple[Literal["oauth2", "oauth1"], ...] = ("oauth2", "oauth1")
    token_style: TokenStyle = "basic"
    page_size: int = 1000
    page_cap: int | None = None
    parallel: int = 4
    sort: bool = True
    fields: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    end_dates: Literal["inclusive", "exclusive"] = "inclusive"
    grades: Grades = field(default_factory=Grades)
    quirks: tuple[str, ...] = ()


_ROWS = (
    Partner(name="generic-1.1", title="Any OneRoster 1.1 provider"),
    Partner(
        name="generic-1.2",
        title="Any OneRoster 1.2 provider",
        version="1.2",
        base_path="/ims/oneroster/rostering/v1p2",
        auth=("oauth2",),
    ),
    Partner(
        name="infinite-campus",
        title="Infinite Campus",
        version="1.2",
        base_path="/campus/api/ims/oneroster/rostering/v1p2",
        token_path="/campus/oauth2/token?appName={app}",
        auth=("oauth2",),
        page_size=10_000,
        page_cap=10_000,
        parallel=1,
        grades=Grades(title=50, unique_titles=True, headers={"x-vendor-authorization": "{key}:{secret}"}),
        quirks=(
            "At most five parallel calls at night, one at a time by day; a weekly full read is asked for.",
            "Only the active year and enabled accounts; people who leave simply disappear.",
            "From 1.1 to 1.2 the ids of people change.",
            "The token URL ends in ?appName=<app>; set token_url.",
            "Grades: a title has at most 50 letters (30 in some districts: title_limit) and is there once in a class; "
            "the due date lies in an open term; categories are mapped only from 1.2 on.",
        ),
    ),
    Partner(
        name="powerschool",
        title="PowerSchool SIS",
        page_size=1000,
        page_cap=1000,
        quirks=("Keys come from a plugin.", "Unified Classroom takes key and secret in the body: token_style body."),
    ),
    Partner(
        name="skyward",
        title="Skyward",
        quirks=(
            "Addresses are the district's own: set base_url and token_url as shown in Skyward.",
            "Grades: a graded item's factor has to be 1.",
        ),
    ),
    Partner(
        name="aeries",
        title="Aeries",
        base_path="/aeries/ims/oneroster/v1p1",
        token_path="{base}/token",
        auth=("oauth2",),
        fields=True,
        quirks=(
            "Scopes have to be asked for; tokens live six hours.",
            "Full reads only outside school hours.",
            "Unknown values are null; no lists below a school.",
            "Grades: no DELETE, so what goes is marked as tobedeleted; none for elementary schools without a master "
            "schedule.",
        ),
        grades=Grades(removal="tobedeleted"),
    ),
    Partner(
        name="synergy",
        title="Edupoint Synergy",
        token_style="body",
        quirks=("The token endpoint has an address of its own: set token_url.",),
    ),
    Partner(
        name="eschoolplus",
        title="eSchoolPlus",
        quirks=("The API profile shows addresses and keys; 1.2 only from release 21.4.",),
    ),
    Partner(name="focus", title="Focus", quirks=("Only what the third-party record marks is sent.",)),
    Partner(
        name="genesis",
        title="Genesis",
        base_path="/genesis/ims/oneroster/v1p1",
        token_path="/genesis/token",
        auth=("oauth2",),
    ),
    Partner(
        name="blackbaud",
        title="Blackbaud",
        base_path="/afe-rostr/ims/oneroster/v1p1",
        token_path="https://oauth2.sky.blackbaud.com/token",
        auth=("oauth2",),
        grades=Grades(above_maximum=False),
        quirks=(
            "Grades: no scores above the maximum; items with a letter scale refuse numbers; one error for many causes "
            "(dates outside the grading period, a student who is not enrolled, a score that a teacher typed).",
        ),
    ),
    Partner(
        name="classlink",
        title="ClassLink Roster Server",
        page_size=1000,
        parallel=2,
        quirks=(
            "OAuth 1 with HMAC-SHA256 to the district's server, a bearer token through the proxy.",
            "Limits are not published: 429 comes when it comes.",
            "x-count beside x-total-count; some lists without any count.",
        ),
    ),
    Partner(
        name="schooltool",
        title="SchoolTool",
        base_path="/STAPIService/ims/oneroster/v1p1",
        token_path="{base}/token",
        auth=("oauth2",),
    ),
)

#: By name.
PARTNERS: Final[Mapping[str, Partner]] = MappingProxyType({row.name: row for row in _ROWS})
