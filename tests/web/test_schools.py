"""The Schools page: what is shown, chosen, proposed, confirmed and saved."""

from __future__ import annotations

import re

import pytest

from rollbook.connectors.memory.space import CUT, Space
from rollbook.engine.directory import look
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, Organization, Run
from rollbook.web.school_map import SchoolMap, plain_name
from tests.web.mapping import change, maple, number, saved, selections
from tests.web.people import Answer, Person, words
from tests.web.world import run_now

PAGE, SAVE, READ, PROPOSE = (f"/o/maple/schools/{end}" for end in ("", "save/", "read/", "propose/"))
SCHOOLS = [f"org-{n:03}" for n in range(1, 4)]
ROWS = [
    {"sourcedId": "d", "name": "Maple Valley Schools", "type": "district"},
    {"sourcedId": SCHOOLS[0], "name": "Oak Elementary", "type": "school", "identifier": "OAK"},
    {"sourcedId": SCHOOLS[1], "name": "Pine Middle", "type": "school", "identifier": "PINE"},
    {"sourcedId": SCHOOLS[2], "name": "Elm High", "type": "school"},
]


def _saved() -> dict[str, str]:
    return saved().schools


def _set(**schools: str) -> None:
    """Save these schools: `org_001` is org-001, `all` is "*"."""
    named = {name.replace("_", "-").replace("all", "*"): value for name, value in schools.items()}
    change(lambda document: document.update(schools=named))


def _selected(answer: Answer) -> dict[str, str]:
    """What each drop-down of a page shows: its name to the value of its selected option."""
    return {name: value for name, [value] in selections(answer).items()}


@pytest.fixture
def known_lists(world: Space, pages: DataFolder) -> dict[str, str]:
    """Three schools and a district; buildings by title, with their LMS ids."""
    world.rows["orgs"] = ROWS
    titles = {"Oak Elementary": "B1", "PINE  middle!": "B2", "Campus": "B3"}
    ids = {title: world.add("building", code, {"title": title, "code": code}).lms_id for title, code in titles.items()}
    for side in ("sis", "lms"):
        look(pages, maple(), side, by="test")
    _set(all="skip")
    return ids


def _choose(person: Person, chosen: dict[str, str], **more: str) -> Answer:
    seen = more.pop("seen", str(number()))
    return person.post(SAVE, seen=seen, **{f"school:{org}": value for org, value in chosen.items()}, **more)


def test_before_anything_was_read(ann: Person) -> None:
    answer = ann.get(PAGE)
    assert answer.status_code == 200
    assert "was not read yet" in words(answer)
    assert "Read the lists now" in words(answer)
    assert not AuditRow.objects.filter(action="read lists").exists()  # looking at the page asks nobody


def test_read_the_lists(ann: Person, world: Space) -> None:
    assert ann.post(READ).status_code == 302
    text = words(ann.get(PAGE))
    assert "The SIS was read." in text
    assert "The LMS was read." in text
    assert all(row["name"] in text for row in world.rows["orgs"])
    assert AuditRow.objects.filter(action="read lists", by__startswith="Ann Acting").count() == 2


def test_trouble_with_reading_is_said_and_keeps_the_list(ann: Person, world: Space) -> None:
    ann.post(READ)
    world.faults.next_calls(CUT)
    ann.post(READ)
    text = words(ann.get(PAGE))
    assert "The SIS could not be read: The memory space does not answer." in text
    assert world.rows["orgs"][0]["name"] in text


def test_the_page(ann: Person, known_lists: dict[str, str]) -> None:
    _set(org_001="create", org_002="code:B2", org_003="skip", d=f"id:{known_lists['Campus']}", all="skip")
    answer = ann.get(PAGE)
    assert _selected(answer) == {
        "show": "", "school:d": f"id:{known_lists['Campus']}", f"school:{SCHOOLS[0]}": "create",
        f"school:{SCHOOLS[1]}": f"id:{known_lists['PINE  middle!']}", f"school:{SCHOOLS[2]}": "skip", "others": "skip",
    }  # fmt: skip
    for label in (
        "Map Schools",
        "Create New Building",
        "Do Not Sync",
        "Save Changes",
        "Oak Elementary (B1)",
        "district",
    ):
        assert label in words(answer)


