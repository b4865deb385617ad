"""What only the acting user may do, in a real browser: decide holds, hand over; and what happens when they press twice,
work in two tabs, or type a wrong secret. One organization that has synced serves all tests of this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT, started
from tests.browser.installation import MAPPED, Installation

ANN, BOB = "Ann", "Bob"
HELD = MAPPED + 'sections: {title: "{class} – {course}"}\nlimits: {update: {percent: 0, from: 1}}\n'
PAGES = (
    "select-sis/", "configuration/", "configuration/more/", "schools/", "terms/", "terms/others/", "data-prep/",
    "users/", "courses/", "sections/", "plan/", "plan/holds/", "plan/pins/", "logs/", "grade-settings/", "files/",
    "people/",
)  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Of its own: what waits and what is set here is no matter of other tests."""
    yield from started(tmp_path_factory)


def _person(browser: Browser, installation: Installation, name: str, *invitation: str) -> Page:
    context = browser.new_context(base_url=installation.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    installation.sign_in(page, name, "--org", "maple", *invitation)
    return page


@pytest.fixture(scope="module")
def people(browser: Browser, installation: Installation) -> Iterator[tuple[Page, Page]]:
    """Ann, the acting user, and Bob, another system administrator, each signed in."""
    installation.mapped()
    ann, bob = _person(browser, installation, ANN, "--acting"), _person(browser, installation, BOB)
    ann.goto("/o/maple/data-prep/")
    ann.get_by_role("button", name="Skip this step knowingly").click()
    yield ann, bob
    for page in (ann, bob):
        page.context.close()


@pytest.fixture
def ann(people: tuple[Page, Page]) -> Page:
    return people[0]


@pytest.fixture
def bob(people: tuple[Page, Page]) -> Page:
    return people[1]


def test_a_hold_is_approved_and_its_changes_are_sent(ann: Page, installation: Installation) -> None:
    """Rule 26: approving plans afresh; what was not approved still waits."""
    installation.organization("maple", "Maple Valley", HELD)
    before = _titles(installation)
    ann.goto("/o/maple/sections/")
    for box in ann.locator("input[name=school]").all():
        box.check()
    ann.get_by_role("button", name="Sync Sections/Enrollments", exact=True).click()
    ann.get_by_role("link", name=re.compile("^Look and decide")).first.click(timeout=60_000)
    assert _titles(installation) == before
    approve = ann.get_by_role("button", name="Approve")
    approve.click()  # without a reason
    expect(ann.get_by_label("Reason")).to_be_focused()
    school = ann.get_by_role("heading", level=1).inner_text().partition(":")[0]
    ann.get_by_label("Reason").fill("New titles, agreed with the schools")
    approve.click()
    expect(ann.locator("#rb-messages")).to_contain_text("A run is queued; it plans afresh")
    decided = ann.locator("section", has=ann.get_by_role("heading", name="Decided"))
    for words in (school, ANN, "New titles, agreed with the schools"):
        expect(decided).to_contain_text(words)
    ann.get_by_role("link", name="Logs", exact=True).click()
    expect(ann.locator("#live")).to_contain_text("Nothing runs or waits", timeout=60_000)
    after = _titles(installation)
    changed = {code for code in before if after[code] != before[code]}
    assert all(after[code].startswith(f"{before[code]} – ") for code in changed)
    assert changed
    assert changed != set(before), "the other schools still wait"


def _titles(installation: Installation) -> dict[str, str]:
    return {row["section_school_code"]: row["title"] for row in installation.lms_state()["sections"]}


def test_everybody_else_reads_until_the_acting_user_hands_over(
    ann: Page, bob: Page, installation: Installation
) -> None:
    """Rule 30."""
    for path in PAGES:
        bob.goto(f"/o/maple/{path}")
        expect(bob.locator(".rb-readonly")).to_have_text(
            f"You can look at everything here. Only {ANN}, the Acting User, can change it."
        )
        pressable = bob.locator(
            "main form[method=post] :is(button, input, select, textarea):not([type=hidden]):enabled"
        )
        assert [one.evaluate("one => one.outerHTML") for one in pressable.all() if one.is_visible()] == [], path
    bob.goto("/o/maple/manage-users/")
    expect(bob.get_by_text("Only the Acting User sees passwords.")).to_be_visible()
    _hand_over(ann, to=BOB)
    expect(ann.locator(".rb-readonly")).to_contain_text(f"Only {BOB}, the Acting User, can change it.")
    bob.goto("/o/maple/configuration/")
    expect(bob.get_by_text("You are the Acting User", exact=True)).to_be_visible()
    expect(bob.locator(".rb-readonly")).to_have_count(0)
    bob.goto("/o/maple/audit/")
    act = bob.get_by_role("row", name=re.compile("Handed over to another Acting User")).first
    expect(act).to_contain_text(f"{ANN} (")
    expect(act).to_contain_text(f"{BOB} (")
    _hand_over(bob, to=ANN)


def _hand_over(page: Page, *, to: str) -> None:
    page.goto("/o/maple/people/")
    page.get_by_role("link", name=f"Change {to}").click()
    page.get_by_role("link", name="Hand over …").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hand over to {to}?")
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#rb-messages")).to_contain_text(f"{to} is the Acting User now.")


def test_a_wrong_secret_is_told_and_what_was_typed_stays(ann: Page) -> None:
    ann.goto("/o/maple/configuration/")
    form = ann.locator("form", has=ann.get_by_role("button", name="Save API Credentials"))
    domain, key = form.get_by_label(re.compile("SIS Connect Domain")), form.get_by_label(re.compile("Consumer Key"))
    secret = form.get_by_label(re.compile("Consumer Secret"))
    saved = domain.input_value()
    key.fill("somebody")
    secret.fill("not-the-secret")
    test = form.get_by_role("button", name="Test connection")
    test.focus()
    test.press("Enter")
    said = ann.locator("#sis-outcome .alert")
    expect(said).to_contain_text("The connection does not work.")
    expect(said).to_contain_text("check Consumer Key and Consumer Secret")
    expect(test).to_be_focused()
    assert (key.input_value(), secret.input_value()) == ("somebody", "not-the-secret")
    domain.fill("https://127.0.0.2/ims/oneroster/v1p1")  # another host: the saved secret is not sent there
    secret.fill("")
    form.get_by_role("button", name="Save API Credentials").click()
    expect(secret).to_have_attribute("aria-invalid", "true")
    expect(secret).to_have_accessible_description(re.compile("secret", re.IGNORECASE))
    assert (domain.input_value(), key.input_value()) == ("https://127.0.0.2/ims/oneroster/v1p1", "somebody")
    domain.fill("ftp://sis.example")  # wrong elsewhere, while the secret is typed
    secret.fill("not-the-secret")
    form.get_by_role("button", name="Save API Credentials").click()
    expect(domain).to_have_attribute("aria-invalid", "true")
    assert (key.input_value(), secret.input_value()) == ("somebody", "")
    assert "not-the-secret" not in ann.content()
    ann.reload()
    ann.goto("/o/maple/configuration/")
    assert (domain.input_value(), key.input_value()) == (saved, "practice")


def test_the_second_of_two_tabs_is_told(ann: Page) -> None:
    ann.goto("/o/maple/schools/")
    if ann.get_by_role("button", name="Read the lists now").count():
        ann.get_by_role("button", name="Read the lists now").click()
    second = ann.context.new_page()
    second.goto("/o/maple/schools/")
    first_school, other_school = (
        [page.locator("main tbody select").nth(place) for page in (ann, second)] for place in (0, 1)
    )
    first_school[0].select_option("create")
    ann.get_by_role("button", name="Save Changes").click()
    expect(ann.locator("#rb-messages")).to_contain_text("Your changes are saved.")
    other_school[1].select_option("create")
    second.get_by_role("button", name="Save Changes").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else, or you in another tab, changed these settings")
    assert other_school[1].input_value() == "create"  # kept
    assert first_school[1].input_value() == ""  # and so is what would undo the first
    first_school[1].select_option("create")
    second.get_by_role("button", name="Save Changes").click()
    expect(second.locator("#rb-messages")).to_contain_text("Your changes are saved.")
    ann.goto("/o/maple/schools/")
    assert [one[0].input_value() for one in (first_school, other_school)] == ["create", "create"]
    second.close()


def test_pressing_twice_sends_once(ann: Page, installation: Installation) -> None:
    def runs() -> int:
        return len(installation.rollbook("runs", "maple")["runs"])

    before = runs()
    ann.goto("/o/maple/courses/")
    ann.locator("input[name=school]").first.check()
    ann.get_by_role("button", name="Sync Courses", exact=True).dblclick()
    ann.wait_for_url("**/logs/**")
    assert runs() == before + 1
