"""The practice Moodle as an LTI 1.3 platform (mod/lti): its addresses, and what a launch of it says."""

from __future__ import annotations

import time
from typing import Final

from starlette.responses import HTMLResponse

from rollbook.practice.html import frame, join, link
from rollbook.practice.lti import CLAIM, Launch, Paths, Platform
from rollbook.practice.lti_keys import Json
from rollbook.practice.moodle.settings import RELEASES
from rollbook.practice.moodle.site import SITE_COURSE, Site
from rollbook.practice.moodle.store import Row

_ROLES: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_LASTS_S: Final = 60
_NAMES: Final = frozenset({"name", "given_name", "family_name"})
_TABS: Final = (("/", "Courses"), ("/tools", "Tools"))


class MoodlePlatform(Platform):
    """The issuer is the site's address; people and courses are named by ids, and by their ID numbers in `lis`."""

    family = "moodle"
    message_hint = '{"cmid":1,"launchid":"ltilaunch1_1804289383"}'
    variables = ("User.id", "User.username", "Person.sourcedId", "CourseSection.sourcedId", "Context.id")
    paths = Paths(
        configuration="/mod/lti/openid-configuration.php", keys="/mod/lti/certs.php", authorize="/mod/lti/auth.php",
        token="/mod/lti/token.php", register="/mod/lti/openid-registration.php", section="/course/view.php",
    )  # fmt: skip

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.version = RELEASES[site.settings.moodle][0]

    def claims(self, url: str, launch: Launch, nonce: str) -> Json:
        """The message of an external tool in a course (lti_build_request, lti_get_jwt_claim_mapping)."""
        now, tool = int(time.time()), launch.tool
        user, course = self._row("users", launch.user), self._row("courses", launch.section)
        claims: Json = {
            "iss": url, "aud": tool.client_id, "sub": launch.user, "nonce": nonce, "iat": now, "exp": now + _LASTS_S,
            CLAIM + "message_type": "LtiResourceLinkRequest", CLAIM + "version": "1.3.0",
            CLAIM + "deployment_id": tool.deployment_id, CLAIM + "target_link_uri": tool.target,
            CLAIM + "resource_link": {"id": f"{launch.section}-1", "title": tool.name, "description": ""},
            CLAIM + "context": {
                "id": launch.section, "type": ["CourseSection"], "label": course["shortname"] if course else "",
                "title": course["fullname"] if course else "",
            },
            CLAIM + "roles": self._roles(launch),
            CLAIM + "lis": {
                "person_sourcedid": user["idnumber"] if user else "",
                "course_section_sourcedid": course["idnumber"] if course else "",
            },
            CLAIM + "launch_presentation": {
                "locale": self.site.settings.lang, "document_target": "iframe",
                "return_url": f"{url}/mod/lti/return.php",
            },
            CLAIM + "ext": {"lms": "moodle-2"},
            CLAIM + "tool_platform": {
                "product_family_code": "moodle", "version": RELEASES[self.site.settings.moodle][1], "guid": url,
                "name": "practice", "description": "Practice Moodle",
            },
        }  # fmt: skip
        custom = {name: self._value(value, launch, user, course) for name, value in tool.custom.items()}
        if user is not None and _NAMES & set(tool.claims):
            claims[CLAIM + "ext"]["user_username"] = user["username"]
        return claims | self._person(user, set(tool.claims)) | ({CLAIM + "custom": custom} if custom else {})

    def _row(self, table: str, row_id: str) -> Row | None:
        return self.site.store.one(f"SELECT * FROM {table} WHERE id = ?", row_id)

    def _person(self, user: Row | None, wanted: set[str]) -> Json:
        """Names and e-mail address go to tools that asked for them when they were registered."""
        if user is None:
            return {}
        first, last = user["firstname"], user["lastname"]
        names = {"name": f"{first} {last}", "given_name": first, "family_name": last} if _NAMES & wanted else {}
        return names | ({"email": user["email"]} if "email" in wanted else {})

    def _roles(self, launch: Launch) -> list[str]:
        """Who may manage activities is an instructor, everybody else a learner (lti_get_ims_role)."""
        sql = "SELECT role FROM role_assignments WHERE course = ? AND user = ?"
        held = {row["role"] for row in self.site.store.all(sql, launch.section, launch.user)}
        names = self.site.settings.roles
        teaches = held & {names["manager"], names["editingteacher"], names["teacher"]}
        return [_ROLES + ("Instructor" if teaches else "Learner")]

    def _value(self, value: str, launch: Launch, user: Row | None, course: Row | None) -> str:
        """A variable filled in; one that is not known stays as it was written."""
        known = {
            "$User.id": launch.user, "$Context.id": launch.section,
            "$User.username": user["username"] if user else "",
            "$Person.sourcedId": user["idnumber"] if user else "",
            "$CourseSection.sourcedId": course["idnumber"] if course else "",
        }  # fmt: skip
        return str(known.get(value, value))

    def people(self, section: int) -> list[tuple[str, str, str]]:
        rows = self.site.store.all(
            "SELECT u.id, u.firstname, u.lastname, MIN(r.role) AS role FROM enrolments e JOIN users u ON u.id = e.user "
            "LEFT JOIN role_assignments r ON r.user = u.id AND r.course = e.course WHERE e.course = ? "
            "GROUP BY u.id ORDER BY role, u.lastname, u.firstname", section,
        )  # fmt: skip
        names = self.site.role_names()
        return [
            (str(row["id"]), f"{row['lastname']}, {row['firstname']}", names.get(row["role"], "no role"))
            for row in rows
        ]

    def page(self, title: str, *content: object, status: int = 200) -> HTMLResponse:
        return frame(title, *content, status=status, of="Practice Moodle", tabs=_TABS)

    def courses(self) -> HTMLResponse:
        """The site's first page: each course leads to who may open a tool there."""
        rows = self.site.store.all("SELECT id, fullname FROM courses WHERE id != ? ORDER BY fullname", SITE_COURSE)
        links = [link(f"{self.paths.section}/{row['id']}/tools", row["fullname"]) for row in rows]
        return self.page("Courses", join(links, "<br>") if links else "Nothing here yet.")

    def note(self, method: str, path: str) -> None:
        self.site.traffic.note(method, path, 200)