def test_save_changes(ann: Person, known_lists: dict[str, str], pages: DataFolder) -> None:
    campus = f"id:{known_lists['Campus']}"
    chosen = {SCHOOLS[0]: campus, SCHOOLS[1]: campus, SCHOOLS[2]: "create", "d": ""}
    answer = _choose(ann, chosen, others="skip", q="x", show="mapped")
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?q=x&show=mapped")
    assert _saved() == {"*": "skip", SCHOOLS[0]: campus, SCHOOLS[1]: campus, SCHOOLS[2]: "create"}
    [run] = Run.objects.all()
    assert run.kinds == ["building", "grading_period"]
    assert run.requested_by.startswith("Ann Acting")
    page = ann.get(PAGE)
    assert "Your changes are saved." in words(page)
    assert '<a href="/o/maple/logs/' in page.content.decode()
    assert AuditRow.objects.filter(action="save schools", by__startswith="Ann Acting").count() == 1


@pytest.mark.rule(5)
def test_saving_makes_the_buildings(ann: Person, world: Space, known_lists: dict[str, str], pages: DataFolder) -> None:
    """Rule 5: saving Schools queues a setup run, which makes the buildings and nothing else."""
    from rollbook.engine.waiting import work_until_ended

    _choose(ann, {SCHOOLS[2]: "create"})
    work_until_ended(pages, Run.objects.get().pk)
    assert [one.fields["title"] for one in world.all("building")][-1] == "Elm High"
    assert not world.all("user")


def test_what_is_not_on_the_page_stays(ann: Person, known_lists: dict[str, str]) -> None:
    _set(org_001="create", gone="code:OLD", all="create")
    _choose(ann, {SCHOOLS[1]: "skip"})
    assert _saved() == {SCHOOLS[0]: "create", "gone": "code:OLD", "*": "create", SCHOOLS[1]: "skip"}


def test_equal_choices_keep_their_spelling(ann: Person, known_lists: dict[str, str]) -> None:
    _set(org_001="code:B1", all="skip")
    before = number()
    _choose(ann, {SCHOOLS[0]: f"id:{known_lists['Oak Elementary']}"}, others="skip")
    assert _saved() == {SCHOOLS[0]: "code:B1", "*": "skip"}
    assert number() == before
    assert "Nothing was changed." in words(ann.get(PAGE))


@pytest.mark.parametrize("value", ["id:999", "id:", "delete", "title:Oak", "<script>", "code:nothing"])
def test_what_cannot_be_chosen_is_refused_and_shown_again(ann: Person, known_lists: dict[str, str], value: str) -> None:
    before = number()
    answer = _choose(ann, {SCHOOLS[0]: value, SCHOOLS[1]: "create"}, others="create")
    assert answer.status_code == 422
    assert "This building cannot be chosen" in words(answer)
    assert "<script>" not in re.sub(r"<script src=[^>]*>", "", answer.content.decode())
    assert _selected(answer) == {f"school:{SCHOOLS[0]}": value, f"school:{SCHOOLS[1]}": "create", "others": "create"}
    assert (number(), Run.objects.count()) == (before, 0)


@pytest.mark.parametrize("data", [{"school:nobody": "create"}, {"others": ""}, {"school:": "create"}])
def test_schools_that_do_not_exist(ann: Person, known_lists: dict[str, str], data: dict[str, str]) -> None:
    before = number()
    assert ann.post(SAVE, seen=str(before), **data).status_code == 422
    assert number() == before


@pytest.mark.parametrize("seen", ["0", "", "x", "99999999999999999999", None])
def test_two_tabs(ann: Person, known_lists: dict[str, str], seen: str | None) -> None:
    _set(org_001="skip", all="skip")
    data = {f"school:{SCHOOLS[1]}": "create"} | ({"seen": seen} if seen is not None else {})
    answer = ann.post(SAVE, **data)
    assert answer.status_code == 422
    assert "in another tab" in words(answer)
    assert _selected(answer)[f"school:{SCHOOLS[1]}"] == "create"
    assert f'name="seen" value="{number()}"' in answer.content.decode()
    assert SCHOOLS[1] not in _saved()


