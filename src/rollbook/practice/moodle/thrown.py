"""What Moodle throws, and how it is written down as JSON or XML (webservice_rest_server::generate_error)."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

#: Classes that moved into the namespace core\exception; others (of databases and web services) did not.
_MOVED = {
    "moodle_exception", "invalid_parameter_exception", "required_capability_exception", "coding_exception",
    "invalid_response_exception", "require_login_exception",
}  # fmt: skip
MOVED_IN = (4, 5)


class Thrown(Exception):
    """A call, or one element of it, that Moodle refuses.

    `kind` is the PHP class, `code` the errorcode, `message` what everybody sees; `debug` is seen only where the
    site's debugging is on.
    """

    def __init__(self, code: str, message: str, *, kind: str = "moodle_exception", debug: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind
        self.debug = debug

    def shown(self, *, debugging: str, release: tuple[int, int], words: dict[str, str]) -> dict[str, Any]:
        """The error object. `debugging` is "none", "normal" or "developer"; `words` replace English messages."""
        moved = release >= MOVED_IN and self.kind in _MOVED
        message = words.get(self.code, self.message)
        if self.debug and debugging == "developer":
            message = f"{message} ({self.debug})"
        found = {
            "exception": f"core\\exception\\{self.kind}" if moved else self.kind,
            "errorcode": self.code,
            "message": message,
        }
        if self.debug and debugging != "none":
            found["debuginfo"] = self.debug
        return found


def bad_parameter(debug: str) -> Thrown:
    """invalid_parameter_exception: what is wrong stands in its debug text alone."""
    message = "Invalid parameter value detected"
    return Thrown("invalidparameter", message, kind="invalid_parameter_exception", debug=debug)


def no_record(table: str) -> Thrown:
    message = f"Can't find data record in database table {table}."
    return Thrown("invalidrecord", message, kind="dml_missing_record_exception")


def not_written(debug: str = "") -> Thrown:
    """A unique index or the length of a column stopped the database."""
    return Thrown("dmlwriteexception", "Error writing to database", kind="dml_write_exception", debug=debug)


def coding(debug: str) -> Thrown:
    message = f"Coding error detected, it must be fixed by a programmer: {debug}"
    return Thrown("codingerror", message, kind="coding_exception")


def no_access(debug: str) -> Thrown:
    return Thrown("accessexception", "Access control exception", kind="webservice_access_exception", debug=debug)


def unworded(code: str) -> Thrown:
    """An error code for which Moodle's language files have no text: the code itself is shown."""
    return Thrown(code, f"error/{code}")


def as_xml(found: dict[str, Any]) -> str:
    """The same as XML, which is what a call without `moodlewsrestformat=json` gets."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8" ?>',
        f'<EXCEPTION class="{escape(found["exception"])}">',
        f"<ERRORCODE>{escape(found['errorcode'])}</ERRORCODE>",
        f"<MESSAGE>{escape(found['message'])}</MESSAGE>",
    ]
    if "debuginfo" in found:
        lines.append(f"<DEBUGINFO>{escape(found['debuginfo'])}</DEBUGINFO>")
    return "\n".join([*lines, "</EXCEPTION>", ""])


def result_as_xml(data: Any) -> str:
    """An answer as XML: MULTIPLE, SINGLE, KEY and VALUE."""
    inner = "" if data is None else _xml(data)
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n{inner}</RESPONSE>\n'


def _xml(data: Any) -> str:
    if isinstance(data, list):
        return "<MULTIPLE>\n" + "".join(_xml(each) for each in data) + "</MULTIPLE>\n"
    if isinstance(data, dict):
        keys = "".join(f'<KEY name="{escape(name)}">{_xml(each)}</KEY>\n' for name, each in data.items())
        return f"<SINGLE>\n{keys}</SINGLE>\n"
    if data is None:
        return '<VALUE null="null"/>\n'
    return f"<VALUE>{escape(str(int(data) if isinstance(data, bool) else data))}</VALUE>\n"
