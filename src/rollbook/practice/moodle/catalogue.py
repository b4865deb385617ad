"""Every named fault of the practice Moodle: what it does, and its own parameters with their defaults."""

from __future__ import annotations

from typing import Any, Final

_ABOUT: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "slow": ("waits before answering", {"seconds": 1.0}),
    "cut": ("cuts the connection before anything is done", {}),
    "drop_answer": ("does the work, then cuts the connection without an answer", {}),
    "truncate": ("does the work, then cuts the connection in the middle of the body", {}),
    "throttle": ("429 of a web server in front, with `Retry-After` in seconds", {"retry_after": 1}),
    "server_error": ("500 with an HTML page before anything is done", {}),
    "unavailable": ("503 of a web server in front, with an HTML page", {}),
    "bad_gateway": ("502 of a web server in front, with an HTML page; nothing is done", {}),
    "gave_up": ("does the work, then 503 of a cache in front with `Retry-After: 5`", {}),
    "gateway_timeout": ("does the work, then 504 of a web server in front", {}),
    "too_large": ("413 of a web server in front, with an HTML page", {}),
    "not_found": ("404 with an HTML page", {}),
    "forbidden": ("403 without a body, as where web services or REST are switched off", {}),
    "redirect": ("a redirect to another page or site, without a body", {"status": 303, "to": "login/index.php"}),
    "maintenance": ("503 with Moodle's page of CLI maintenance and `Retry-After: 300`", {}),
    "site_maintenance": ("the error `sitemaintenance`, HTTP 200", {}),
    "upgrading": ("the error `upgraderunning`, HTTP 200", {}),
    "html": ("200 with an HTML page, nothing is done", {}),
    "not_json": ("200, called JSON, that is plain text; nothing is done", {}),
    "empty_body": ("200 with an empty body, nothing is done", {}),
    "byte_mark": ("does the work; a byte order mark stands before the JSON, a PHP notice in plain text after it", {}),
    "notice": ("does the work; a PHP notice in HTML stands before the JSON", {}),
    "fatal": ("PHP ends in the middle of the call: 500 with an empty body; see *Whole or in parts*", {}),
    "invalid_token": ("the error `invalidtoken`, HTTP 200", {}),
    "expire_token": ("the error `accessexception` of a token that has ended, HTTP 200", {}),
    "no_access": ("the error `accessexception` of a function that is not in the service, HTTP 200", {}),
    "no_permission": ("the error `nopermissions`, HTTP 200", {}),
    "read_error": ("the error `dmlreadexception`, HTTP 200, nothing is done", {}),
    "write_error": ("the error `dmlwriteexception`, HTTP 200, nothing is done", {}),
    "deadlocks": (
        "rows stay locked until a call ends; of calls that wait for each other one is undone: `dmlwriteexception`",
        {"seconds": 0.001, "patience": 50.0},
    ),
    "invalid_response": ("does the work; the answer is the error `invalidresponse`, HTTP 200", {}),
    "refuse_items": (
        "refuses each n-th element that a call writes; with `people`, what it writes of each n-th person, by their ids",
        {"each": 1, "people": False, "code": "dmlwriteexception", "message": "Error writing to database"},
    ),
    "half_page": ("a list holds half of its records", {}),
    "repeat_page": ("a page that is not the first (`limitfrom`) is the first once more", {}),
    "drift": ("records in front are gone when a page that is not the first is asked for", {"rows": 1}),
    "missing_key": ("a list comes under another key, or in an object", {}),
    "empty": ("a list is empty", {}),
}
KNOWN_FAULTS: Final = {name: parameters for name, (_, parameters) in _ABOUT.items()}


def fault_names() -> dict[str, str]:
    """Every fault by name, with what it does."""
    return {name: does for name, (does, _) in _ABOUT.items()}