def test_sent_twice(ann: Person, known_lists: dict[str, str]) -> None:
    seen = str(number())
    for _ in range(2):
        assert _choose(ann, {SCHOOLS[0]: "create"}, seen=seen).status_code == 302
    assert Run.objects.count() == 1
    assert AuditRow.objects.filter(action="save schools").count() == 1


@pytest.mark.rule(1)
def test_moving_and_unmapping_ask_first(
    ann: Person, world: Space, known_lists: dict[str, str], pages: DataFolder
) -> None:
    """Rule 1: another building is held for approval, no building freezes; the person is told before it is saved."""
    oak, campus = (f"id:{known_lists[name]}" for name in ("Oak Elementary", "Campus"))
    _set(org_001=oak, org_002="create", all="skip")
    assert run_now(pages).state == "done"
    before = number()
    chosen = {SCHOOLS[0]: campus, SCHOOLS[1]: ""}
    answer = _choose(ann, chosen, others="skip")
    text = words(answer)
    assert "Oak Elementary : from Oak Elementary (B1) to Campus (B3)" in text
    assert "until you approve" in text
    assert "Pine Middle" in text
    assert "freezes" in text
    assert number() == before
    back = _choose(ann, chosen, others="skip", back="yes")
    assert _selected(back)[f"school:{SCHOOLS[0]}"] == campus
    assert number() == before
    assert _choose(ann, chosen, others="skip", confirmed="yes").status_code == 302
    assert _saved() == {SCHOOLS[0]: campus, "*": "skip"}


def test_nothing_is_asked_before_the_first_sync(ann: Person, known_lists: dict[str, str]) -> None:
    _set(org_001="create", all="skip")
    assert _choose(ann, {SCHOOLS[0]: "skip"}).status_code == 302


def test_the_wildcard_freezes_too(ann: Person, known_lists: dict[str, str], pages: DataFolder) -> None:
    _set(all="create")
    assert run_now(pages).state == "done"
    text = words(_choose(ann, {}, others="skip"))
    assert all(name in text for name in ("Oak Elementary", "Pine Middle", "Elm High"))
    assert "Maple Valley Schools" not in text


def test_the_building_that_was_made_is_no_move() -> None:
    orgs = [{"id": "a", "name": "A", "type": "school", "code": "1"}, {"id": "b", "name": "B", "type": "", "code": ""}]
    buildings = [{"id": "7", "title": "A", "code": "1"}, {"id": "8", "title": "B", "code": "b"}]
    found = SchoolMap({"*": "create"}, orgs, buildings)
    assert found.consequences({"a": "id:7", "b": "id:8"}) == []
    assert [one.school for one in found.consequences({"a": "id:8", "b": "id:8"})] == ["A"]


def test_proposals_by_name(ann: Person, world: Space, known_lists: dict[str, str]) -> None:
    answer = ann.post(PROPOSE, how="name")
    boxes = dict(re.findall(r'name="(school:[^"]+)" value="([^"]+)" checked', answer.content.decode()))
    assert boxes == {
        f"school:{SCHOOLS[0]}": f"id:{known_lists['Oak Elementary']}",
        f"school:{SCHOOLS[1]}": f"id:{known_lists['PINE  middle!']}",
    }
    assert _saved() == {"*": "skip"}
    assert ann.post(SAVE, seen=str(number()), **boxes).status_code == 302
    assert _saved()[SCHOOLS[0]] == boxes[f"school:{SCHOOLS[0]}"]


def test_new_buildings_for_all_unmapped(ann: Person, known_lists: dict[str, str]) -> None:
    _set(org_001="skip", all="skip")
    answer = ann.post(PROPOSE, how="create")
    boxes = re.findall(r'name="school:([^"]+)" value="create" checked', answer.content.decode())
    assert sorted(boxes) == SCHOOLS[1:]  # somebody decided about the first; the district is no school
    _set(all="create")
    assert "Every school of the list is mapped" in words(ann.post(PROPOSE, how="create"))


def test_ties_are_left_alone() -> None:
    orgs = [
        {"id": str(n), "name": name, "type": "school", "code": ""} for n, name in enumerate(["Oak", "OAK", "Elm", "!"])
    ]
    buildings = [{"id": str(n), "title": name, "code": ""} for n, name in enumerate(["oak", "Elm", "e l m", "?"])]
    assert SchoolMap({}, orgs, buildings).proposals("name") == []


