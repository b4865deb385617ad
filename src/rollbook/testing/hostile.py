"""A hostile SIS: small, and wrong in every way that real ones were seen to be. With what must be found, and what not.

`rows()` are the records by collection, as a source of OneRoster 1.1 shape might send them (users carry role and orgs).
`FINDINGS` names what a check must find: (code, collection, sourcedId). `SOUND` are the ids that no blocking finding
touches. Tests of whole runs add: nothing crashes, nothing is removed, every sound record lands.
"""

from __future__ import annotations

from typing import Any, Final

Record = dict[str, Any]

HUGE: Final = "x" * 5000
SCRIPT: Final = "<script>alert('roster')</script>"
FORMULA: Final = '=HYPERLINK("http://evil.example","x")'


def rows() -> dict[str, list[Any]]:
    """Fresh records by collection; values are texts as in CSV unless they are wrong on purpose."""
    return {
        "orgs": _orgs(),
        "academicSessions": _sessions(),
        "courses": _courses(),
        "classes": _classes(),
        "users": _users(),
        "enrollments": _enrollments(),
    }


def _orgs() -> list[Any]:
    return [
        _org("o-district", "district", name="Hostile District"),
        _org("o-high", "school", name=f"High School {SCRIPT}", parentSourcedId="o-district"),
        _org("o-low", "SCHOOL", name="École 小学校 🏫", parentSourcedId="o-nowhere"),
        _org("o-club", "clubhouse", name="Club"),
        _org("o-nameless", "school", name=""),
        _org("o-twice", "school", name="Twice"),
        _org("o-twice", "school", name="Twice, again"),
        _org("o-gone", "school", name="Closed", status="tobedeleted"),
        _org("o odd id!", "school", name="Odd"),
    ]


def _sessions() -> list[Any]:
    return [
        _session("s-year", "schoolYear", "2026-08-24", "2027-06-12", schoolYear=2027),
        _session("s-fall", "semester", "2026-08-24", "2027-01-23", parentSourcedId="s-year", schoolYear="2027"),
        _session("s-us", "semester", "1/25/2027", "6/12/2027", parentSourcedId="s-year", schoolYear=2027),
        _session("s-swapped", "term", "2027-06-12", "2026-08-24", schoolYear=2027),
        _session("s-dateless", "term", "2027-02-30", None, schoolYear=2027),
        _session("s-orphan", "term", "2026-09-01", "2026-12-20", parentSourcedId="s-nowhere", schoolYear=2027),
        _session("s-loop-a", "term", "2026-09-01", "2026-12-20", parentSourcedId="s-loop-b"),
        _session("s-loop-b", "term", "2026-09-01", "2026-12-20", parentSourcedId="s-loop-a"),
        _session("s-odd", "fortnight", "2026-09-01", "2026-09-14", schoolYear=2027),
    ]


def _courses() -> list[Any]:
    return [
        _course("c-sound", title=FORMULA, courseCode="ALG,1", orgSourcedId="o-high", grades=["09", "10"]),
        _course("c-orgless", title="Art 🎨", orgSourcedId="o-nowhere"),
        _course("c-year", title="History", orgSourcedId="o-high", schoolYearSourcedId="s-fall"),
        _course("c-untitled", title=None, orgSourcedId="o-high"),
    ]


def _classes() -> list[Any]:
    return [
        _class("k-sound", title=SCRIPT + HUGE, termSourcedIds="s-fall, s-us"),
        _class("k-quiet", title='Class "in" quotes, and\na line break'),
        _class("k-course", courseSourcedId="c-nowhere"),
        _class("k-untitled-course", courseSourcedId="c-untitled"),
        _class("k-school", schoolSourcedId="o-nowhere"),
        _class("k-district", schoolSourcedId="o-district"),
        _class("k-termless", termSourcedIds=None),
        _class("k-swapped-term", termSourcedIds=["s-swapped"]),
        _class("k-half-termed", termSourcedIds=["s-fall", "s-nowhere"]),
        _class("k-twice"),
        _class("k-twice"),
    ]


