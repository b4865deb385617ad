"""How the practice SIS is asked: filter, sort, fields, pages and their headers, and how it says no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.verification.sis_client import SisClient, running_sis


@pytest.fixture(scope="module")
def old() -> Iterator[SisClient]:
    with running_sis("1.1") as client:
        yield client


@pytest.fixture(scope="module")
def new() -> Iterator[SisClient]:
    with running_sis("1.2") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("/users", "familyName='Whitfield'", {"tea-whitfield"}),
        ("/users", "familyName='O''Brien'", {"stu-siobhan"}),
        ("/students", "grades='09'", {"stu-amara", "stu-sakura"}),
        ("/students", "grades~'03,10'", {"stu-bjorn", "stu-maria", "stu-priya", "stu-noa"}),
        ("/courses", "grades='08,09'", {"crs-algebra"}),
        ("/courses", "grades!='09'", {"crs-science-7", "crs-homeroom-3", "crs-homeroom-4"}),
        ("/users", "familyName~'ov'", set()),
        ("/users", "familyName~'Núñ'", {"stu-jose", "gua-carlos"}),
        ("/users", "givenName='さくら'", {"stu-sakura"}),
        ("/teachers", "roles.org.sourcedId='mv-middle'", {"tea-osei", "tea-castellanos"}),
        ("/users", "roles.role='districtAdministrator'", {"adm-ellery"}),
        ("/users", "userIds.identifier='200004'", {"tea-kim"}),
        ("/users", "enabledUser='false'", set()),
        ("/teachers", "sourcedId>='tea-o'", {"tea-osei", "tea-whitfield"}),
        ("/teachers", "sourcedId<'tea-kim'", {"tea-castellanos"}),
        ("/teachers", "sourcedId<='tea-kim' AND givenName!='Inés'", {"tea-kim"}),
        ("/teachers", "sourcedId='tea-kim' OR familyName='Osei'", {"tea-kim", "tea-osei"}),
        ("/academicSessions", "startDate>'2026-10-30' AND type='gradingPeriod'", {"gp-2", "gp-3", "gp-4"}),
        ("/academicSessions", "parent.sourcedId='sy-2027'", {"sem-1", "sem-2"}),
        ("/academicSessions", "endDate<='2026-10-31T00:00:00.000Z'", {"gp-1"}),
        ("/classes", "terms.sourcedId='sem-1' AND periods='6'", {"cls-biology"}),
        ("/enrollments", "class.sourcedId='cls-english-9' AND primary='true'", {"enr-english-9-whitfield"}),
        ("/orgs", "dateLastModified<'2020-01-31'", set()),
        ("/terms", "dateLastModified>='2020-01-31T08:00:00.000+02:00'", {"sem-1", "sem-2"}),
        ("/users", "sourcedId='norecords'", set()),
    ],
)  # fmt: skip
def test_filter_finds(new: SisClient, path: str, text: str, found: set[str]) -> None:
    assert set(new.ids(path, filter=text)) == found


def test_filter_knows_the_fields_of_1_1(old: SisClient) -> None:
    assert old.ids("/users", filter="role='administrator'") == ["adm-ellery"]
    both = "role='teacher' AND orgs.sourcedId='mv-elementary'"
    assert old.ids("/users", filter=both) == ["tea-lindqvist"]
    assert old.get("/users", filter="roles.role='teacher'").status_code == 400


def test_filter_compares_numbers_as_numbers(new: SisClient) -> None:
    assert set(new.ids("/results", "gradebook", filter="score<'100'")) == {
        "res-linear-amara", "res-linear-bjorn", "res-unit-1-amara",
    }  # fmt: skip
    assert new.ids("/results", "gradebook", filter="score>'9'") == [
        "res-linear-amara",
        "res-linear-bjorn",
    ]


@pytest.mark.parametrize(
    "text",
    ["shoeSize='9'", "familyName=Osei", "familyName = 'Osei'", "familyName='Osei' and givenName='x'",
     "familyName='Osei'  OR givenName='x'", "roles='teacher'", "school='mv-high'", "familyName='Osei", "'"],
)  # fmt: skip
@pytest.mark.parametrize("version", ["old", "new"])
def test_a_filter_that_is_not_understood_is_400(text: str, version: str, request: pytest.FixtureRequest) -> None:
    client: SisClient = request.getfixturevalue(version)
    answer = client.get("/users", filter=text)
    assert answer.status_code == 400
    assert "users" not in answer.json()
    assert "invalid_filter_field" in answer.text


def test_sort_is_by_unicode_both_ways(new: SisClient) -> None:
    names = [user["familyName"] for user in new.items("/users", sort="familyName")]
    assert names == sorted(names)
    assert names[-1] == "김"
    backwards = [user["familyName"] for user in new.items("/users", sort="familyName", orderBy="desc")]
    assert backwards == sorted(names, reverse=True)


def test_an_unknown_sort_field_keeps_the_order(old: SisClient, new: SisClient) -> None:
    for client in (old, new):
        assert client.ids("/users", sort="shoeSize") == client.ids("/users")
    for _ in range(2):  # also when the list is asked for again
        (info,) = old.get("/users", sort="shoeSize").json()["statusInfoSet"]
        assert info["imsx_codeMinor"] == "invalid_sort_field"
        assert "shoeSize" in info["imsx_description"]
    assert set(new.get("/users", sort="shoeSize").json()) == {"users"}


def test_fields_are_those_asked_for_and_no_others(old: SisClient, new: SisClient) -> None:
    for client in (old, new):
        assert client.items("/courses", fields="title,sourcedId", limit=1) == [
            {"title": "Algebra I", "sourcedId": "crs-algebra"}
        ]
        single = client.get("/users/tea-kim", fields="givenName").json()
        assert single == {"user": {"givenName": "하나"}}
    repeated = new.call("GET", "/courses?limit=1&fields=title&fields=sourcedId")
    assert set(repeated.json()["courses"][0]) == {"title", "sourcedId"}
    assert set(old.items("/users", fields="role,orgs", limit=1)[0]) == {"role", "orgs"}


def test_an_unknown_field_is_a_warning_in_1_1_and_an_error_in_1_2(old: SisClient, new: SisClient) -> None:
    body = old.get("/orgs", fields="sourcedId,shoeSize").json()
    assert body["statusInfoSet"][0]["imsx_codeMinor"] == "invalid_selection_field"
    assert "name" in body["orgs"][0], "all fields are returned"
    assert new.get("/orgs", fields="sourcedId,shoeSize").status_code == 400
    blank = old.get("/orgs", fields="")
    assert blank.status_code == 400
    assert blank.json()["statusInfoSet"][0]["imsx_codeMinor"] == "invalid_blank_selection_field"


def _links(answer: httpx2.Response) -> dict[str, dict[str, str]]:
    found = re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["link"])
    return {rel: {name: v[0] for name, v in parse_qs(urlsplit(url).query).items()} for url, rel in found}


def test_pages_carry_total_and_links(new: SisClient) -> None:
    asked = {"filter": "status='active'", "sort": "sourcedId", "fields": "sourcedId"}
    answer = new.get("/users", limit=5, offset=5, **asked)
    assert answer.headers["x-total-count"] == "21"
    assert _links(answer) == {
        "next": {**asked, "limit": "5", "offset": "10"}, "last": {**asked, "limit": "5", "offset": "20"},
        "first": {**asked, "limit": "5", "offset": "0"}, "prev": {**asked, "limit": "5", "offset": "0"},
    }  # fmt: skip
    assert "prev" not in _links(new.get("/users", limit=5))
    assert "next" not in _links(new.get("/users", limit=5, offset=20))


def test_following_next_reads_everything_once(new: SisClient) -> None:
    answer, seen = new.get("/enrollments", limit=9), []
    while True:
        seen += [record["sourcedId"] for record in answer.json()["enrollments"]]
        found = re.search(r'<([^>]*)>; rel="next"', answer.headers["link"])
        if found is None:
            break
        headers = {"Authorization": f"Bearer {new.token}"}
        answer = new.http.get(found[1], headers=headers)
    assert len(seen) == len(set(seen)) == int(answer.headers["x-total-count"]) == 28


def test_an_empty_list_is_no_error(old: SisClient, new: SisClient) -> None:
    for client in (old, new):
        for path in ("/schools/nowhere/classes", "/classes/none/students", "/terms/never/gradingPeriods"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert list(answer.json().values()) == [[]]
            assert answer.headers["x-total-count"] == "0"
        beyond = client.get("/users", offset=500)
        assert beyond.json() == {"users": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=ten", "limit=-1", "offset=-1", "orderBy=up"])
def test_a_page_that_cannot_be_is_400(new: SisClient, query: str) -> None:
    answer = new.call("GET", f"/users?{query}")
    assert answer.status_code == 400
    assert "invaliddata" in answer.text


def test_the_page_cap_clamps_silently() -> None:
    with running_sis("1.1", page_cap=4) as client:
        answer = client.get("/users", limit=10_000)
        assert len(answer.json()["users"]) == 4
        assert _links(answer)["next"] == {"limit": "4", "offset": "4"}


@pytest.mark.parametrize("path", ["/users/nobody", "/students/tea-kim", "/schools/mv-district", "/shoes", "/Users"])
def test_what_is_not_there_is_404(old: SisClient, new: SisClient, path: str) -> None:
    of_old, of_new = old.get(path), new.get(path)
    assert (of_old.status_code, of_new.status_code) == (404, 404)
    assert of_old.json()["statusInfoSet"][0]["imsx_codeMinor"] == "unknown object"
    assert "unknownobject" in of_new.text


def test_an_unknown_parent_is_404_in_gradebook_and_resources(new: SisClient) -> None:
    for path, service in (
        ("/classes/none/lineItems", "gradebook"), ("/classes/cls-biology/students/none/results", "gradebook"),
        ("/courses/none/resources", "resources"),
    ):  # fmt: skip
        assert new.get(path, service).status_code == 404


def test_rostering_paths_live_under_the_rostering_base_only(new: SisClient) -> None:
    assert new.get("/users", "gradebook").status_code == 404
    assert new.call("PUT", "/users/tea-kim", json={}).status_code == 405
    assert new.call("POST", "/lineItems", "gradebook", json={}).status_code == 405


def test_an_id_with_a_slash_is_read_encoded(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("slash")
    text = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\na/b@c,,,Hill,school,,\n"
    (folder / "orgs.csv").write_text(text, encoding="utf-8")
    with running_sis("1.2", folder) as client:
        assert client.get("/schools/a%2Fb%40c").json()["org"]["name"] == "Hill"
        assert client.get("/schools/a/b@c").status_code == 404


def test_relations_of_the_district(new: SisClient) -> None:
    assert set(new.ids("/classes/cls-english-9/teachers")) == {"tea-whitfield", "tea-kim"}
    assert set(new.ids("/schools/mv-high/courses")) == {"crs-english-9", "crs-biology", "crs-algebra"}
    assert set(new.ids("/terms/sem-2/gradingPeriods")) == {"gp-3", "gp-4"}
    assert set(new.ids("/schools/mv-middle/classes/cls-science-7/students")) == {
        "stu-jose", "stu-layla", "stu-anh", "stu-siobhan",
    }  # fmt: skip
    assert new.ids("/schools/mv-high/classes/cls-science-7/students") == []
    assert set(new.ids("/schools/mv-middle/teachers")) == {"tea-osei", "tea-castellanos"}
    osei = new.get("/users/tea-osei").json()["user"]
    assert [(r["role"], r["org"]["sourcedId"]) for r in osei["roles"]] == [
        ("teacher", "mv-high"), ("teacher", "mv-middle"),
    ]  # fmt: skip


def test_the_discovery_file_says_where_to_go(new: SisClient) -> None:
    for name in ("onerosterv1p2rostersservice_openapi3_v1p0.json", "imsorv1p2_rostering_openapi3_v1p0.json"):
        base = f"{new.url}/ims/oneroster/rostering/v1p2"
        document = new.http.get(f"{base}/discovery/{name}").json()
        assert document["servers"] == [{"url": base}]
        flow = document["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"]
        assert flow["tokenUrl"] == f"{new.url}/token"
        assert len(document["paths"]) == 41
        assert "/schools/{schoolSourcedId}/classes/{classSourcedId}/students" in document["paths"]
    assert new.http.get(f"{base}/discovery/other.json").status_code == 404