@pytest.mark.parametrize(
    ("one", "other"), [("St. Mary's School", "st marys school"), ("Ｏak", "OAK"), ("Straße", "STRASSE")]
)  # fmt: skip
def test_names_are_compared_plainly(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"show": "unmapped"}, {SCHOOLS[1], SCHOOLS[2]}),
        ({"show": "mapped"}, {SCHOOLS[0]}),
        ({"show": "look"}, {"gone"}),
        ({"q": "PINE"}, {SCHOOLS[1]}),
        ({"q": "oak", "show": "unmapped"}, set()),
        ({"q": "%"}, set()),
        ({"page": "99"}, {*SCHOOLS, "d", "gone"}),
        ({"page": "-1", "show": "nonsense"}, set()),
    ],
)
def test_search_and_filter(ann: Person, known_lists: dict[str, str], query: dict[str, str], shown: set[str]) -> None:
    _set(org_001="create", gone="create", all="skip")
    answer = ann.get(PAGE, **query)
    assert {name.removeprefix("school:") for name in _selected(answer) if name.startswith("school:")} == (
        shown if query.get("show") != "mapped" else shown | {"gone"}
    )


def test_what_vanished_is_shown(ann: Person, world: Space, known_lists: dict[str, str], pages: DataFolder) -> None:
    _set(gone="create", org_001=f"id:{known_lists['Campus']}", all="skip")
    campus = world.by_id("building", known_lists["Campus"])
    assert campus is not None
    world.delete("building", campus)
    look(pages, maple(), "lms", by="test")
    answer = ann.get(PAGE)
    text = words(answer)
    assert "Not in the SIS any more" in text
    assert "This building is not in Memory any more" in text
    assert "2 mappings need a look" in text
    assert _selected(answer)[f"school:{SCHOOLS[0]}"] == f"id:{known_lists['Campus']}"
    assert _choose(ann, {"gone": "", SCHOOLS[0]: "create"}).status_code == 302
    assert _saved() == {SCHOOLS[0]: "create", "*": "skip"}


@pytest.mark.parametrize("who", ["bob", "vic"])
def test_others_only_look(who: str, request: pytest.FixtureRequest, known_lists: dict[str, str]) -> None:
    person: Person = request.getfixturevalue(who)
    page = person.get(PAGE)
    assert page.status_code == 200
    assert "<fieldset disabled>" in page.content.decode()
    assert "Save Changes" not in words(page)
    for address in (SAVE, READ, PROPOSE):
        assert person.post(address, seen=str(number()), others="create").status_code == 403
    assert _saved() == {"*": "skip"}


def test_a_changed_connection_is_said(ann: Person, known_lists: dict[str, str]) -> None:
    assert "A connection was changed since" not in words(ann.get(PAGE))
    change(lambda document: document["lms"]["options"].update(page_size=7))
    assert "A connection was changed since" in words(ann.get(PAGE))


def test_without_settings(pages: DataFolder) -> None:
    from tests.web.people import make_person

    Organization.objects.create(slug="maple", name="Maple")
    ann = make_person("Ann", org="maple", acting=True)
    assert "first choose your SIS" in words(ann.get(PAGE))
    for address in (SAVE, READ, PROPOSE):
        assert ann.post(address).status_code == 302


def test_a_thousand_schools(ann: Person, world: Space, known_lists: dict[str, str], pages: DataFolder) -> None:
    world.rows["orgs"] = [{"sourcedId": f"s{n}", "name": f"School {n:04}", "type": "school"} for n in range(1000)]
    for n in range(1000):
        world.add("building", f"C{n}", {"title": f"Building {n:04}", "code": f"C{n}"})
    for side in ("sis", "lms"):
        look(pages, maple(), side, by="test")
    first = _selected(ann.get(PAGE))
    assert 10 <= len([name for name in first if name.startswith("school:")]) <= 100
    second = _selected(ann.get(PAGE, page="2"))
    assert not {name for name in second if name.startswith("school:")} & set(first)
    assert "1,000" in words(ann.get(PAGE))
