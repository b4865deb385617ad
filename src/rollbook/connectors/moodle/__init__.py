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
)
