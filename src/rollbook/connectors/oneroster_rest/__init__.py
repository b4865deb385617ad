"""OneRoster 1.1 and 1.2 over REST, as a source of rosters and a sink of grades."""

from rollbook.connectors.base import Connector
from rollbook.connectors.oneroster_rest.gradebook import OneRosterGrades
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.connectors.oneroster_rest.source import make_source

CONNECTOR = Connector(
    name="oneroster_rest",
    title="OneRoster (REST)",
    options=OneRosterOptions,
    source=make_source,
    grade_sink=OneRosterGrades,
)
