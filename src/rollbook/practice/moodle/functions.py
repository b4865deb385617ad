"""Every function of the practice Moodle by name."""

from __future__ import annotations

from typing import Final

from rollbook.practice.moodle import (
    categories,
    cohorts,
    contents,
    course_reads,
    courses,
    enrolled,
    enrolments,
    grade_reads,
    grade_report,
    user_reads,
    users,
)  # fmt: skip
from rollbook.practice.moodle.call import Function
from rollbook.practice.moodle.info import site_info

FUNCTIONS: Final[dict[str, Function]] = {
    "core_webservice_get_site_info": site_info(lambda: FUNCTIONS),
    **users.FUNCTIONS, **user_reads.FUNCTIONS, **categories.FUNCTIONS, **courses.FUNCTIONS, **course_reads.FUNCTIONS,
    **enrolments.FUNCTIONS, **enrolled.FUNCTIONS, **cohorts.FUNCTIONS, **grade_report.FUNCTIONS,
    **grade_reads.FUNCTIONS, **contents.FUNCTIONS,
}  # fmt: skip
