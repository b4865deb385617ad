"""A practice LMS that is registered with the organization `maple`, and a browser that follows a launch over HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin

import httpx2

from rollbook.actions.lti import PlatformValues, register_platform
from rollbook.store.models import LtiPlatform


@dataclass
class Lms:
    """`url` is the practice LMS, `site` Rollbook."""

    url: str
    site: str
    tool: dict[str, Any] = field(default_factory=dict)

    def add_tool(self, org: str = "maple", **more: Any) -> dict[str, Any]:
        """Make Rollbook a tool of the LMS; what the LMS shows then."""
        wanted = {
            "name": "Rollbook",
            "login_url": f"{self.site}/lti/{org}/login/",
            "redirect_url": f"{self.site}/lti/{org}/launch/",
            **more,
        }
        self.tool = httpx2.post(f"{self.url}/_practice/tools", json=wanted, trust_env=False).json()
        return self.tool

    def register(self, org: str = "maple", **changes: Any) -> LtiPlatform:
        """Make the LMS a platform of Rollbook's."""
        shown = self.tool
        values = {
            "name": "Practice LMS",
            "issuer": shown["issuer"],
            "client_id": shown["client_id"],
            "deployments": [shown["deployment_id"]],
            "login_url": shown["login_url"],
            "keys_url": shown["keys_url"],
            "profile": "schoology",
            "origins": [self.url],
        }
        return register_platform(org=org, values=PlatformValues(**{**values, **changes}), by="test")

    def begin(self, user: str, section: str, tamper: str = "") -> str:
        asked = {"client_id": self.tool["client_id"], "user": user, "section": section, "tamper": tamper}
        return str(httpx2.post(f"{self.url}/_practice/launch", json=asked, trust_env=False).json()["url"])


class Browser:
    """Keeps cookies, follows redirects, and sends the forms that go on by themselves."""

    def __init__(self) -> None:
        self.http = httpx2.Client(follow_redirects=False, trust_env=False, timeout=60)
        self.seen: list[str] = []

    def go(self, address: str) -> Any:
        return self._follow(self.http.get(address))

    def to_form(self, address: str) -> tuple[str, dict[str, str]]:
        """As far as the LMS's form; where it goes, with what."""
        answer = self.http.get(address)
        while answer.is_redirect:
            answer = self.http.get(answer.headers["location"])
        form = form_of(answer)
        assert form is not None, answer.text
        return form

    def send(self, there: str, fields: dict[str, str]) -> Any:
        return self._follow(self.http.post(there, data=fields))

    def launch(self, address: str) -> Any:
        return self.send(*self.to_form(address))

    def names(self) -> set[str]:
        return {one.name for one in self.http.cookies.jar}

    def close(self) -> None:
        self.http.close()

    def _follow(self, answer: Any) -> Any:
        while answer.is_redirect:
            self.seen.append(answer.headers["location"])
            answer = self.http.get(urljoin(str(answer.url), answer.headers["location"]))
        return answer


def form_of(answer: Any) -> tuple[str, dict[str, str]] | None:
    found = re.search(r'<form method="post" action="([^"]+)" data-goes-on>(.*?)</form>', answer.text, re.S)
    if found is None:
        return None
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', found[2])
    return unescape(found[1]), {name: unescape(value) for name, value in fields}
