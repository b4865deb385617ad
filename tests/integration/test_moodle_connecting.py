"""The first minutes with a Moodle: addresses and tokens as people copy them, and rights that the account lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.moodle.address import site_address, token
from rollbook.errors import AuthFailed, ConfigError
from rollbook.roster.reasons import recognized
from rollbook.roster.words import Words
from tests.integration.moodle_world import TOKEN, Switch, World


class Connecting:
    """Makes one world after the other, and closes them."""

    def __init__(self, switch: Switch, work: Path) -> None:
        self._switch, self._work = switch, work
        self.made: list[World] = []

    def __call__(self, site: dict[str, Any] | None = None, **options: Any) -> World:
        self.made.append(World(self._switch, self._work, site or {}, **options))
        return self.made[-1]

    @property
    def url(self) -> str:
        return self._switch.url


@pytest.fixture
def connecting(switch: Switch, tmp_path: Path) -> Iterator[Connecting]:
    made = Connecting(switch, tmp_path)
    yield made
    for world in made.made:
        world.close()


class TestAddresses:
    @pytest.mark.parametrize(
        "typed",
        [
            "https://m.example.org",
            " https://m.example.org/ ",
            "m.example.org",
            "https://m.example.org/login/index.php",
            "https://m.example.org/my/",
            "https://m.example.org/my/courses.php",
            "https://m.example.org/?redirect=0",
            "https://m.example.org/webservice/rest/server.php?wstoken=secret#top",
            "https://m.example.org/admin/settings.php?section=webservicesoverview",
            "https://m.example.org/admin/webservice/tokens.php",
            "https://m.example.org/course/view.php?id=7",
            "https://m.example.org/index.php",
        ],
    )
    @pytest.mark.parametrize("below", ["", "/moodle", "/learn/moodle5"])
    def test_of_a_page_lead_to_the_site(self, typed: str, below: str) -> None:
        given = typed.replace("m.example.org", f"m.example.org{below}")
        assert site_address(given) == f"https://m.example.org{below}"

    @pytest.mark.parametrize("typed", ["", "   ", "https://", "http://[", "ftp://m.example.org/my", "what is this"])
    def test_that_are_none_are_refused(self, connecting: Connecting, typed: str) -> None:
        with pytest.raises(ConfigError):
            connecting(base_url=typed)

    def test_work_as_they_were_copied(self, connecting: Connecting) -> None:
        world = connecting({"path": "/moodle"}, base_url=f" {connecting.url}/moodle/login/index.php?x=1 ")
        assert world.target.test().ok


class TestTokens:
    def test_with_blanks_around_them_work(self, connecting: Connecting) -> None:
        assert connecting(token=f" {TOKEN}\n").target.test().ok

    @pytest.mark.parametrize("typed", ["", "two words", "0123456789abcdef;0123456789abcdef", "tokén"])
    def test_that_are_none_are_refused_without_being_told(self, connecting: Connecting, typed: str) -> None:
        with pytest.raises(ConfigError, match="Manage tokens") as caught:
            connecting(token=typed)
        assert not typed or typed not in str(caught.value)

    def test_are_taken_as_they_are(self) -> None:
        assert token("0123456789abcdef0123456789ABCDEF") == "0123456789abcdef0123456789ABCDEF"


class TestRights:
    NEEDED = (
        "moodle/user:create",
        "moodle/user:update",
        "moodle/user:viewalldetails",
        "moodle/category:manage",
        "moodle/course:create",
        "enrol/manual:enrol",
    )

    def before_and_after(self, world: World) -> tuple[Any, Any]:
        """The site before a test, which may be refused, and after it."""
        before = world.state()
        with suppress(AuthFailed):
            world.target.test()
        return before, world.state()

    @pytest.mark.parametrize("capability", NEEDED)
    @pytest.mark.parametrize("moodle", ["4.1", "5.1"])
    def test_each_one_that_lacks_is_named(self, connecting: Connecting, capability: str, moodle: str) -> None:
        world = connecting({"denied": frozenset({capability}), "moodle": moodle})
        with pytest.raises(AuthFailed, match="lacks these capabilities") as caught:
            world.target.test()
        assert [each for each in self.NEEDED if each in str(caught.value)] == [capability]
        assert "assign" not in str(caught.value)

    def test_all_are_named_at_once(self, connecting: Connecting) -> None:
        world = connecting({"denied": frozenset(self.NEEDED)})
        with pytest.raises(AuthFailed) as caught:
            world.target.test()
        assert [each for each in self.NEEDED if each not in str(caught.value)] == []

    def test_functions_that_lack_are_named_with_them(self, connecting: Connecting) -> None:
        everything = {row["name"] for row in connecting().target._reader.site()["functions"]}
        functions = frozenset(everything - {"core_course_update_courses"})
        world = connecting({"functions": functions, "denied": frozenset({"moodle/category:manage"})})
        with pytest.raises(AuthFailed) as caught:
            world.target.test()
        said = str(caught.value)
        assert "lacks these functions: core_course_update_courses; it lacks these capabilities: moodle/category" in said
        whole = recognized(said)
        assert isinstance(whole, Words)
        parts = whole.values["whys"]
        assert isinstance(parts, Words)
        assert all(isinstance(each, Words) for each in parts.values.values())

    @pytest.mark.parametrize(
        "function", ["core_course_get_categories", "core_user_get_users", "core_user_create_users"]
    )
    def test_one_function_that_lacks_hides_no_other_trouble(self, connecting: Connecting, function: str) -> None:
        everything = {row["name"] for row in connecting().target._reader.site()["functions"]}
        world = connecting({"functions": frozenset(everything - {function})})
        with pytest.raises(AuthFailed, match=f"^the service of the token lacks these functions: {function}$"):
            world.target.test()

    def test_roles_that_may_not_be_assigned_are_named(self, connecting: Connecting) -> None:
        world = connecting({"assignable_roles": frozenset({5})})
        with pytest.raises(AuthFailed, match=r"may not assign these roles .*: editingteacher, teacher;") as caught:
            world.target.test()
        assert "capabilities" not in str(caught.value)

    @pytest.mark.parametrize("denied", [(), NEEDED])
    @pytest.mark.parametrize("root", [0, 1])
    def test_finding_out_changes_nothing(self, connecting: Connecting, denied: tuple[str, ...], root: int) -> None:
        before, after = self.before_and_after(connecting({"denied": frozenset(denied)}, root_category=root))
        assert before == after

    @pytest.mark.parametrize("action", ["create", "update"])
    def test_a_run_without_them_ends_instead_of_refusing_each_account(
        self, connecting: Connecting, action: str
    ) -> None:
        world = connecting({"denied": frozenset({f"moodle/user:{action}"})})
        more = {"more": {"lms_id": "7", "before": {"first_name": "Old"}}} if action == "update" else {}
        with pytest.raises(AuthFailed, match=f"lacks the capability moodle/user:{action}"):
            world.apply(*[world.user(f"u{n}", action, **more) for n in range(50)])
        assert world.calls().count(f"core_user_{action}_users") == 1


class TestAccounts:
    """What is amiss with the service account, as the connection test says it."""

    @pytest.mark.parametrize(
        ("account", "words"),
        [
            ("wsaccessuserdeleted", "make another one"),
            ("wsaccessuserunconfirmed", "confirm it"),
            ("wsaccessusersuspended", "activate it"),
            ("wsaccessuserexpired", "set a new one"),
            ("wsaccessusernologin", "Web services authentication"),
            ("forcepasswordchangenotice", "untick Force password change"),
            ("nopasswordchangeforced", "untick Force password change"),
            ("usernotfullysetup", "required fields"),
            ("sitepolicynotagreed", "agree for it"),
            ("restrictedcontextexception", "make one for the whole site"),
        ],
    )
    @pytest.mark.parametrize("lang", ["en", "es"])
    def test_the_test_says_what_to_do(self, connecting: Connecting, account: str, words: str, lang: str) -> None:
        world = connecting({"account": account, "lang": lang})
        for ask in (world.target.test, lambda: world.apply(world.user("u1"))):
            with pytest.raises(AuthFailed, match=words) as caught:
                ask()
            assert account in str(caught.value)
            assert "rollbook" not in str(caught.value).lower()  # no name of the account
            whole = recognized(str(caught.value))
            assert isinstance(whole, Words)  # so pages can say it in another language
            assert isinstance(whole.values["why"], Words)
