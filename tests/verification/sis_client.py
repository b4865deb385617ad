"""A bare HTTP client for the practice SIS; it repairs nothing and retries nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis

DATA = Path(__file__).parents[1] / "data"
MAPLE_VALLEY = DATA / "maple-valley"

_BASES = {
    ("1.1", "rostering"): "/ims/oneroster/v1p1",
    ("1.1", "gradebook"): "/ims/oneroster/v1p1",
    ("1.1", "resources"): "/ims/oneroster/v1p1",
    ("1.2", "rostering"): "/ims/oneroster/rostering/v1p2",
    ("1.2", "gradebook"): "/ims/oneroster/gradebook/v1p2",
    ("1.2", "resources"): "/ims/oneroster/resources/v1p2",
}


class SisClient:
    """Calls one running practice SIS with a token for all scopes."""

    def __init__(self, url: str, version: str, http: httpx2.Client) -> None:
        self.url = url
        self.version = version
        self.http = http
        self.token = ""

    def ask_token(self, **form: str) -> dict[str, Any]:
        data = {"grant_type": "client_credentials", **form}
        answer = self.http.post(f"{self.url}/token", data=data, auth=("practice", "practice"))
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        self.token = given["access_token"]
        return given

    def call(self, method: str, path: str, service: str = "rostering", **more: Any) -> httpx2.Response:
        if not self.token:
            self.ask_token()
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        address = self.url + _BASES[self.version, service] + path
        return self.http.request(method, address, headers=headers, **more)

    def get(self, path: str, service: str = "rostering", **params: Any) -> httpx2.Response:
        return self.call("GET", path, service, params=params)

    def items(self, path: str, service: str = "rostering", **params: Any) -> list[dict[str, Any]]:
        """The records of one page."""
        answer = self.get(path, service, **params)
        assert answer.status_code == 200, answer.text
        found = [value for value in answer.json().values() if isinstance(value, list)]
        records: list[dict[str, Any]] = found[0]
        return records

    def ids(self, path: str, service: str = "rostering", **params: Any) -> list[str]:
        return [record["sourcedId"] for record in self.items(path, service, **params)]

    def control(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"{self.url}/_practice/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def requests(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.http.get(f"{self.url}/_practice/requests").json()
        return summary


@contextmanager
def running_sis(version: str, directory: Path = MAPLE_VALLEY, **settings: Any) -> Iterator[SisClient]:
    """A practice SIS inside this process; no port is opened."""
    with TestClient(create_sis(directory, version=version, **settings)) as http:
        yield SisClient(str(http.base_url), version, http)


@contextmanager
def served_sis(version: str, directory: Path = MAPLE_VALLEY, **settings: Any) -> Iterator[SisClient]:
    """A practice SIS that is served on a port of 127.0.0.1 for the length of the block."""
    with (
        serve(create_sis(directory, version=version, **settings)) as running,
        httpx2.Client(timeout=60, trust_env=False) as http,
    ):
        yield SisClient(running.url, version, http)
