"""Schoology, provisioned over its public REST API v1. Facts and limits: README.md in this folder."""

from rollbook.connectors.base import Connector
from rollbook.connectors.schoology.consent import SchoologyConsent
from rollbook.connectors.schoology.grades import SchoologyGrades
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.connectors.schoology.target import SchoologyTarget

CONNECTOR = Connector(
    name="schoology",
    title="Schoology",
    options=SchoologyOptions,
    target=SchoologyTarget,
    grade_source=SchoologyGrades,
    grade_consent=SchoologyConsent,
    user_import=("First Name", "Last Name", "Username", "E-mail", "User Unique ID", "Password"),
    credentials=(
        "Key and secret are shown in Schoology under School Management, Integration, API. They must be those of a "
        "system administrator."
    ),
)
