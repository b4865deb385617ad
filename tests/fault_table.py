"""What is expected of every named fault of the practice systems: how it is shown, how a run that meets it ends.

`EXPECTED` knows each fault of both sides by name; a fault without a row fails `test_every_fault.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

#: "same": the run ends done, in the fault-free state. "held", "failed": it ends so, and says why in `words`.
#: "refused": done, with records that the LMS refused.
End = Literal["same", "held", "failed", "refused"]


@dataclass(frozen=True)
class Case:
    """One fault as it is switched on. `error` and `words` are what a person reads; `options` are those of the SIS's
    connector; `version` is what the SIS speaks; `also` marks further doses, which only the bench gives."""

    fault: str
    end: End = "same"
    error: str = ""
    words: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    version: str = "1.1"
    also: bool = False

    @property
    def name(self) -> str:
        return self.fault.partition(":")[0]


def _failed(fault: str, error: str, words: str, **more: Any) -> Case:
    return Case(fault, "failed", error, words, **more)


def _held(fault: str, words: str, **more: Any) -> Case:
    return Case(fault, "held", "", words, **more)


#: Faults of the SIS that a run lives through: it ends done, as if nothing had been.
SIS_SURVIVED = [
    Case("slow:seconds=0.02"),
    Case("throttle:times=2,after=4"),
    Case("throttle:retry_after=0,every=2", also=True),
    Case("server_error:times=3"),
    Case("server_error:times=3,after=5,status=503", also=True),
    Case("expire_token:uses=3"),
    Case("drop_answer:times=3"),
    Case("drop_answer:every=2", also=True),
    Case("half_page:times=3"),
    Case("drift:path=/users"),
    Case("drift_insert:path=/users"),
    Case("token_down:times=3"),
    Case("token_basic_only"),
    Case("token_body_only", options={"token_style": "body"}),
    Case("token_query_only", options={"token_style": "query"}),
    Case("short_token:seconds=0.2"),
    Case("scope_required"),
    Case("scope_core_only"),
    Case("extra_header", options={"headers": {"x-vendor-authorization": "{key}:{secret}"}}),
    Case("sha1_only", options={"auth": "oauth1"}),
    Case("sha256_only", options={"auth": "oauth1"}),
    Case("flat_errors", version="1.2"),
    Case("flat_role"),
    Case("page_cap:size=30"),
]
#: Ways of a vendor, with their default parameters.
SIS_WAYS = (
    "no_total", "x_count", "no_link", "link_loses_filter", "link_other_origin", "last_smaller_limit", "short_pages",
    "sort_refused", "sort_ignored", "filter_ignored", "fields_ignored", "no_school_lists", "loose_class_lists",
    "teachers_in_students", "no_demographics", "nulls", "grades_text", "bool_upper", "bool_text", "bool_json",
    "enum_case", "date_for_datetime", "datetime_for_date", "status_inactive", "silent_removal", "tilde_hrefs",
    "numbers_text", "periods_list", "title_limit", "unique_titles", "session_dates", "window_closed", "score_range",
    "score_demanded", "own_item_id", "no_delete",
)  # fmt: skip
SIS_SURVIVED += [Case(name) for name in SIS_WAYS]

#: Faults of the SIS that end a run or hold it.
SIS_STOPPED = [
    _failed("server_error", "Unavailable", "the SIS (127.0.0.1) answered 500: it has trouble of its own"),
    _failed("drop_answer", "Unavailable", "the SIS"),
    _failed("half_page", "Unavailable", "the SIS"),
    _failed("throttle:retry_after=500,after=3", "Throttled", "wait 500 seconds"),
    _failed("token_down", "Unavailable", "the token address of the SIS"),
    _failed("token_body_only", "AuthFailed", "refused key or secret"),
    _failed("token_query_only", "AuthFailed", "refused key or secret"),
    _failed("token_basic_only", "AuthFailed", "refused key or secret", options={"token_style": "body"}, also=True),
    _failed("scope_required", "ConfigError", "scopes", options={"scopes": "-"}, also=True),
    _failed("scope_refused", "ConfigError", "change the scopes"),
    _failed("extra_header", "AuthFailed", "renew key and secret"),
    _failed("unauthorized:after=3", "AuthFailed", "renew key and secret", also=True),
    _failed("unauthorized:path=/enrollments,after=2", "AuthFailed", "renew key and secret"),
    _failed("forbidden:after=3", "AuthFailed", "grant them access", also=True),
    _failed("forbidden:path=/enrollments,after=2", "AuthFailed", "grant them access"),
    _failed("html", "BadResponse", "web page"),
    _failed("not_json", "BadResponse", "not JSON"),
    _failed("truncate", "BadResponse", "not JSON"),
    _failed("no_envelope", "BadResponse", "without 'orgs'"),
    _held("server_error:path=/users,after=1", "users: the SIS (127.0.0.1) answered 500"),
    _held("html:path=/users,after=1", "users: the SIS (127.0.0.1) answered with a web page"),
    _held("not_json:path=/enrollments,after=1", "enrollments: the SIS (127.0.0.1) answered with something", also=True),
    _held(
        "truncate:path=/users,after=1", "users: the SIS (127.0.0.1) answered with something that is not JSON", also=True
    ),
    _held("no_envelope:path=/enrollments,after=1", "which should hold the records", also=True),
    _held("repeat_page:path=/users", "users: the SIS says there are"),
    _held("skip_rows:path=/users", "users: the SIS says there are"),
    _held("empty_page:path=/enrollments", "enrollments: the SIS says there are"),
    _held("wrong_total", "orgs: the SIS says there are"),
    _held("school_hidden", "1 of the synced schools is not shown any more"),
    _held("empty", "of the synced schools are not shown any more"),
    _held("empty:path=/orgs", "of the synced schools are not shown any more"),
    _held("empty:path=/enrollments", "the SIS shows 0 enrollments where"),
    _held("empty:path=/academicSessions", "the SIS shows 0 academicSessions where", also=True),
    _held("empty:path=/users", "the SIS shows 0 users where"),
    _held("shrunk", "of the synced schools are not shown any more"),
    _held("shrunk:path=/enrollments", "the SIS shows", also=True),
    _held("shrunk:path=/classes", "classes where"),
    _held("shrunk:path=/courses", "courses where"),
    _held("missing_fields", "columns create user"),
]
_WRITES = "method=POST"
_MUTE = "Schoology gave no answer to"
LMS_SURVIVED = [
    Case("slow:seconds=0.02"),
    Case("throttle:times=2,after=3"),
    Case(f"throttle:retry_after=0,every=2,{_WRITES}", also=True),
    Case("server_error:times=3", also=True),
    Case(f"server_error:times=3,{_WRITES}"),
    Case("unavailable:times=3,after=2"),
    Case("expire_token:times=1,after=6"),
    Case("unauthorized:times=1,after=3"),
    Case("drop_answer:every=3"),
    Case(f"drop_answer:times=3,{_WRITES}", also=True),
    Case(f"cut:times=3,{_WRITES}"),
    Case(f"truncate:times=3,{_WRITES}", also=True),
    Case(f"html:times=2,{_WRITES}"),
    Case(f"not_json:times=2,{_WRITES}", also=True),
    Case("half_done:times=2"),
    Case("short_answer:times=2"),
    Case("drift:times=1,path=/v1/users"),
    Case("repeat_page:times=1,path=/v1/users", also=True),
    Case("half_page:times=2,path=/v1/users"),
    Case("wrong_total:times=1,path=/v1/users", also=True),
]
LMS_STOPPED = [
    _failed("server_error", "Unavailable", "Schoology (127.0.0.1) answered 500: it has trouble of its own"),
    _failed(f"server_error:{_WRITES}", "Unavailable", _MUTE),
    _held(f"server_error:times=4,path=/v1/users,{_WRITES}", "Schoology never said what became of 2 changes"),
    _failed("unavailable", "Unavailable", "Schoology (127.0.0.1) answered 503"),
    _failed("cut", "Unavailable", "Schoology", also=True),
    _failed("drop_answer", "Unavailable", "Schoology", also=True),
    _failed("truncate", "Unavailable", "Schoology"),
    _failed(f"html:{_WRITES}", "Unavailable", _MUTE),
    _failed("html", "BadResponse", "web page", also=True),
    _failed("not_json", "BadResponse", "not JSON"),
    _failed(f"throttle:retry_after=900,{_WRITES}", "Throttled", "wait 900 seconds"),
    _failed(f"unauthorized:{_WRITES},after=2", "AuthFailed", "renew key and secret"),
    _failed("expire_token:after=5", "AuthFailed", "renew key and secret"),
    _failed(f"forbidden:{_WRITES},after=2", "AuthFailed", "grant them access"),
    _failed("forbidden", "AuthFailed", "grant them access", also=True),
    _failed("not_found", "BadResponse", "check the address"),
    _failed("half_page:path=/v1/users", "BadResponse", "never sent a whole list"),
    _failed("repeat_page:path=/v1/users", "BadResponse", "never sent a whole list"),
    _failed("drift:path=/v1/users", "BadResponse", "never sent a whole list"),
    _failed("wrong_total", "BadResponse", "never sent a whole list"),
    _failed("missing_key", "BadResponse", "answered with no"),
    _failed("empty", "BadResponse", "answered with no school"),
    _failed("half_done", "Unavailable", _MUTE),
    _held("short_answer", "Schoology never said what became of"),
    _held("empty:path=/v1/users", "Schoology shows 0 users where"),
    _held("empty:path=/v1/sections", "Schoology shows 0 sections where"),
    Case("refuse_items", "refused", also=True),
    Case("refuse_items:each=2", "refused"),
]
SIS = [*SIS_SURVIVED, *SIS_STOPPED]
LMS = [*LMS_SURVIVED, *LMS_STOPPED]
