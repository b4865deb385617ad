"""The JSON in an answer, also where a plug-in of the site wrote something around it. Never shows any of it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from rollbook.connectors.kit import Answer
from rollbook.errors import BadResponse

#: A byte order mark at the beginning of some PHP file, and blank lines after the end of one.
_BLANK: Final = "\ufeff \t\r\n"
#: What PHP says of its code where a site shows that (display_errors), with markup or without.
_NOTICE: Final = re.compile(
    r"(?:<br\s*/?>|\s)*(?:<b>)?(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards)(?:</b>)?: .*?"
    r" on line (?:<b>)?\d+(?:</b>)?(?:<br\s*/?>|\s)*",
    re.DOTALL,
)
_MOST_NOTICES: Final = 200


def decoded(answer: Answer) -> Any:
    """Raises BadResponse where there is no JSON, or where something else than marks and notices stands around it."""
    try:
        return answer.json()
    except BadResponse:
        try:
            return _within(answer.body.decode("utf-8"))
        except (ValueError, RecursionError):
            pass
        raise


def _within(body: str) -> Any:
    """Raises ValueError."""
    begin = _after_notices(body, 0)
    found, end = json.JSONDecoder().raw_decode(body, begin)
    if not isinstance(found, dict | list | None) or _after_notices(body, end) != len(body):
        raise ValueError("not JSON alone")
    return found


def _after_notices(body: str, at: int) -> int:
    for _ in range(_MOST_NOTICES):
        while at < len(body) and body[at] in _BLANK:
            at += 1
        notice = _NOTICE.match(body, at)
        if notice is None:
            break
        at = notice.end()
    return at
