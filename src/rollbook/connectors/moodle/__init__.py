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
)
