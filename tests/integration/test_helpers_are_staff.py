"""Where members of a section are students (Moodle), who helps in a class is none of them (decision 41)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import TargetTraits
from rollbook.roster.changes import Change
from tests.districts import District, Organization, Watched, small
from tests.integration.moodle_world import Switch, World

Make = Callable[..., Organization]
STUDENT, TEACHER, ASSISTANT = 5, 3, 4
SIS_ROLES = {"student": "Student", "teacher": "Teacher", "aide": "Teacher", "proctor": "Student"}


@pytest.fixture
def course(switch: Switch, tmp_path: Path) -> Iterator[World]:
    world = World(switch, tmp_path, {})
    place = world.done(world.building())[0]
    world.done(world.section("s1", place))
    world.done(*[world.user(f"u{n}") for n in range(3)])
    yield world
    world.close()


class Helped(Watched):
    """The LMS in memory, in which members are students."""

    @property
    def traits(self) -> TargetTraits:
        traits: TargetTraits = self._target.traits
        return replace(traits, users_by_id=True, helpers_are_staff=True)


def helped() -> District:
    """An aide of staff, one in two classes, of which she is the student of one, and a proctor whose role is none of
    staff."""
    district = small().clazz("k2").enroll("k2", "tina", role="teacher")
    for name, role in (("ada", "aide"), ("abe", "aide"), ("pia", "proctor")):
        district.user(name, role, "A")
    return (
        district.enroll("k1", "ada", role="aide").enroll("k2", "ada", role="student")
        .enroll("k1", "abe", role="administrator").enroll("k1", "pia", role="proctor")
    )  # fmt: skip


def organized(organization: Make, *, helpers_are_staff: bool) -> Organization:
    org = organization(helped(), roles={"*": SIS_ROLES})
    if helpers_are_staff:
        org.target = Helped(org.target._target)
    return org


@pytest.mark.rule(19)
@pytest.mark.parametrize("helpers_are_staff", [True, False])
def test_who_helps_is_a_course_admin_only_where_members_are_students(
    organization: Make, helpers_are_staff: bool
) -> None:
    org = organized(organization, helpers_are_staff=helpers_are_staff)
    org.run()
    helps = "admin" if helpers_are_staff else "member"
    assert org.roster["k1|ada"] == org.roster["k1|abe"] == helps
    assert (org.roster["k2|ada"], org.roster["k1|pia"], org.roster["k1|sam"]) == ("member", "member", "member")
    assert org.roster["k1|tina"] == "admin"
    assert org.next_day().run().state == "done"
    assert org.sent == []


@pytest.mark.rule(19)
def test_who_was_a_member_before_becomes_a_course_admin(organization: Make) -> None:
    org = organized(organization, helpers_are_staff=False)
    org.run()
    org.target = Helped(org.target._target)
    org.next_day().run()
    assert {key for kind, action, key in org.sent if (kind, action) == ("enrollment", "update")} == {"k1|ada", "k1|abe"}
    assert org.roster["k1|ada"] == "admin"


def test_enrollments_tell_the_role_of_the_account(organization: Make) -> None:
    org = organized(organization, helpers_are_staff=True)
    org.run()
    roles = {each.key: each.refs["user.role"] for each in enrollments(org)}
    assert (roles["k1|ada"], roles["k1|pia"], roles["k1|tina"]) == ("Teacher", "Student", "Teacher")
    org.target.batches.clear()
    org.district.enroll("k2", "sam", "abe")
    org.next_day().run()
    assert {each.key: each.refs["user.role"] for each in enrollments(org)} == {"k2|sam": "Student", "k2|abe": "Teacher"}


def enrollments(org: Organization) -> list[Change]:
    return [change for batch in org.target.batches if batch.kind == "enrollment" for change in batch.changes]


class TestMoodle:
    def roles(self, world: World) -> set[tuple[str, int]]:
        return {(person, role) for _, person, role in world.state()["roles"]}

    def given(self, world: World, user: str, role: str | None, action: str = "create", **more: Any) -> Change:
        refs = {"user": world.accounts[user], "user.role": role}
        return world.enrollment("s1", user, action, refs=refs, **more)

    def test_a_course_admin_gets_the_role_that_theirs_is_mapped_to(self, course: World) -> None:
        assert course.target.traits.helpers_are_staff
        assert course.target.roles()["teacher"], "people may be mapped to it"
        course.done(
            self.given(course, "u0", "teacher", admin=True),
            self.given(course, "u1", "editingteacher", admin=True),
            self.given(course, "u2", "teacher"),
        )
        assert self.roles(course) == {("u0", ASSISTANT), ("u1", TEACHER), ("u2", STUDENT)}
        section = [each.lms_id for each in course.target.read("section", within=["s1"])]
        shown = {each.code: each.fields["admin"] for each in course.target.read("enrollment", within=section)}
        assert shown == {"s1|u0": True, "s1|u1": True, "s1|u2": False}

    def test_a_student_who_helps_from_now_on_is_no_student_any_more_and_back(self, course: World) -> None:
        course.done(self.given(course, "u0", "teacher"))
        course.done(self.given(course, "u0", "teacher", "update", admin=True, before={"admin": False}))
        assert self.roles(course) == {("u0", ASSISTANT)}
        course.done(self.given(course, "u0", "teacher", "update", admin=False, before={"admin": True}))
        assert self.roles(course) == {("u0", STUDENT)}

    def test_the_ids_of_a_site_of_its_own(self, course: World) -> None:
        course.fresh_target(assistant_role="teacher", assistant_role_id=TEACHER)
        course.done(self.given(course, "u0", "teacher", admin=True))
        assert self.roles(course) == {("u0", TEACHER)}
