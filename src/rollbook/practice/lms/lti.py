"""The practice LMS as an LTI 1.3 platform: its addresses, and what a launch of it says."""

from __future__ import annotations

import time
from typing import Final

from starlette.responses import HTMLResponse

from rollbook.practice.lms.html import frame
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lti import CLAIM, LASTS_S, Launch, Paths, Platform
from rollbook.practice.lti_keys import Json

_ROLES: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


class LmsPlatform(Platform):
    """What is peculiar to Schoology."""

    family = "schoology"
    version = "practice"
    variables = ("User.id", "com.schoology.User.uniqueId", "com.schoology.CourseSection.id")
    paths = Paths(
        configuration="/.well-known/openid-configuration", keys="/lti/keys", authorize="/lti/authorize",
        token="/lti/token", register="/lti/register", section="/sections",
    )  # fmt: skip

    def __init__(self, lms: Lms) -> None:
        super().__init__()
        self.lms = lms

    def claims(self, url: str, launch: Launch, nonce: str) -> Json:
        """The message of a course app (LTI Core 1.3, 5.3 and 5.4)."""
        now, tool = int(time.time()), launch.tool
        known = {
            "$User.id": launch.user, "$com.schoology.User.uniqueId": self._unique_id(launch.user),
            "$com.schoology.CourseSection.id": launch.section,
        }  # fmt: skip
        claims: Json = {
            "iss": url, "aud": tool.client_id, "azp": tool.client_id, "sub": launch.user, "nonce": nonce,
            "iat": now, "exp": now + LASTS_S,
            CLAIM + "message_type": "LtiResourceLinkRequest", CLAIM + "version": "1.3.0",
            CLAIM + "deployment_id": tool.deployment_id, CLAIM + "target_link_uri": tool.target,
            CLAIM + "resource_link": {"id": f"{launch.section}-{tool.client_id}"},
            CLAIM + "context": {"id": launch.section, "type": ["CourseSection"]},
            CLAIM + "roles": [_ROLES + "Instructor"],
            CLAIM + "launch_presentation": {"document_target": "iframe"},
            CLAIM + "tool_platform": {"guid": url, "product_family_code": "schoology"},
        }  # fmt: skip
        custom = {name: known.get(value, value) for name, value in tool.custom.items()}
        return claims | ({CLAIM + "custom": custom} if custom else {})

    def _unique_id(self, user: str) -> str:
        row = self.lms.store.one("SELECT school_uid FROM users WHERE id = ?", user)
        return str(row["school_uid"]) if row is not None else "$com.schoology.User.uniqueId"

    def people(self, section: int) -> list[tuple[str, str, str]]:
        rows = self.lms.store.all(
            "SELECT u.id, u.name_first, u.name_last, e.admin FROM enrollments e JOIN users u ON u.id = e.user_id "
            "WHERE e.section_id = ? ORDER BY e.admin DESC, u.name_last, u.name_first", section,
        )  # fmt: skip
        return [
            (str(row["id"]), f"{row['name_last']}, {row['name_first']}", "course admin" if row["admin"] else "member")
            for row in rows
        ]

    def page(self, title: str, *content: object, status: int = 200) -> HTMLResponse:
        return frame(title, *content, status=status, tab="/tools" if title == "Tools" else "/courses")

    def note(self, method: str, path: str) -> None:
        self.lms.traffic.note(method, path, 200)
