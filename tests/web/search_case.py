"""A student and a class of the practice district, and what is asked of the search about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from tests.web.people import Person, words
from tests.web.world import run_now


@dataclass
class Case:
    """`row` is the SIS's enrollment of the student in the class."""

    world: Space
    folder: DataFolder
    row: dict[str, str]
    student: dict[str, str]
    class_: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.class_['sourcedId']}|{self.student['sourcedId']}"

    @property
    def lms_id(self) -> str:
        found = self.world.find("user", self.student["sourcedId"])
        assert found is not None
        return found.lms_id

    def sync(self, **wanted: Any) -> Run:
        from rollbook.actions.runs import Wanted

        return run_now(self.folder, wanted=Wanted(**wanted) if wanted else None)

    def why(self, person: Person) -> str:
        """The page's answer to: is this student in this class?"""
        page = person.get(f"/o/maple/search/person/sis/{self.student['sourcedId']}/", section=self.class_["sourcedId"])
        assert page.status_code == 200
        return answer_of(page)

    def drop(self) -> None:
        """The SIS lists the student in the class no more."""
        rows = self.world.rows["enrollments"]
        self.world.rows["enrollments"] = [row for row in rows if row is not self.row]


def make_case(world: Space, folder: DataFolder) -> Case:
    """The first student of a class with a term that is open today, and the class."""
    classes = {row["sourcedId"]: row for row in world.rows["classes"]}
    users = {row["sourcedId"]: row for row in world.rows["users"]}
    for row in world.rows["enrollments"]:
        class_ = classes[row["classSourcedId"]]
        user = users[row["userSourcedId"]]
        plain = len(user["familyName"]) > 3 and (user["familyName"] + user["givenName"]).isascii()
        if row["role"] == "student" and plain and "s2-2027" not in class_["termSourcedIds"]:
            return Case(world, folder, row, user, class_)
    raise AssertionError("the practice district has no such student")


def change(**parts: Any) -> None:
    """Settings of maple, by hand."""
    change_settings(org="maple", by="test", what="test", change=lambda document: document.update(parts))


def answer_of(page: Any) -> str:
    """The card with the answer, in words."""
    text = page.content.decode()
    assert 'id="answer"' in text
    page.content = text.split('id="answer"')[1].split('id="about"')[0].encode()
    return words(page).removeprefix("> ")
