"""Every named fault and vendor deviation of the practice SIS: its parameters, what it does, who does so."""

from __future__ import annotations

from typing import Any, NamedTuple


class Deviation(NamedTuple):
    """`source` is a system known to do so, a document, or "general"."""

    name: str
    does: str
    source: str
    parameters: dict[str, Any]


def _d(name: str, does: str, source: str, **parameters: Any) -> Deviation:
    return Deviation(name, does, source, parameters)


_TROUBLE = (
    _d("slow", "waits before answering", "general", seconds=1.0),
    _d("throttle", "429 `server_busy` with `Retry-After` in seconds", "ClassLink, Ed-Fi", retry_after=1),
    _d("server_error", "500 `internal_server_error`, or the status given", "general", status=500),
    _d(
        "expire_token",
        "401 at a token's call number `uses`+1; the token is dead from then on",
        "RFC 6749",
        uses=3,
    ),
    _d("drop_answer", "does the work, then cuts the connection without an answer", "general"),
    _d("half_page", "cuts the connection in the middle of the body", "general"),
    _d("truncate", "a complete HTTP answer whose JSON stops in the middle", "general"),
    _d("html", "200 with an HTML page", "ClassLink consumers (code.org notes)"),
    _d("not_json", "200, called JSON, that is plain text", "ClassLink consumers (code.org notes)"),
    _d(
        "no_envelope",
        "200 with the records under `data` instead of their envelope key",
        "ClassLink consumers",
    ),
)
_ACCESS = (
    _d("token_down", "500 at the token endpoint", "general"),
    _d("token_basic_only", "takes client id and secret by Basic header only", "RFC 6749"),
    _d("token_body_only", "takes client id and secret in the form body only", "PowerSchool Unified Classroom"),
    _d("token_query_only", "takes client id and secret in the query only", "Infinite Campus"),
    _d("short_token", "tokens live for so many seconds", "general", seconds=1.0),
    _d("scope_required", "`invalid_scope` when no scope is asked for", "Aeries"),
    _d("scope_refused", "`invalid_scope` for every token request", "RFC 6749"),
    _d("scope_core_only", "grants `roster-core.readonly` only, whatever is asked", "RFC 6749 section 3.3"),
    _d("extra_header", "401 without the header `x-vendor-authorization: key:secret`", "Infinite Campus"),
    _d("sha1_only", "OAuth 1 signatures by HMAC-SHA1 only", "older OneRoster servers"),
    _d("sha256_only", "OAuth 1 signatures by HMAC-SHA256 only", "ClassLink"),
)
_RIGHTS = (
    _d("unauthorized", "401 for every call, with a fresh token too", "general"),
    _d("forbidden", "403 for every call, though a token was given", "R12 responses"),
    _d("school_hidden", "the last schools of the list are not shown, nor what is theirs alone", "general", schools=1),
    _d("shrunk", "lists hold the first share of their records only; totals agree", "general", percent=30),
    _d("empty", "lists are empty, with a total of 0", "general"),
)
_PAGING = (
    _d("page_cap", "clamps `limit` silently", "Ed-Fi 500, TimeBack 3000, Infinite Campus 10000", size=500),
    _d("no_total", "no `X-Total-Count`", "Ed-Fi"),
    _d("x_count", "sends `x-count` with the size of the page", "ClassLink"),
    _d("no_link", "no `Link`", "several 1.1 servers"),
    _d("link_loses_filter", "`Link` addresses carry limit and offset only", "RIC One"),
    _d("link_other_origin", "`Link` addresses point to another host", "general", origin="http://127.0.0.1:9"),
    _d("last_smaller_limit", "`last` has the limit of what is left, as in the 1.1 text", "1.1 text"),
    _d("short_pages", "gives a share of the records a page could hold; `next` goes on from there", "general",
       percent=50),
    _d("repeat_page", "gives the page before once more", "general"),
    _d("skip_rows", "leaves out the first records of a page that is not the first", "general", rows=1),
    _d("empty_page", "a page that is not the first comes empty, though there are more", "general"),
    _d("drift_insert", "a record appears in front after each page, until `rows` have", "general", rows=1),
    _d("drift", "one record in front is gone after each page, until `rows` are", "general", rows=1),
    _d("wrong_total", "`X-Total-Count` is off by so much", "general", by=7),
)  # fmt: skip
_QUESTIONS = (
    _d("sort_refused", "400 for any `sort`", "several (Moodle notes)"),
    _d("sort_ignored", "takes `sort` and gives its own order", "1.1 certification server (Moodle notes)"),
    _d("filter_ignored", "takes `filter` and gives everything", "1.1 certification server (Moodle notes)"),
    _d("fields_ignored", "takes `fields` and gives all fields", "1.1 certification server (Moodle notes)"),
    _d("no_school_lists", "404 for every list under `/schools/{id}/`", "Aeries"),
    _d("loose_class_lists", "people of a class are those of its whole school", "several (Moodle notes)"),
    _d("teachers_in_students", "`/students` has teachers in it", "ClassLink"),
    _d("no_demographics", "404 for demographics", "general"),
    _d("flat_errors", "1.2 error bodies with `imsx_codeMinor` as text", "Ed-Fi"),
)
_DATA = (
    _d("nulls", "values that are not known are `null`, with `metadata`, `parent`, `identifier` among them",
       "Aeries"),
    _d("missing_fields", "fields that are required but blank or hardly used are left out", "Ed-Fi"),
    _d("grades_text", "`grades` is a text, not a list", "several"),
    _d("bool_upper", "booleans are `TRUE` and `FALSE`", "CSV in the wild"),
    _d("bool_text", "booleans are the texts `true` and `false`", "several 1.1 servers"),
    _d("bool_json", "booleans are JSON booleans", "several 1.2 servers"),
    _d("enum_case", "vocabulary values start with a capital letter", "CSV in the wild"),
    _d("date_for_datetime", "a date where a dateTime belongs", "CSV in the wild"),
    _d("datetime_for_date", "a dateTime where a date belongs", "Google Classroom, several"),
    _d("status_inactive", "`inactive` instead of `tobedeleted`", "1.0 data"),
    _d("silent_removal", "records to be deleted are not shown at all", "Infinite Campus"),
    _d("tilde_hrefs", "addresses in references start with `~/`", "Aeries"),
    _d("flat_role", "1.1 `role` and `orgs` on a 1.2 path", "several"),
    _d("numbers_text", "numbers are texts", "several"),
    _d("periods_list", "1.1 `periods` is a list, as in the 1.1 text's JSON", "1.1 text"),
)  # fmt: skip
_WRITES = (
    _d(
        "title_limit",
        "422 for a line item title longer than so many characters",
        "Infinite Campus",
        characters=30,
    ),
    _d("unique_titles", "422 for a line item title that the class has already", "Infinite Campus"),
    _d("session_dates", "422 for a due date outside the grading period", "Infinite Campus, Blackbaud"),
    _d("window_closed", "422 for every write to line items and results", "Infinite Campus, Blackbaud"),
    _d("score_demanded", "422 for a result without a score, as 1.1's document demands one", "1.1 document"),
    _d("score_range", "422 for a score outside the line item's range", "Blackbaud"),
    _d(
        "own_item_id",
        "a new line item gets an id of the SIS, given back in the body",
        "some SISs (Canvas notes)",
    ),
    _d("no_delete", "405 for DELETE", "Aeries"),
)

DEVIATIONS: dict[str, Deviation] = {
    one.name: one for one in (*_TROUBLE, *_ACCESS, *_RIGHTS, *_PAGING, *_QUESTIONS, *_DATA, *_WRITES)
}


TOKEN_FAULTS = frozenset(
    one.name for one in _ACCESS if one.name.startswith(("token_", "scope_")) or one.name == "short_token"
)


def fault_names() -> dict[str, str]:
    """Every fault by name, with what it does."""
    return {name: one.does for name, one in DEVIATIONS.items()}
