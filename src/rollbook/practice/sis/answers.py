"""Answers in the words of OneRoster: status info of 1.1 and 1.2, and JSON bodies."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

# The spaces are the 1.1 text's own spelling.
_MINOR_1_1 = {
    "unauthorisedrequest": "unauthorized", "unknownobject": "unknown object", "invaliddata": "invalid data",
    "internal_server_error": "internal server error", "fullsuccess": "full success",
}  # fmt: skip


class Refused(Exception):
    """A request that is answered with an error. `minor` is spelled as in 1.2."""

    def __init__(self, status: int, minor: str, description: str, **headers: str) -> None:
        super().__init__(description)
        self.status = status
        self.minor = minor
        self.description = description
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def unknown(what: str) -> Refused:
    return Refused(404, "unknownobject", f"Unknown Object: {what}")


def invalid(why: str) -> Refused:
    return Refused(422, "invaliddata", why)


def status_1_1(major: str, severity: str, minor: str, description: str) -> dict[str, Any]:
    """One entry of a 1.1 `statusInfoSet`."""
    return {
        "imsx_codeMajor": major, "imsx_severity": severity, "imsx_codeMinor": _MINOR_1_1.get(minor, minor),
        "imsx_description": description, "imsx_messageRefIdentifier": "practice",
        "imsx_operationRefIdentifier": "practice",
    }  # fmt: skip


def status_body(version: str, refused: Refused, *, flat: bool = False) -> dict[str, Any]:
    """The error body: a `statusInfoSet` in 1.1, imsx_StatusInfo in 1.2 (R12); `flat` as some servers."""
    if version == "1.1":
        return {"statusInfoSet": [status_1_1("failure", "error", refused.minor, refused.description)]}
    body: dict[str, Any] = {
        "imsx_codeMajor": "unsupported" if refused.status == 405 else "failure",
        "imsx_severity": "error", "imsx_description": refused.description,
    }  # fmt: skip
    if flat:
        body["imsx_codeMinor"] = refused.minor
    elif refused.status != 405:
        field = {
            "imsx_codeMinorFieldName": "TargetEndSystem",
            "imsx_codeMinorFieldValue": refused.minor,
        }
        body["imsx_CodeMinor"] = {"imsx_codeMinorField": [field]}
    return body


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(data), status, headers, "application/json")


def error_answer(version: str, refused: Refused, *, flat: bool = False) -> Response:
    return json_answer(status_body(version, refused, flat=flat), refused.status, refused.headers)
