"""What a signed assertion says, if it is for us, now. Asks nobody; whether it was used before is for `store`.

Facts: SAML 2.0 core 2.3-2.7 and profiles 4.1.4 (bearer, unsolicited); attributes of Schoology's SDK, spec 1.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from rollbook.web.launches.saml import names
from rollbook.web.launches.saml.profile import Profile
from rollbook.web.launches.saml.refusal import NotAccepted, Why
from rollbook.web.launches.saml.signed_xml import Element, Signed

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
#: What is read of a person; an LMS may send more, which does not matter.
_READ: Final = frozenset({"uid", "name_display", "school_nid", "domain"})
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the registration says: our launch address, the audiences that mean us, the ids and domains of the school."""

    address: str
    audiences: frozenset[str]
    schools: frozenset[str]
    domains: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Who launches. `user` is the LMS's id of the person, `school` its `school_nid`, `expires` when the assertion holds
    no more. Personal."""

    id: str = field(repr=False)
    expires: datetime
    user: str = field(repr=False)
    name: str = field(repr=False)
    school: str
    domain: str


def read_launch(signed: Signed, expected: Expected, profile: Profile, now: datetime) -> Launch:
    """Whose launch it is, made for us and for now; whether of our school is for `check_school`. Raises NotAccepted:
    EXPIRED, EARLY, ELSEWHERE, UNREADABLE."""
    assertion = signed.assertion
    _response(signed.response, expected, profile)
    if assertion.get("Version") != "2.0" or _text(_one(assertion, names.ISSUER)) != profile.issuer:
        raise NotAccepted(Why.ELSEWHERE, "the issuer or version of the assertion")
    issued = _fresh(assertion, profile, now)
    conditions = _one(assertion, names.CONDITIONS)
    expires = _within(conditions, profile, now)
    if expires is None:
        raise NotAccepted(Why.UNREADABLE, "it never expires")
    named = _audience(conditions, expected)
    addressed, confirmed = _confirmed(assertion, expected, profile, now)
    if not (named or addressed):  # the App Center signs launches of every app with the same key
        raise NotAccepted(Why.ELSEWHERE, "it names neither audience nor recipient")
    said = dict(_attributes(assertion))
    user = said.get("uid", "")
    if not _NUMBER.fullmatch(user):
        raise NotAccepted(Why.UNREADABLE, "no uid")
    return Launch(
        id=assertion.get("ID"),
        expires=min(expires, confirmed or expires, issued + profile.longest) + profile.leeway,
        user=user,
        name=said.get("name_display", ""),
        school=said.get("school_nid", ""),
        domain=said.get("domain", "").casefold(),
    )


def check_school(launch: Launch, expected: Expected) -> None:
    """Raises NotAccepted, STRANGE_SCHOOL. Ask when the launch is used up: then nobody can repeat the refusal."""
    if launch.school not in expected.schools or launch.domain not in expected.domains:
        raise NotAccepted(Why.STRANGE_SCHOOL, "school_nid or domain")


def _response(response: Element, expected: Expected, profile: Profile) -> None:
    """The document around the assertion may be unsigned: it can only give reason to refuse."""
    codes = [one.get("Value") for one in response.findall(f"{names.STATUS}/{names.STATUS_CODE}")]
    if codes != [names.SUCCESS]:
        raise NotAccepted(Why.UNREADABLE, "its status is not success")
    if any(_text(one) != profile.issuer for one in response.findall(names.ISSUER)):
        raise NotAccepted(Why.ELSEWHERE, "the issuer of the response")
    _ours(response.get("Destination"), expected, "the destination")
    if response.get("InResponseTo") is not None:
        raise NotAccepted(Why.ELSEWHERE, "it answers a question that nobody asked")


def _fresh(assertion: Element, profile: Profile, now: datetime) -> datetime:
    """When it was issued: lately."""
    issued = _moment(assertion.get("IssueInstant"))
    if issued is None:
        raise NotAccepted(Why.UNREADABLE, "no time of issue")
    if issued > now + profile.leeway:
        raise NotAccepted(Why.EARLY, "the time of issue")
    if issued < now - profile.longest:
        raise NotAccepted(Why.EXPIRED, "the time of issue")
    return issued


def _within(element: Element, profile: Profile, now: datetime) -> datetime | None:
    """Is it valid now? Until when it is; None where it does not say."""
    begins, ends = _moment(element.get("NotBefore")), _moment(element.get("NotOnOrAfter"))
    if begins is not None and now + profile.leeway < begins:
        raise NotAccepted(Why.EARLY, "NotBefore")
    if ends is not None and now - profile.leeway >= ends:
        raise NotAccepted(Why.EXPIRED, "NotOnOrAfter")
    return ends


def _audience(conditions: Element, expected: Expected) -> bool:
    """Does it name an audience? Each restriction must name us."""
    named = False
    for one in conditions:
        if one.tag == names.AUDIENCES:
            if not expected.audiences & {_text(each) for each in one.findall(names.AUDIENCE)}:
                raise NotAccepted(Why.ELSEWHERE, "the audience")
            named = True
        elif one.tag not in names.HARMLESS:
            raise NotAccepted(Why.UNREADABLE, "an unknown condition")
    return named


def _confirmed(assertion: Element, expected: Expected, profile: Profile, now: datetime) -> tuple[bool, datetime | None]:
    """Whoever brings it may use it (bearer): does it name our address, and until when."""
    confirmation = _one(_one(assertion, names.SUBJECT), names.CONFIRMATION)
    if confirmation.get("Method") != names.BEARER:
        raise NotAccepted(Why.UNREADABLE, "it is no bearer's")
    data = confirmation.findall(names.CONFIRMATION_DATA)
    if not data:
        return False, None
    one = _only(data)
    addressed = _ours(one.get("Recipient"), expected, "the recipient")
    if one.get("InResponseTo") is not None:
        raise NotAccepted(Why.ELSEWHERE, "it answers a question that nobody asked")
    return addressed, _within(one, profile, now)


def _ours(address: str | None, expected: Expected, what: str) -> bool:
    """Does it name an address? Then it is that of our launches; what is asked there does not matter."""
    if address is None:
        return False
    try:
        there = urlsplit(address)._replace(query="", fragment="").geturl()
    except ValueError:
        there = ""
    if there != expected.address:
        raise NotAccepted(Why.ELSEWHERE, what)
    return True


def _attributes(assertion: Element) -> Iterator[tuple[str, str]]:
    """Name and value of each attribute of `_READ`; one that comes twice, or with two values, is refused."""
    seen: set[str] = set()
    for attribute in _one(assertion, names.STATEMENT).findall(names.ATTRIBUTE):
        name = attribute.get("Name", "")
        if name not in _READ:
            continue
        if name in seen:
            raise NotAccepted(Why.UNREADABLE, "an attribute that comes twice")
        seen.add(name)
        yield name, _text(_one(attribute, names.VALUE))


def _one(element: Element, tag: str) -> Element:
    return _only(element.findall(tag))


def _only(found: list[Element]) -> Element:
    if len(found) != 1:
        raise NotAccepted(Why.UNREADABLE, "something is missing or doubled")
    return found[0]


def _text(element: Element) -> str:
    if len(element):
        raise NotAccepted(Why.UNREADABLE, "a text with elements in it")
    return (element.text or "").strip()


def _moment(text: str | None) -> datetime | None:
    """Raises NotAccepted for what is no moment with its zone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else _no_moment()
    except ValueError:
        return _no_moment()


def _no_moment() -> datetime:
    raise NotAccepted(Why.UNREADABLE, "a time that is none")
