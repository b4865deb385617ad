"""What a Moodle site does not take of a person is refused by itself: nobody else waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.errors import BadResponse
from rollbook.roster.changes import Change
from tests.integration.moodle_world import PASSWORD, Switch, World


@pytest.fixture
def world(switch: Switch, tmp_path: Path) -> Iterator[World]:
    made = World(switch, tmp_path, {})
    yield made
    made.close()


ODD_NAMES = ["Ana <3", "<b>Ana</b>", "Ana<", "<>"]
ODD_ADDRESSES = [
    "ana@school", "ana@school..example", ".ana@school.example", "a.@school.example", "ana@-school.example",
    "ana@school.1example", "ana@sch_ool.example", "anä@school.example", f"{'a' * 65}@school.example",
    f"ana@{'s' * 64}.example", "a,na@school.example", "ana@school.example.", "two@at@school.example",
]  # fmt: skip
GOOD_ADDRESSES = [
    "o'neil+list@school.example", "a_b-c@xn--schl-5qa.example", "1@2.example", f"{'a' * 64}@school.example",
    "a{b}|c~d`e@s.example",
]  # fmt: skip


class TestWhatMoodleDoesNotTake:
    @pytest.mark.parametrize("field", ["first_name", "last_name", "middle_name", "preferred_first_name"])
    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_a_name_with_a_tag_is_refused_alone(self, world: World, field: str, name: str) -> None:
        (_, odd, _) = outcomes = world.apply(world.user("u1"), world.user("u2", **{field: name}), world.user("u3"))
        assert [each.status for each in outcomes] == ["done", "refused", "done"]
        assert "correct the name in the SIS" in odd.message
        assert name not in odd.message
        assert world.calls().count("core_user_create_users") == 1

    def test_less_than_is_a_name_where_a_space_follows(self, world: World) -> None:
        world.done(world.user("u1", first_name="Ana < Bob"))
        assert world.state()["users"][0]["firstname"] == "Ana < Bob"

    def test_a_new_name_with_a_tag_is_refused_alone(self, world: World) -> None:
        first, second = world.done(world.user("u1"), world.user("u2"))
        world.forget_calls()
        given = {"before": {"first_name": "Ana"}}
        outcomes = world.apply(
            world.user("u1", "update", {**given, "lms_id": first}, first_name="Ana<3"),
            world.user("u2", "update", {**given, "lms_id": second}, first_name="Eva"),
        )
        assert [each.status for each in outcomes] == ["refused", "done"]
        assert world.calls() == ["core_user_update_users"]

    @pytest.mark.parametrize("address", ODD_ADDRESSES)
    def test_an_odd_address_is_refused_alone(self, world: World, address: str) -> None:
        outcomes = world.apply(world.user("u1"), world.user("u2", email=address))
        assert [each.status for each in outcomes] == ["done", "refused"]
        assert "correct it in the SIS" in outcomes[1].message
        assert address not in outcomes[1].message
        assert world.calls().count("core_user_create_users") == 1

    @pytest.mark.parametrize("address", GOOD_ADDRESSES)
    def test_an_unusual_address_is_taken(self, world: World, address: str) -> None:
        world.done(world.user("u1", email=address))
        assert world.state()["users"][0]["email"] == address


CREATE = "core_user_create_users"
SHARED = "another account of the LMS has this e-mail address"


class TestPeopleWhoShareAnAddress:
    def family(self, world: World, number: int, size: int = 2) -> list[Change]:
        """So many people, so many of whom have one address."""
        return [world.user(f"u{n}", email=f"Family{n // size}@example.org") for n in range(number)]

    @pytest.mark.parametrize("size", [2, 40])
    def test_one_gets_an_account_and_the_others_a_reason_in_a_few_calls(self, world: World, size: int) -> None:
        outcomes = world.apply(*self.family(world, 80, size))
        assert [each.status for each in outcomes] == [
            "refused" if n % size else "done" for n in range(80)
        ]  # fmt: skip
        assert all(SHARED in each.message for each in outcomes if each.status == "refused")
        assert world.calls().count(CREATE) == 3

    @pytest.mark.parametrize("size", [2, 40])
    def test_all_get_one_where_the_site_allows_it(self, switch: Switch, tmp_path: Path, size: int) -> None:
        world = World(switch, tmp_path, {"allow_same_email": True})
        world.done(*self.family(world, 80, size))
        assert world.calls().count(CREATE) == 3
        world.done(*[world.user(f"v{n}", email="Family1@example.org") for n in range(9)])
        assert world.calls().count(CREATE) == 4
        world.close()

    @pytest.mark.parametrize("allowed", [False, True])
    def test_with_accounts_that_were_there(self, switch: Switch, tmp_path: Path, allowed: bool) -> None:
        world = World(switch, tmp_path, {"allow_same_email": allowed})
        world.done(*[world.user(f"old{n}", email=f"u{n}@example.org") for n in range(20)])
        world.fresh_target()
        world.forget_calls()
        odd = world.user("old0").after  # a username that another account has, so that the call fails
        outcomes = world.apply(*[world.user(f"u{n}") for n in range(40)], world.user("x", username=odd["username"]))
        wanted = ["done" if allowed else "refused"] * 20 + ["done"] * 20 + ["refused"]
        assert [each.status for each in outcomes] == wanted
        assert "username" in outcomes[-1].message
        assert world.calls().count(CREATE) <= 4
        world.close()

    def test_one_whose_name_is_taken_as_well_does_not_decide_for_the_others(
        self, switch: Switch, tmp_path: Path
    ) -> None:
        world = World(switch, tmp_path, {"allow_same_email": True})
        world.done(world.user("old"))
        world.fresh_target()
        (first, second) = world.apply(
            world.user("u1", username="old", email="old@example.org"), world.user("u2", email="old@example.org")
        )
        assert (first.status, second.status) == ("refused", "done")
        world.close()


def test_a_sign_in_plugin_that_is_not_there_is_told(switch: Switch, tmp_path: Path) -> None:
    world = World(switch, tmp_path, {}, auth="carrier")
    outcomes = world.apply(*[world.user(f"u{n}") for n in range(4)])
    assert {each.status for each in outcomes} == {"refused"}
    assert all("the sign-in plugin “carrier” is installed" in each.message for each in outcomes)
    world.close()


def test_nobody_is_looked_up_after_trouble_of_the_database(world: World) -> None:
    """What the database undid is not there."""
    world.fault("write_error", path=CREATE, times=1)
    world.done(*[world.user(f"u{n}") for n in range(4)])
    reads = [each for each in world.calls() if each == "core_user_get_users_by_field"]
    assert (world.calls().count(CREATE), len(reads)) == (2, 1)


ODD = [("auth", "carrier"), ("username", "Old Name"), ("firstname", "Ana<b>"), ("email", " a@b.example")]
UNREADABLE = "Moodle cannot show the account"


class TestAccountsThatMoodleCannotShow:
    @pytest.fixture
    def many(self, world: World) -> World:
        world.done(
            *[world.user(f"u{n}", last_name="Li" * (n % 4 + 1), first_name="Al" * (n % 3 + 1)) for n in range(60)]
        )
        world.fresh_target()
        world.forget_calls()
        return world

    def spoil(self, world: World, key: str, column: str = "auth", value: str = "carrier") -> None:
        world.site.store.run(f"UPDATE users SET {column} = ? WHERE idnumber = ?", value, key)

    @pytest.mark.parametrize(("column", "value"), ODD)
    def test_all_others_are_read_and_it_is_not_gone(self, many: World, column: str, value: str) -> None:
        self.spoil(many, "u7", column, value)
        found = {each.lms_id: each for each in many.target.read("user")}
        codes = {each.code for each in found.values()} - {None}
        assert codes == {f"u{n}" for n in range(60) if n != 7}
        odd = found[many.accounts["u7"]]
        assert (odd.code, odd.fields, odd.active) == (None, {}, True)

    def test_several_and_the_last_one(self, many: World) -> None:
        for key in ("u7", "u8", "u58", "u59"):
            self.spoil(many, key)
        many.site.store.run("UPDATE users SET deleted = 1 WHERE idnumber = 'u57'")
        found = [each.lms_id for each in many.target.read("user")]
        assert len(found) == len(set(found))
        assert set(many.accounts.values()) - set(found) == {many.accounts["u57"]}

    def test_nobody_is_taken_for_gone_where_all_are_odd(self, many: World) -> None:
        many.site.store.run("UPDATE users SET auth = 'carrier'")
        with pytest.raises(BadResponse, match=UNREADABLE):
            list(many.target.read("user"))

    def test_its_person_is_refused_alone(self, many: World) -> None:
        self.spoil(many, "u7")
        outcomes = many.apply(*[many.user(f"u{n}", last_name="New") for n in range(5, 70)])
        assert {at + 5: each.status for at, each in enumerate(outcomes) if each.status != "done"} == {7: "refused"}
        assert UNREADABLE in outcomes[2].message

    def test_whoever_has_its_username_is_refused_alone(self, many: World) -> None:
        self.spoil(many, "u7")
        outcomes = many.apply(many.user("v1", username="u7"), many.user("v2"))
        assert [each.status for each in outcomes] == ["refused", "done"]
        assert "username" in outcomes[0].message

    def test_it_is_neither_deactivated_nor_taken_for_another(self, many: World) -> None:
        self.spoil(many, "u7")
        leaving = [many.change("user", key, {}, "deactivate", lms_id=many.accounts[key]) for key in ("u6", "u7", "u8")]
        outcomes = many.apply(*leaving)
        assert [each.status for each in outcomes] == ["done", "refused", "done"]
        assert UNREADABLE in outcomes[1].message


def test_hidden_addresses_are_not_read_as_none(switch: Switch, tmp_path: Path) -> None:
    world = World(switch, tmp_path, {"identity_fields": frozenset()})
    world.done(world.user("u1"), world.user("u2"))
    world.site.store.run("""UPDATE users SET fields = '{"maildisplay":1}' WHERE idnumber = 'u2'""")
    found = {each.code: each.fields for each in world.target.read("user") if each.code}
    assert "email" not in found["u1"]
    assert found["u2"]["email"] == "u2@example.org"
    world.close()


class TestPasswords:
    def test_one_that_nobody_knows_need_not_be_changed(self, switch: Switch, tmp_path: Path) -> None:
        world = World(switch, tmp_path, {"password_length": 20, "password_kinds": 4})
        world.done(world.user("u1"), world.user("u2"), secrets={"u2": "Correct-Horse-1.AB2345+#"})
        state = {each["idnumber"]: each for each in world.state()["users"]}
        assert [(state[key]["has_password"], state[key]["force_change"]) for key in ("u1", "u2")] == [
            (True, False), (True, True),
        ]  # fmt: skip
        world.close()

    def test_a_weak_one_of_a_new_account_is_told_with_the_rules(self, world: World) -> None:
        (outcome, other) = world.apply(world.user("u1"), world.user("u2"), secrets={"u1": "weak", "u2": PASSWORD})
        assert (outcome.status, other.status) == ("refused", "done")
        assert "The password must have at least 8 characters." in outcome.message
        assert "<" not in outcome.message

    def test_a_weak_new_one_is_refused_alone(self, world: World) -> None:
        """Moodle's answer to the whole call is no answer then."""
        keys = [f"u{n}" for n in range(20)]
        ids = world.done(*[world.user(key) for key in keys], secrets=dict.fromkeys(keys, PASSWORD))
        new = dict.fromkeys(keys, "Correct-Horse-2") | {"u7": "weak"}
        changes = [world.user(key, "set_password", {"lms_id": own}) for key, own in zip(keys, ids, strict=True)]
        outcomes = world.apply(*changes, secrets=new)
        assert [at for at, each in enumerate(outcomes) if each.status != "done"] == [7]
        assert outcomes[7].status == "refused"
        assert "password policy" in outcomes[7].message

    def test_a_lost_answer_to_other_updates_stays_unknown(self, world: World) -> None:
        (own,) = world.done(world.user("u1"))
        world.fault("invalid_response", method="WRITE")
        (outcome,) = world.apply(world.user("u1", "update", {"lms_id": own, "before": {"last_name": "Old"}}))
        assert outcome.status == "unknown"
