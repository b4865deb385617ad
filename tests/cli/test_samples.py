"""The sample districts from file to LMS: every record that can be mapped lands, and each other one is explained."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space, forget, space
from tests.cli.kit import Command

DATA = Path(__file__).parents[1] / "data"
EDFI, MAPLE = ("edfi-grandbend-v1p0", "edfi-grandbend-v1p1"), ("maple-valley", "maple-valley-1.1")
SETTINGS = """
organization: {{slug: sample, name: Sample, timezone: America/Chicago}}
sis: {{connector: oneroster_csv, options: {{path: "{path}"}}}}
lms: {{connector: memory, options: {{space: {space}, key: memory}}}}
active_year: {year}
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, guardian: Parent, parent: Parent, "*": skip}}}}
users: {{username: {username}}}
"""


class Sample:
    """One sample district, read by the command itself."""

    def __init__(self, rollbook: Command, folder: Path) -> None:
        self.rollbook, self.folder = rollbook, folder
        self.lms: Space = space(uuid.uuid4().hex)

    def sync(self, *, username: str) -> dict[str, Any]:
        year = 2021 if self.folder.name in EDFI else 2027
        text = SETTINGS.format(path=self.folder, space=self.lms.name, year=year, username=username)
        settings = self.rollbook.data.parent / "sample.yaml"
        settings.write_text(text, encoding="utf-8")
        self.rollbook("config", "import", str(settings), schema="config-import")
        found: dict[str, Any] = self.rollbook("sync", "sample")
        return found

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as lines:
            return [row for row in csv.DictReader(lines) if row.get("status", "") in ("", "active")]

    def ids(self, name: str) -> set[str]:
        return {row["sourcedId"] for row in self.rows(name)}

    def codes(self, kind: str) -> set[str]:
        return {stored.code for stored in self.lms.all(kind)}

    def rosters(self) -> set[tuple[str, str]]:
        """(class, person) of every enrollment in the LMS, by external ids."""
        sections = {stored.lms_id: stored.code for stored in self.lms.all("section")}
        users = {stored.lms_id: stored.code for stored in self.lms.all("user")}
        pairs = (stored.code.split("|") for stored in self.lms.all("enrollment"))
        return {(sections[section], users[user]) for section, user in pairs}

    def enrolled(self) -> set[tuple[str, str]]:
        """The same of the SIS, whose samples name some pairs once a term."""
        return {(row["classSourcedId"], row["userSourcedId"]) for row in self.rows("enrollments")}

    def explained(self, run: str) -> dict[str, dict[str, int]]:
        """Finding code → record → how many others wait for it."""
        groups = self.rollbook("run", "findings", run, "--examples", "1000", schema="findings")["findings"]
        return {one["code"]: {each["id"]: each["dependants"] for each in one["examples"]} for one in groups}


@pytest.fixture
def sample(rollbook: Command, request: pytest.FixtureRequest) -> Iterator[Sample]:
    found = Sample(rollbook, DATA / request.param)
    yield found
    forget(found.lms.name)


@pytest.mark.parametrize("sample", [*EDFI, *MAPLE], indirect=True)
def test_everything_that_can_be_mapped_lands(sample: Sample) -> None:
    run = sample.sync(username="email" if sample.folder.name in EDFI else "username")
    assert run["state"] == "done"
    # The one administrator works for the district, and no organization but schools is mapped.
    assert sample.ids("users") - sample.codes("user") == ({"adm-ellery"} if sample.folder.name in MAPLE else set())
    assert sample.codes("section") == sample.ids("classes")
    assert sample.rosters() == sample.enrolled()
    schools = {row["sourcedId"] for row in sample.rows("orgs") if row["type"].lower() == "school"}
    assert len(sample.codes("building")) == len(schools)
    assert len(sample.codes("course")) >= len({row["courseSourcedId"] for row in sample.rows("classes")})
    assert sample.rollbook("sync", "sample")["kinds"]["user"]["create"] == 0


@pytest.mark.parametrize("sample", EDFI, indirect=True)
def test_each_record_that_does_not_land_is_explained(sample: Sample) -> None:
    """Ed-Fi's usernames are names with a space in them, which the LMS refuses; nobody trims them (rule 9)."""
    run = sample.sync(username="username")
    assert sample.codes("user") == set()
    assert sample.codes("section") == sample.ids("classes")
    blocked = sample.explained(run["run"])["USER_USERNAME_SPACE"]
    assert set(blocked) == sample.ids("users")
    assert sum(blocked.values()) == len(sample.rows("enrollments")) == run["kinds"]["enrollment"]["blocked"]
