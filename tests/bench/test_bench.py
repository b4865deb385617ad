"""The benches themselves work, and what is committed of them belongs together. No figure is judged here."""

from __future__ import annotations

import getpass
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.bench import command, figures
from tests.bench.viewers_lag import behind


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Benches of a very small district."""
    folder = tmp_path_factory.mktemp("bench")
    out = folder / "results.json"
    code = command.main(["plan", "pull", "calls", "--students", "60", "--work", str(folder), "--out", str(out)])
    assert code == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def _check_shape(results: dict[str, Any]) -> None:
    assert set(results) == {"machine", "benches"}
    assert set(results["machine"]) == {"cores", "memory_gib", "cpu", "system", "python", "duckdb"}
    assert list(results["benches"]) == [name for name in command.BENCHES if name in results["benches"]]
    for found in results["benches"].values():
        assert set(found) == {"date", "load_before", "students", "about", "figures", "details"}
        names = [figure["name"] for figure in found["figures"]]
        assert len(set(names)) == len(names) > 0
        for figure in found["figures"]:
            assert isinstance(figure["value"], int | float)
            assert ("met" in figure) == ("at_most" in figure or "at_least" in figure)


def test_small_benches_tell_all_their_figures(small: dict[str, Any]) -> None:
    _check_shape(small)
    assert set(small["benches"]) == {"plan", "pull", "calls"}


def test_a_plan_is_measured_stage_by_stage(small: dict[str, Any]) -> None:
    whole = small["benches"]["plan"]["details"]["whole"]
    assert sum(whole["first_load"]["changes"].values()) > 500
    [same], [changed] = whole["runs"]["same"], whole["runs"]["changed"]
    assert sum(same["changes"].values()) == 0
    assert 0 < sum(changed["changes"].values()) < 100
    assert {"stage", "check", "resolve", "plan"} <= set(same["seconds"])
    assert "settle" in whole["for_real"]["day 2"]["seconds"]
    [baseline] = whole["runs"]["baseline"]
    assert baseline["differences"] > 0


def test_both_clients_pull_the_same(small: dict[str, Any]) -> None:
    found = small["benches"]["pull"]["details"]
    [ours], [bare] = found["rollbook"], found["bare"]
    assert ours["users"] == bare["users"] == found["users"] > 60
    assert ours["bytes"] == bare["bytes"]
    assert ours["pages"] == bare["pages"]


def test_every_page_of_a_small_world_is_answered(tmp_path: Path) -> None:
    """With sections whose grades went to the SIS: an address that is new is asked for, or said why not."""
    folder, out = tmp_path / "bench", tmp_path / "results.json"
    assert command.main(["pages", "--students", "300", "--work", str(folder), "--out", str(out)]) == 0
    results = json.loads(out.read_text(encoding="utf-8"))
    _check_shape(results)
    found = results["benches"]["pages"]["details"]
    assert found["not answered whole"] == {}
    assert len(found["pages"]) > 75
    of_section = {f"o/<slug:slug>/grades/{name}/<path:section>/" for name in ("items", "item", "status")}
    assert of_section <= set(found["pages"])
    assert found["rows"]["GradeSection"] == 23
    assert found["rows"]["GradeItem"] > 200


def test_calls_are_counted_by_the_lms(small: dict[str, Any]) -> None:
    days = small["benches"]["calls"]["details"]["days"]
    assert [day["state"] for day in days] == ["done"] * 3
    actions = {action for day in days for group in day["groups"].values() for action in group}
    assert {"create", "update", "remove"} <= actions
    for day in days:
        assert day["writes"] >= day["least"] > 0
        assert day["changes"] == sum(sum(group.values()) for group in day["groups"].values())


def test_the_page_has_every_figure(small: dict[str, Any]) -> None:
    page = figures.page(small)
    for found in small["benches"].values():
        for figure in found["figures"]:
            assert f"| {figure['name']} |" in page


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Benches of grades of very small sections."""
    folder = tmp_path_factory.mktemp("grades")
    out = folder / "results.json"
    names = ["grades", "grades_many"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")  # the bench sets it for good
        assert command.main([*names, "--students", "4", "--work", str(folder), "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_both_clients_send_the_same_grades(grades: dict[str, Any]) -> None:
    _check_shape(grades)
    found = grades["benches"]["grades"]["details"]
    [ours], [bare] = found["rollbook"], found["bare"]
    assert ours["first"]["changes"] == bare["calls"] == found["changes"] == found["items"] * 5
    assert ours["first"]["requests"]["sis"] > bare["calls"]
    assert [again["changes"] for again in ours["again"]] == [0, 0]


def test_grades_of_many_sections_are_sent_once(grades: dict[str, Any]) -> None:
    for sections, (first, again) in grades["benches"]["grades_many"]["details"].items():
        assert (first["changes"], again["changes"]) == (int(sections) * 155, 0)
        assert first["kinds"]["line_item"]["done"] == int(sections) * 5


def test_a_small_moodle_gets_everything_once(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    assert command.main(["moodle", "--students", "24", "--work", str(tmp_path / "bench"), "--out", str(out)]) == 0
    results = json.loads(out.read_text(encoding="utf-8"))
    _check_shape(results)
    first, again = results["benches"]["moodle"]["details"]["runs"]
    (narrow,) = results["benches"]["moodle"]["details"]["two workers"]
    assert narrow["done"] == first["done"]
    assert first["state"] == again["state"] == "done"
    assert (first["done"]["user"], first["done"]["section"]) == (25, 1)
    assert first["writes"] > 0 == again["writes"]


def test_batches_of_a_small_moodle_are_measured_in_calm_and_in_trouble(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    names = ["moodle_batches", "--students", "144"]
    assert command.main([*names, "--work", str(tmp_path / "bench"), "--out", str(out)]) == 0
    results = json.loads(out.read_text(encoding="utf-8"))
    _check_shape(results)
    found = results["benches"]["moodle_batches"]["details"]
    refused = {name: one["left"]["enrollment"].get("refused", 0) for name, one in found.items()}
    assert len(refused) == 4
    assert [name.partition(", ")[2] for name, number in refused.items() if number] == ["one of each hundred refused"]
    assert len({one["done"]["enrollment"] + refused[name] for name, one in found.items()}) == 1


def test_how_far_behind_viewers_are() -> None:
    """At 1.0 the worker had sent 10, at 2.0 it had sent 20; one viewer heard of that at 2.5, another one at once."""
    steps = [(1, at, 0.0, "apply", done, 30, "user") for at, done in ((1.0, 10), (2.0, 20))]
    texts = [
        f'data: <p class="rb-stage" role="status">Send the changes</p>\ndata: <span class="rb-progress-count">'
        f"{done} of 30 user</span>\n\n"
        for done in (10, 20, 15)
    ]
    told = [[(1.1, 0), (2.5, 1)], [(1.1, 0), (2.0, 1)], [(2.1, 2), (2.2, 1)]]
    found = behind(steps, {"texts": texts, "told": told})
    assert found.seconds == [0.5, 0.0]
    assert found.untrue == 1


def test_what_is_committed_has_this_shape_and_this_page() -> None:
    results = json.loads(command.RESULTS.read_text(encoding="utf-8"))
    _check_shape(results)
    assert results["benches"]
    assert set(results["benches"]) <= set(command.BENCHES), "figures of a bench that is not there any more"
    assert command.FIGURES.read_text(encoding="utf-8") == figures.page(results)


@pytest.mark.parametrize("file", [command.RESULTS, command.FIGURES], ids=lambda path: path.name)
def test_nothing_of_one_machine_but_its_facts(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert str(command.ROOT) not in text
    assert socket.gethostname() not in text
    assert f"/{getpass.getuser()}/" not in text