def _users() -> list[Any]:
    return [
        _user("u-sound", role="student", givenName="李小龍", familyName="O'Neill-محمد 🎓", agentSourcedIds="u-parent"),
        _user("u-teacher", role="Teacher", givenName=SCRIPT, familyName=FORMULA, orgSourcedIds="o-high, o-low"),
        _user("u-parent", role="parent", givenName="e\u0301 \u202eReversed", familyName=HUGE),
        _user("u-space", username="anna smith"),
        _user("u-hard-space", username="anna\u00a0smith"),
        _user("u-same-1", username="Same.Name"),
        _user("u-same-2", username="same.name"),
        _user("u-mail-1", email="one@hostile.example"),
        _user("u-mail-2", email="ONE@hostile.example"),
        _user("u-no-login", username=None, email=""),
        _user("u-twice", givenName="First", username="twice-1"),
        _user("u-twice", givenName="Second", username="twice-2"),
        _user("u-nowhere", orgSourcedIds=["o-nowhere"]),
        _user("u-half-nowhere", orgSourcedIds=["o-high", "o-nowhere"]),
        _user("u-roleless", role=None),
        _user("u-wizard", role="wizard"),
        _user("u-agentless", agentSourcedIds=["u-nobody"]),
        _user("u-primary", primaryOrgSourcedId="o-low"),
        _user("u-nameless", givenName=None),
        _user("u-maybe", enabledUser="perhaps"),
        _user("u-types", givenName=17, familyName=True, identifier={"a": 1}, grades=[["09"], None, 10]),
        _user("u-gone", status="toBeDeleted", username="anna smith"),
        _user(None, username="without-id"),
        None,
        ["not", "a", "record"],
        "text",
    ]


def _enrollments() -> list[Any]:
    return [
        _enrollment("e-sound", "k-sound", "u-sound"),
        _enrollment("e-teacher", "k-sound", "u-teacher", role="TEACHER"),
        _enrollment("e-doubled", "k-sound", "u-sound"),
        _enrollment("e-class", "k-nowhere", "u-sound"),
        _enrollment("e-user", "k-sound", "u-nobody"),
        _enrollment("e-space", "k-sound", "u-space"),
        _enrollment("e-role", "k-sound", "u-sound", role="mascot"),
        _enrollment("e-swapped", "k-sound", "u-sound", beginDate="2027-01-10", endDate="2026-09-10"),
        _enrollment("e-outside", "k-sound", "u-half-nowhere", beginDate="2020-01-01", endDate="2030-01-01"),
        _enrollment("e-school", "k-sound", "u-half-nowhere", schoolSourcedId="o-low"),
        _enrollment("e-dates", "k-sound", "u-half-nowhere", beginDate="soon"),
    ]


