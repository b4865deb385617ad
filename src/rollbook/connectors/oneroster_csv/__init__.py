"""OneRoster CSV 1.0, 1.1 and 1.2 from a folder or a zip file; grades into one. Facts and limits: README.md."""

from rollbook.connectors.base import Connector
from rollbook.connectors.oneroster_csv.grades import OneRosterCsvGrades
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource

CONNECTOR = Connector(
    name="oneroster_csv",
    title="OneRoster CSV",
    options=OneRosterCsvOptions,
    source=OneRosterCsvSource,
    grade_sink=OneRosterCsvGrades,
)
