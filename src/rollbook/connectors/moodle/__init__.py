"""Moodle, provisioned over its web services (REST protocol). Facts and limits: README.md in this folder."""

from rollbook.connectors.base import Connector
from rollbook.connectors.moodle.grades import MoodleGrades
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.target import MoodleTarget

CONNECTOR = Connector(
    name="moodle",
    title="Moodle",
    options=MoodleOptions,
    target=MoodleTarget,
    grade_source=MoodleGrades,
    user_import=("firstname", "lastname", "username", "email", "idnumber", "password"),  # admin/tool/uploaduser
    credentials=(
        "A site administrator of Moodle makes the token under Site administration, Server, Web services, Manage "
        "tokens. Its service must have the functions that the documentation of this connector lists."
    ),
    users_by_id=True,
    lacks=frozenset({"grading_period", "guardian_link"}),
    notes={
        "building": "In Moodle a building is a course category.",
        "course": (
            "Moodle has no courses with sections in them. Courses of the SIS become course categories if the option "
            "“Courses of the SIS” says so; otherwise nothing is made of them in Moodle, and Rollbook only remembers "
            "them."
        ),
        "section": "In Moodle a section is a course, and its members are the participants.",
    },
)
