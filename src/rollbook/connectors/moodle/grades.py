"""Moodle's gradebooks: reads one section's at a time, whole or not at all. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Final

from rollbook.connectors.base import Context
from rollbook.connectors.base import Report as TestReport
from rollbook.connectors.moodle import due_dates
from rollbook.connectors.moodle import gradebook as words
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.functions import GRADES_MORE, missing_for_grades
from rollbook.connectors.moodle.lenient import ident, listing, mapping, optional, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.reading import Reader
from rollbook.errors import AuthFailed, BadResponse
from rollbook.roster.grades import Gradebook, Member

_REPORT: Final = "gradereport_user_get_grade_items"
_CONTENTS, _ASSIGNMENTS, _TITLES = GRADES_MORE
_GROUPS: Final = (
    "Moodle does not show everybody who is enrolled in this section; the token's role needs moodle/site:accessallgroups"
)
_UNGRADED: Final = (
    "Moodle's grade report lacks students of this section; the token's role needs moodle/site:accessallgroups, and the "
    "students' role must be one of the graded roles (Site administration → Grades → General settings)"
)
_NOT_YET: Final = "gradesneedregrading"
#: Why there is no report, by errorcode, and who must act (check_report_access, export_verify_grades).
_REFUSED: Final = {
    _NOT_YET: words.NOT_WORKED_OUT,
    "notingroup": _GROUPS,
    "nopermissions": "the token's role needs gradereport/user:view and moodle/grade:viewall",
    "nopermissiontoviewgrades": "the token's role needs moodle/grade:viewall",
    "requireloginerror": "the token's role needs moodle/course:view and moodle/course:viewhiddencourses",
}


#: Rows of the grade report by student, or by _NOBODY.
Rows = dict[str, list[dict[str, object]]]
_NOBODY: Final = ""


class _SectionUnread(BadResponse):
    """The report of this section cannot be read, and those of others can."""


class MoodleGrades:
    """The gradebooks of one site. Several threads may use it."""

    def __init__(self, options: MoodleOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called, or an unknown time zone; calls nothing yet."""
        self._options, self._zone = options, options.zone()
        self._client = MoodleClient(options, context)
        self._reader = Reader(self._client, options)

    def __repr__(self) -> str:
        return "MoodleGrades()"

    def close(self) -> None:
        self._client.close()

    def test(self) -> TestReport:
        """Reads the grade report of some course. Raises AuthFailed when functions are missing, and names them."""
        lacking = missing_for_grades(self._functions())
        if lacking:
            raise AuthFailed(f"the service of the token lacks these functions: {', '.join(lacking)}")
        section = next((text(each.get("id")) for each in self._reader.raw_courses(()) if each.get("idnumber")), None)
        if section is None:
            return TestReport(ok=True, summary="Connected to Moodle; it has no section yet.", facts={"section": "none"})
        with suppress(_SectionUnread):
            self._rows(section)
        due = "yes" if self._may(_CONTENTS) else "of assignments" if self._may(_ASSIGNMENTS) else "no"
        facts = {"section": section, "due dates": due}
        return TestReport(ok=True, summary="Connected to Moodle: grades can be read.", facts=facts)

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        """Grades are read first: what they are about, and who has them, is then sure to be there. What has gone from
        the section meanwhile is left out with its grades."""
        section = self._section(code, lms_id)
        rows = self._rows(section) or self._items_alone(section)
        report = words.Report(rows, self._due(section), self._titles(section))
        members, enrolled = self._members(section)
        self._all_enrolled(section, report.rows, enrolled)
        self._all_graded(section, report.rows, members)
        found, people = words.items(report, self._zone), {each.id for each in members}
        return Gradebook(
            section=section,
            categories=words.categories(report),
            items=found,
            members=members,
            grades=tuple(each for each in words.grades(report) if each.member in people),
        )

    def course_admins(self, code: str, lms_id: str | None) -> list[Member]:
        section = self._section(code, lms_id)
        rows = self._reader.enrolled(section, active=True)
        if not rows and self._rows(section):
            raise BadResponse(_GROUPS)
        found = [words.member(raw, True, self._options) for raw in rows]
        return [each for each in found if each and each.admin]

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        """Courses where the person is active."""
        user = ident(lms_id) or self._reader.user_ids([unique_id]).get(unique_id)
        if user is None:
            return frozenset()
        rows = self._client.read("core_enrol_get_users_courses", "a person's courses", userid=user, returnusercount=0)
        if not isinstance(rows, list):
            raise BadResponse("Moodle did not answer with a list of courses")
        return frozenset(code for raw in listing(rows) if (code := optional(raw.get("idnumber"))))

    def _rows(self, section: str, user: int = 0) -> Rows:
        """Of all students, or of one account. Raises BadResponse for a report that would read as if grades had been
        taken away."""
        try:
            answer = mapping(self._client.read(_REPORT, "grades", long=True, courseid=section, userid=user))
        except MoodleError as error:
            if error.code not in _REFUSED:
                raise
            kind = _SectionUnread if error.code == _NOT_YET else BadResponse
            raise kind(f"{_REFUSED[error.code]} ({error.code})") from None
        if not isinstance(answer.get("usergrades"), list):
            raise BadResponse("Moodle did not answer with a list of grades")
        found = words.rows_by_student(answer["usergrades"])
        if (why := words.unreadable(found)) is not None:
            raise _SectionUnread(why)
        return found

    def _items_alone(self, section: str) -> Rows:
        """Where no student is active, as after the last day: items are told with somebody's grades only, and would all
        read as deleted. So they are asked for as of the service account, which has none."""
        own = ident(self._reader.site().get("userid"))
        return {_NOBODY: [row for rows in self._rows(section, int(own or 0)).values() for row in rows]}

    def _due(self, section: str) -> dict[words.Activity, int]:
        """Due dates by activity; where the token may not see the course's contents, of assignments alone. Without both
        functions no item has one."""
        if self._may(_CONTENTS):
            asked = [{"name": "excludecontents", "value": 1}]
            answer = self._client.read(_CONTENTS, "a course's contents", courseid=section, options=asked)
            if not isinstance(answer, list):
                raise BadResponse("Moodle did not answer with a list of a course's contents")
            return due_dates.of_contents(answer)
        if not self._may(_ASSIGNMENTS):
            return {}
        answer = mapping(
            self._client.read(_ASSIGNMENTS, "assignments", courseids=[section], includenotenrolledcourses=1)
        )
        if not isinstance(answer.get("courses"), list):
            raise BadResponse("Moodle did not answer with a list of assignments")
        return due_dates.of_assignments(answer)

    def _titles(self, section: str) -> dict[str, str]:
        """Titles of categories by grade item; without the function they are called by their ids."""
        if not self._may(_TITLES):
            return {}
        answer = mapping(self._client.read(_TITLES, "grade categories", courseid=section))
        found = listing(answer.get("gradeItems"))
        return {
            own: title for each in found if (own := ident(each.get("id"))) and (title := text(each.get("category")))
        }

    def _members(self, section: str) -> tuple[tuple[Member, ...], frozenset[str]]:
        """Students and teachers of the section, and the LMS ids of everybody who is enrolled."""
        active = {text(each.get("id")) for each in self._reader.enrolled(section, active=True)}
        everybody = self._reader.enrolled(section, active=False)
        found = [words.member(raw, text(raw.get("id")) in active, self._options) for raw in everybody]
        ids = frozenset(text(raw.get("id")) for raw in everybody)
        return tuple(each for each in found if each is not None), ids

    def _all_enrolled(self, section: str, graded: Collection[str], enrolled: frozenset[str]) -> None:
        """Moodle shows a token without the right to see all groups only its own groups, or nobody, and says nothing
        (get_enrolled_users). Whoever is in the grade report is enrolled, or has just left. Raises BadResponse."""
        missing = frozenset(graded) - enrolled - {_NOBODY}
        if missing and missing & self._rows(section).keys():
            raise BadResponse(_GROUPS)

    def _all_graded(self, section: str, graded: Collection[str], members: Collection[Member]) -> None:
        """Without the right to see all groups the report is that of one group where groups are visible
        (groups_get_course_group); and those without a graded role are never in it. The others' grades would read as
        taken away. Who has come meanwhile is in the next report. Raises BadResponse."""
        missing = {each.id for each in members if each.active and not each.admin} - frozenset(graded)
        if missing and missing - self._rows(section).keys():
            raise BadResponse(_UNGRADED)

    def _section(self, code: str, lms_id: str | None) -> str:
        """The LMS id of the section with this code; one that is known counts as long as it has this code. Raises
        BadResponse where there is none."""
        own = ident(lms_id)
        for field, value in (("id", own), ("idnumber", code.strip())):
            for raw in self._found(field, value) if value else ():
                found = ident(raw.get("id"))
                if found is not None and optional(raw.get("idnumber")) == code:
                    return found
        raise BadResponse("Moodle has no section of this code (any more); sync Sections first")

    def _found(self, field: str, value: str) -> list[dict[str, object]]:
        try:
            answer = self._client.read("core_course_get_courses_by_field", "a section", field=field, value=value)
        except MoodleError:
            return []  # a value that Moodle does not take is no section's
        return listing(mapping(answer).get("courses"))

    def _functions(self) -> frozenset[str]:
        return frozenset(text(each.get("name")) for each in listing(self._reader.site().get("functions")))

    def _may(self, function: str) -> bool:
        have = self._functions()
        return not have or function in have
