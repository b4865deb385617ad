"""Faults of a whole call: pages of web servers, of PHP and of maintenance, and errors before a function runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

import msgspec

from rollbook.practice.moodle.call import Call
from rollbook.practice.moodle.thrown import Thrown, no_access, not_written

_HTML = "text/html; charset=utf-8"
_FRONT = {  # faults of the web server in front
    "server_error": (500, "Internal Server Error"), "bad_gateway": (502, "Bad Gateway"),
    "unavailable": (503, "Service Unavailable"), "too_large": (413, "Request Entity Too Large"),
    "not_found": (404, "Not Found"),
}  # fmt: skip
_MAINTENANCE = (
    "<!DOCTYPE html><html><head><title>Site maintenance</title></head><body>"
    "<p>This site is undergoing maintenance and is currently not available</p></body></html>"
)
_LOGIN = "<!DOCTYPE html><html><head><title>Log in to the site</title></head><body><form></form></body></html>"
_NOTICE = (
    "<br />\n<b>Notice</b>:  Undefined variable in <b>/var/www/moodle/lib/plugin.php</b> on line <b>12</b><br />\n"
)
_PLAIN_NOTICE = "\nDeprecated: Optional parameter before required one in /var/www/moodle/local/own/lib.php on line 7\n"


@dataclass
class Trouble:
    """An answer that no function gave."""

    status: int
    body: str
    kind: str = _HTML
    headers: dict[str, str] = field(default_factory=dict)
    note: str = "trouble"

    @classmethod
    def page(cls, status: int, title: str) -> Trouble:
        """A page of a web server in front."""
        head, body = f"<title>{status} {title}</title>", f"<h1>{status} {title}</h1>"
        text = f"<html>\r\n<head>{head}</head>\r\n<body>{body}</body>\r\n</html>\r\n"
        return cls(status, text, "text/html", note=str(status))


def before(call: Call) -> Trouble | None:
    """What stands in the way of a call before Moodle reads it; None: nothing."""
    throttle = call.fault("throttle")
    if throttle:
        page = Trouble.page(429, "Too Many Requests")
        page.headers["retry-after"] = str(throttle["retry_after"])
        return page
    for name, (status, title) in _FRONT.items():
        if call.fault(name):
            return Trouble.page(status, title)
    if call.fault("forbidden"):
        return Trouble(403, "", note="403")
    if call.blocked:
        return Trouble.page(403, "Forbidden")
    redirect = call.fault("redirect")
    if redirect:
        location = urljoin(f"{call.base}/", str(redirect["to"]))
        return Trouble(int(redirect["status"]), "", headers={"location": location}, note=str(redirect["status"]))
    if call.fault("maintenance"):
        return Trouble(503, _MAINTENANCE, headers={"retry-after": "300"}, note="503")
    if call.fault("html"):
        return Trouble(200, _LOGIN, note="html")
    if call.fault("not_json"):
        return Trouble(200, "Service is being updated", "application/json", note="not_json")
    return Trouble(200, "", note="empty_body") if call.fault("empty_body") else None


def thrown_fault(call: Call) -> Thrown | None:
    """An error that a fault throws before the function runs."""
    if call.fault("site_maintenance"):
        return Thrown("sitemaintenance", "The site is undergoing maintenance and is currently not available")
    if call.fault("upgrading"):
        return Thrown("upgraderunning", "Site is being upgraded, please retry later.")
    if call.fault("invalid_token"):
        return Thrown("invalidtoken", "Invalid token - token not found")
    if call.fault("expire_token"):
        return no_access("Invalid token - token expired - check validuntil time for the token")
    if call.fault("no_access"):
        return no_access(f"Access to the function {call.name}() is not allowed.")
    if call.fault("no_permission"):
        message = "Sorry, but you do not currently have permissions to do that (Practice)."
        return Thrown("nopermissions", message, kind="required_capability_exception")
    if call.fault("read_error"):
        return Thrown("dmlreadexception", "Error reading from database", kind="dml_read_exception")
    return not_written("Deadlock found") if call.fault("write_error") else None


def after(call: Call, text: bytes) -> Trouble | None:
    """What becomes of an answer after the work was done; `text` is the answer as it would be."""
    if call.fault("gave_up"):
        page = Trouble.page(503, "Backend fetch failed")
        page.headers["retry-after"] = "5"
        return page
    if call.fault("gateway_timeout"):
        return Trouble.page(504, "Gateway Time-out")
    if call.fault("notice"):
        return Trouble(200, _NOTICE + text.decode(), "application/json", note="notice")
    if call.fault("byte_mark"):
        return Trouble(200, f"\ufeff\n{text.decode()}\n{_PLAIN_NOTICE}", "application/json", note="byte_mark")
    if call.fault("invalid_response"):
        release = call.site.settings.release()
        thrown = Thrown("invalidresponse", "Invalid response value detected", kind="invalid_response_exception")
        shown = thrown.shown(debugging="none", release=release, words={})
        return Trouble(200, msgspec.json.encode(shown).decode(), "application/json", note="invalidresponse")
    return None