#: What a check must find: (code, collection, sourcedId; None where several records without id are counted).
FINDINGS: Final = frozenset(
    {
        ("ORG_PARENT_MISSING", "orgs", "o-low"),
        ("ORG_TYPE_UNKNOWN", "orgs", "o-club"),
        ("REQUIRED_MISSING", "orgs", "o-nameless"),
        ("ID_DUPLICATE", "orgs", "o-twice"),
        ("ID_ODD", "orgs", "o odd id!"),
        ("SESSION_DATES_SWAPPED", "academicSessions", "s-swapped"),
        ("SESSION_DATES_MISSING", "academicSessions", "s-dateless"),
        ("VALUE_UNREADABLE", "academicSessions", "s-dateless"),
        ("SESSION_PARENT_MISSING", "academicSessions", "s-orphan"),
        ("SESSION_YEAR_GUESSED", "academicSessions", "s-loop-a"),
        ("SESSION_YEAR_GUESSED", "academicSessions", "s-loop-b"),
        ("SESSION_TYPE_UNKNOWN", "academicSessions", "s-odd"),
        ("COURSE_ORG_MISSING", "courses", "c-orgless"),
        ("COURSE_YEAR_WRONG_TYPE", "courses", "c-year"),
        ("REQUIRED_MISSING", "courses", "c-untitled"),
        ("CLASS_COURSE_MISSING", "classes", "k-course"),
        ("CLASS_SCHOOL_MISSING", "classes", "k-school"),
        ("CLASS_SCHOOL_NOT_SCHOOL", "classes", "k-district"),
        ("CLASS_NO_TERM", "classes", "k-termless"),
        ("CLASS_NO_TERM", "classes", "k-swapped-term"),
        ("CLASS_TERM_MISSING", "classes", "k-half-termed"),
        ("ID_DUPLICATE", "classes", "k-twice"),
        ("CLASS_NO_TEACHER", "classes", "k-quiet"),
        ("CLASS_NO_STUDENT", "classes", "k-quiet"),
        ("USER_USERNAME_SPACE", "users", "u-space"),
        ("USER_USERNAME_SPACE", "users", "u-hard-space"),
        ("USER_USERNAME_DUPLICATE", "users", "u-same-1"),
        ("USER_USERNAME_DUPLICATE", "users", "u-same-2"),
        ("USER_EMAIL_DUPLICATE", "users", "u-mail-1"),
        ("USER_EMAIL_DUPLICATE", "users", "u-mail-2"),
        ("USER_NO_LOGIN", "users", "u-no-login"),
        ("ID_DUPLICATE", "users", "u-twice"),
        ("USER_NO_ORG", "users", "u-nowhere"),
        ("USER_ORG_MISSING", "users", "u-half-nowhere"),
        ("USER_NO_ROLE", "users", "u-roleless"),
        ("USER_ROLE_UNKNOWN", "users", "u-wizard"),
        ("USER_AGENT_MISSING", "users", "u-agentless"),
        ("USER_PRIMARY_ORG_NO_ROLE", "users", "u-primary"),
        ("REQUIRED_MISSING", "users", "u-nameless"),
        ("VALUE_UNREADABLE", "users", "u-maybe"),
        ("ID_MISSING", "users", None),
        ("ENROLLMENT_CLASS_MISSING", "enrollments", "e-class"),
        ("ENROLLMENT_USER_MISSING", "enrollments", "e-user"),
        ("ENROLLMENT_ROLE_UNKNOWN", "enrollments", "e-role"),
        ("ENROLLMENT_DATES_SWAPPED", "enrollments", "e-swapped"),
        ("ENROLLMENT_OUTSIDE_TERM", "enrollments", "e-outside"),
        ("ENROLLMENT_SCHOOL_DIFFERS", "enrollments", "e-school"),
        ("VALUE_UNREADABLE", "enrollments", "e-dates"),
    }
)

#: Records that nothing holds back, by collection: a run must bring them into the LMS where they are mapped.
SOUND: Final = {
    "orgs": ("o-district", "o-high", "o-low"),
    "academicSessions": ("s-year", "s-fall", "s-us"),
    "courses": ("c-sound",),
    "classes": ("k-sound", "k-quiet"),
    "users": ("u-sound", "u-teacher", "u-parent"),
    "enrollments": ("e-sound", "e-teacher"),
}


def _org(key: str, kind: str, **more: Any) -> Record:
    return {"sourcedId": key, "status": None, "type": kind} | more


def _session(key: str, kind: str, start: Any, end: Any, **more: Any) -> Record:
    return {"sourcedId": key, "title": f"Session {key}", "type": kind, "startDate": start, "endDate": end} | more


def _course(key: str, **more: Any) -> Record:
    return {"sourcedId": key, "courseCode": key.upper()} | more


def _class(key: str, **more: Any) -> Record:
    known = {"title": f"Class {key}", "courseSourcedId": "c-sound", "schoolSourcedId": "o-high"}
    return {"sourcedId": key, "classType": "Scheduled", "termSourcedIds": ["s-fall"]} | known | more


def _user(key: str | None, **more: Any) -> Record:
    known = {"enabledUser": "TRUE", "orgSourcedIds": ["o-high"], "role": "student", "username": f"{key}-name"}
    return {"sourcedId": key, "givenName": "Given", "familyName": "Family"} | known | more


def _enrollment(key: str, section: str, person: str, **more: Any) -> Record:
    known = {"classSourcedId": section, "schoolSourcedId": "o-high", "userSourcedId": person, "role": "student"}
    return {"sourcedId": key} | known | more
