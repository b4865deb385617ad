"""Schoology target in trouble: lost answers are unknown, refusals are loud, nothing secret is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.connectors.base import Batch
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.connectors.schoology.target import SchoologyTarget
from rollbook.errors import AuthFailed, BadResponse, BatchRefused, ConfigError, Throttled, Unavailable
from tests.integration.schoology_world import PASSWORD, Hasty, World, context, practice


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with practice(tmp_path) as made:
        yield made


@pytest.fixture
def place(world: World) -> str:
    (found,) = world.done(world.building())
    list(world.target.roles())
    world.reset_counters()
    return found


LOST = ["drop_answer", "cut", "server_error", "unavailable", "truncate"]


class TestLostAnswers:
    @pytest.mark.parametrize("fault", LOST)
    def test_every_record_of_the_call_is_unknown_and_nothing_is_sent_again(
        self, world: World, place: str, fault: str
    ) -> None:
        world.fault(fault, method="POST", path="/v1/users")
        outcomes = world.apply(world.user("u1", place), world.user("u2", place))
        assert [each.status for each in outcomes] == ["unknown", "unknown"]
        assert {each.lms_id for each in outcomes} == {None}
        world.no_faults()
        assert len([row for row in world.requests()["log"] if row[1] == "POST"]) == 1

    @pytest.mark.parametrize("fault", LOST)
    def test_sent_again_they_land_once(self, world: World, place: str, fault: str) -> None:
        changes = [world.user("u1", place), world.user("u2", place)]
        world.fault(fault, method="POST", path="/v1/users", times=1)
        world.apply(*changes, secrets={"u1": PASSWORD, "u2": PASSWORD})
        world.done(*changes, secrets={"u1": PASSWORD, "u2": PASSWORD})
        assert [each["school_uid"] for each in world.state()["users"]] == ["practice-admin", "u1", "u2"]
        assert world.password("u2", PASSWORD)["matches"]

    @pytest.mark.parametrize("kind", ["building", "grading_period"])
    def test_a_lost_create_of_a_building_or_period_is_found_again(self, world: World, place: str, kind: str) -> None:
        change = world.building("south") if kind == "building" else world.period()
        world.fault("drop_answer", method="POST", times=1)
        (outcome,) = world.apply(change)
        assert outcome.status == "unknown"
        (record,) = world.target.look_up([change])
        assert record is not None
        assert world.done(change) == [record.lms_id]
        assert len(world.state()[f"{kind}s"]) == (2 if kind == "building" else 1)

    @pytest.mark.parametrize("fault", ["half_done", "short_answer"])
    def test_half_an_answer_is_no_answer_for_the_rest(self, world: World, place: str, fault: str) -> None:
        world.fault(fault, method="POST", path="/v1/users", times=1)
        changes = [world.user(f"u{n}", place) for n in range(4)]
        outcomes = world.apply(*changes)
        assert "unknown" in {each.status for each in outcomes}
        assert "refused" not in {each.status for each in outcomes}
        assert all(each.lms_id for each in outcomes if each.status == "done")
        assert len(world.done(*changes)) == 4

    def test_a_web_page_instead_of_an_answer_is_unknown(self, world: World, place: str) -> None:
        world.fault("html", method="POST", path="/v1/users")
        (outcome,) = world.apply(world.user("u1", place))
        assert outcome.status == "unknown"


class TestRefusals:
    def test_records_refused_one_by_one(self, world: World, place: str) -> None:
        world.fault("refuse_items", each=2, code=409, message="Ana Diaz (ana@example.org) exists")
        outcomes = world.apply(*[world.user(f"u{n}", place) for n in range(4)])
        assert [each.status for each in outcomes] == ["done", "refused", "done", "refused"]
        assert (outcomes[1].code, outcomes[1].message) == (409, "[name] Diaz ([e-mail]) exists")

    @pytest.mark.rule(14)
    def test_a_password_that_the_lms_quotes_gets_no_further(self, world: World, place: str) -> None:
        world.fault("refuse_items", each=2, code=422, message=f"weak: {PASSWORD}")
        changes = [world.user(f"u{n}", place) for n in range(4)]
        outcomes = world.apply(*changes, secrets={change.key: PASSWORD for change in changes})
        assert [each.status for each in outcomes] == ["done", "refused", "done", "refused"]
        assert outcomes[3].message == "weak: [password]"

    def test_a_call_refused_whole_is_not_blamed_on_its_records(self, world: World, place: str) -> None:
        world.fault("not_found", method="POST", path="/v1/users")
        with pytest.raises(BatchRefused) as caught:
            world.apply(world.user("u1", place))
        assert caught.value.status == 404

    @pytest.mark.parametrize("fault", ["forbidden", "unauthorized", "expire_token"])
    def test_a_refused_key_stops_everything(self, world: World, place: str, fault: str) -> None:
        world.fault(fault, method="POST")
        with pytest.raises(AuthFailed):
            world.apply(world.user("u1", place))
        with pytest.raises(AuthFailed):
            world.apply(world.building("south"))

    def test_a_wrong_secret(self, tmp_path: Path) -> None:
        with practice(tmp_path, secret="wrong") as world, pytest.raises(AuthFailed) as caught:
            world.target.test()
        assert "wrong" not in str(caught.value)

    def test_an_lms_that_is_not_there(self, tmp_path: Path) -> None:
        target = SchoologyTarget(
            SchoologyOptions(base_url="http://127.0.0.1:9/v1", key="k", secret="s"),
            context(tmp_path, Hasty()),
        )
        with pytest.raises(Unavailable):
            target.test()
        target.close()

    def test_a_private_address_needs_permission(self, tmp_path: Path) -> None:
        options = SchoologyOptions(base_url="http://127.0.0.1:9/v1", key="k", secret="s")
        with pytest.raises(ConfigError):
            SchoologyTarget(options, context(tmp_path, Hasty(), allow_private_hosts=False))


class TestThrottling:
    def test_a_short_wait_is_waited_out(self, world: World, place: str) -> None:
        world.fault("throttle", retry_after=1, times=1, method="POST")
        assert len(world.done(world.user("u1", place))) == 1
        assert world.requests()["refused"] == 1

    def test_a_long_wait_is_told(self, world: World, place: str) -> None:
        world.fault("throttle", retry_after=3600, method="POST")
        with pytest.raises(Throttled) as caught:
            world.apply(world.user("u1", place))
        assert caught.value.retry_after >= 3600


class TestReading:
    @pytest.fixture
    def crowd(self, world: World, place: str) -> World:
        world.done(*[world.user(f"u{n}", place) for n in range(30)])
        return world

    @pytest.mark.parametrize("fault", ["cut", "server_error", "truncate", "drop_answer"])
    def test_passing_trouble_is_retried(self, crowd: World, fault: str) -> None:
        crowd.fault(fault, method="GET", path="/v1/users", times=1)
        assert len(list(crowd.target.read("user"))) == 31

    @pytest.mark.parametrize("fault", ["repeat_page", "drift", "missing_key", "html"])
    def test_lists_that_never_add_up_are_an_error_not_a_part(self, tmp_path: Path, fault: str) -> None:
        with practice(tmp_path, page_size=10) as world:
            (place,) = world.done(world.building())
            world.done(*[world.user(f"u{n}", place) for n in range(30)])
            world.fault(fault, method="GET", path="/v1/users")
            with pytest.raises(BadResponse):
                list(world.target.read("user"))

    @pytest.mark.parametrize("fault", ["repeat_page", "drift"])
    def test_drift_that_passes_is_swept_up(self, tmp_path: Path, fault: str) -> None:
        with practice(tmp_path, page_size=10) as world:
            (place,) = world.done(world.building())
            world.done(*[world.user(f"u{n}", place) for n in range(30)])
            world.fault(fault, method="GET", path="/v1/users", times=1)
            codes = [each.code for each in world.target.read("user")]
            assert len(codes) == len(set(codes)) == 31

    def test_short_pages_are_read_on(self, crowd: World) -> None:
        crowd.fault("half_page", method="GET", path="/v1/users", times=2)
        assert len(list(crowd.target.read("user"))) == 31

    def test_an_unreadable_kind_is_an_error(self, crowd: World) -> None:
        crowd.fault("forbidden", method="GET", path="/v1/users")
        with pytest.raises(AuthFailed):
            list(crowd.target.read("user"))


class TestSecrets:
    @pytest.mark.rule(14)
    def test_nothing_personal_in_errors_logs_or_reprs(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with practice(tmp_path, lms={"secret": "s3cr3t-of-the-key"}, secret="s3cr3t-of-the-key") as world:
            (place,) = world.done(world.building())
            change = world.user("u1", place, first_name="Xanthippe", username="two words")
            shown = [repr(world.target), repr(world.options), repr(world.target.test())]
            batch = Batch(kind="user", action="create", changes=[change], secrets={"u1": PASSWORD})
            outcomes = world.target.apply(batch)
            shown += [repr(batch), *map(repr, outcomes), *[each.message for each in outcomes]]
            for fault in ("server_error", "not_found", "forbidden"):
                world.fault(fault, method="POST", times=1)
                try:
                    shown += [each.message for each in world.target.apply(batch)]
                except (BatchRefused, AuthFailed) as error:
                    shown += [str(error), repr(error)]
        text = "\n".join([*shown, caplog.text])
        for secret in ("s3cr3t", PASSWORD, "Xanthippe", "u1@example.org", "two words"):
            assert secret not in text


@pytest.mark.parametrize("signature", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("stamps", ["any", "strict"])
def test_both_signatures_and_a_fresh_one_after_each_redirect(tmp_path: Path, signature: str, stamps: str) -> None:
    lms = {"timestamps": stamps, "fractional_timestamps": False}
    with practice(tmp_path, lms=lms, signature=signature) as world:
        report = world.target.test()
        assert report.ok
        assert world.calls("GET", "users/me") == 1  # answers 303
        assert world.calls("GET", "users/{id}") == 1
