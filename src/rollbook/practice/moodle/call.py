"""One call of a function, and what describes a function; knows no kind of record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rollbook.practice.moodle import words
from rollbook.practice.moodle.params import Group
from rollbook.practice.moodle.site import Site
from rollbook.practice.moodle.thrown import Thrown

Json = dict[str, Any]

_ALPHANUM: Final = re.compile(r"[a-zA-Z0-9]*")
#: What Moodle calls a capability where it says that it is missing (get_capability_string).
_CAPABILITIES: Final = {
    "moodle/user:create": "Create users", "moodle/user:update": "Update user profiles",
    "moodle/user:delete": "Delete users", "moodle/category:manage": "Manage categories",
    "moodle/course:create": "Create courses", "moodle/course:update": "Update course settings",
    "moodle/course:view": "View courses without participation",
    "moodle/course:changecategory": "Change course category",
    "moodle/course:changefullname": "Change course full name",
    "moodle/course:changeshortname": "Change course short name",
    "moodle/course:changeidnumber": "Change course ID number", "moodle/course:visibility": "Hide/show courses",
    "moodle/course:viewparticipants": "View participants",
    "moodle/course:enrolreview": "Review course enrolments", "moodle/role:review": "Review permissions for others",
    "moodle/role:assign": "Assign roles to users", "enrol/manual:enrol": "Enrol users",
    "enrol/manual:unenrol": "Unenrol users from the course",
    "moodle/cohort:manage": "Create, delete and move cohorts", "moodle/cohort:assign": "Add and remove cohort members",
    "moodle/cohort:view": "View site-wide cohorts", "gradereport/user:view": "View your own grade report",
    "moodle/grade:viewall": "View grades of other users", "mod/assign:view": "View assignment",
}  # fmt: skip


@dataclass(eq=False)
class Call:
    """`base` is the site's address, `size` the body's in bytes; `fatal`: PHP is to end in the middle of it;
    `blocked`: a firewall in front does not let it through."""

    site: Site
    name: str
    writes: bool
    base: str
    size: int = 0
    fatal: bool = False
    blocked: bool = False
    _asked: dict[str, Json | None] = field(default_factory=dict)
    _refuse: Json | None = None
    _count: int = field(default=0)

    def fault(self, name: str) -> Json | None:
        """The fault's parameters if it strikes this call; however often it is asked, it counts once."""
        if name not in self._asked:
            self._asked[name] = self.site.faults.hit(name, "WRITE" if self.writes else "READ", self.name)
        return self._asked[name]

    def need(self, *capabilities: str) -> None:
        """Raises Thrown unless the token's user has all of them."""
        for each in capabilities:
            if not self.site.may(each):
                shown = _CAPABILITIES.get(each, each)
                message = f"Sorry, but you do not currently have permissions to do that ({shown})."
                raise Thrown("nopermissions", message, kind="required_capability_exception")

    def items(self, listed: list[Any]) -> Iterator[Any]:
        """The elements to write, in order; only the first half where the fault `fatal` struck."""
        self._refuse = self.fault("refuse_items")
        if self.fault("fatal"):
            self.fatal = True
            listed = listed[: len(listed) // 2]
        yield from listed

    def check(self, person: int | None = None) -> None:
        """To be called for each element, with the id of the person it is of, if it is of one. Raises Thrown where the
        fault `refuse_items` strikes."""
        self._count += 1
        if not self._refuse:
            return
        number = person if self._refuse["people"] and person is not None else self._count
        if number % int(self._refuse["each"]) == 0:
            raise Thrown(str(self._refuse["code"]), str(self._refuse["message"]))

    def page(self, listed: list[Any], start: int = 0, most: int = 0) -> list[Any]:
        """A part of a list; the faults of lists strike here. `most` 0: to the end."""
        if self.fault("empty"):
            return []
        if start and self.fault("repeat_page"):
            start = 0
        drift = self.fault("drift") if start else None
        start += int(drift["rows"]) if drift else 0
        shown = listed[start : start + most] if most else listed[start:]
        return shown[: len(shown) // 2] if self.fault("half_page") else shown


@contextmanager
def warned(call: Call, warnings: list[Json], item: str, item_id: int) -> Iterator[None]:
    """One element of a function that goes on after a failure: what is thrown becomes a warning."""
    try:
        with call.site.store.part():
            yield
    except Thrown as thrown:
        settings = call.site.settings
        shown = thrown.shown(debugging=settings.debug, release=settings.release(), words=words.of(settings.lang))
        warnings.append({"item": item, "itemid": item_id, "warningcode": thrown.code, "message": shown["message"]})


def check_warnings(data: Any) -> None:
    """Raises Thrown where the code of a warning is not of letters and digits alone, as it is of the text of a password
    policy: the answer is no answer then, though the work was done (external_warnings, clean_returnvalue)."""
    for each in data.get("warnings", ()) if isinstance(data, dict) else ():
        if not _ALPHANUM.fullmatch(str(each.get("warningcode", ""))):
            message, kind = "Invalid response value detected", "invalid_response_exception"
            raise Thrown("invalidresponse", message, kind=kind, debug="warningcode")


@dataclass(frozen=True)
class Function:
    """A web service function. `costs` names the list of which each element takes time: "users" or "enrolments".

    `whole` is False where an element that fails leaves the others standing. `since` is the first release that has it.
    `locks` names a list, and the value of its elements of which the call changes a row that others may want, too.
    """

    do: Callable[[Call, Json], Any]
    takes: Group
    writes: bool = False
    whole: bool = True
    costs: str = ""
    locks: tuple[str, str] = ("", "")
    since: tuple[int, int] = (4, 1)
    component: str = "moodle"
