"""Which of Moodle's functions a token must be able to call. README.md and docs tell the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rollbook.connectors.moodle.options import MoodleOptions

ROSTER: Final = (
    "core_webservice_get_site_info",
    "core_course_get_categories",
    "core_course_create_categories",
    "core_course_update_categories",
    "core_course_get_courses_by_field",
    "core_course_create_courses",
    "core_course_update_courses",
    "core_user_get_users",
    "core_user_get_users_by_field",
    "core_user_create_users",
    "core_user_update_users",
    "core_enrol_get_enrolled_users",
    "enrol_manual_enrol_users",
    "core_role_unassign_roles",
)
UNENROL: Final = ("enrol_manual_unenrol_users",)
COHORTS: Final = ("core_cohort_create_cohorts", "core_cohort_add_cohort_members")
#: To take people out of cohorts again.
COHORTS_LEFT: Final = ("core_cohort_get_cohorts", "core_cohort_delete_cohort_members")
GRADES: Final = (
    "core_webservice_get_site_info",
    "core_course_get_courses_by_field",
    "core_enrol_get_enrolled_users",
    "core_enrol_get_users_courses",
    "core_user_get_users_by_field",
    "gradereport_user_get_grade_items",
)
#: Due dates of all activities, else of assignments alone, and the titles of grade categories (4.2 and later): read
#: where the token may.
GRADES_MORE: Final = ("core_course_get_contents", "mod_assign_get_assignments", "core_grades_get_gradeitems")


def missing(have: Collection[str], options: MoodleOptions) -> list[str]:
    """What is needed for rosters and the token may not call. A site that tells no functions at all lacks none."""
    needed = [*ROSTER]
    needed += UNENROL if options.leavers == "unenrol" else ()
    needed += COHORTS + COHORTS_LEFT if options.cohorts else ()
    return [each for each in needed if each not in have] if have else []


def missing_for_grades(have: Collection[str]) -> list[str]:
    return [each for each in GRADES if each not in have] if have else []
