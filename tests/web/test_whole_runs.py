"""The metrics tell when all grades went last: of runs of all sections, which their rows say themselves."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import Organization, River, Run, RunState
from rollbook.web.figures import _last_good, _last_runs
from tests.web.world import run_now


def test_the_last_run_of_all_sections(folder: DataFolder, world: Space) -> None:
    roster = run_now(folder)
    organization = Organization.objects.get(slug="maple")
    now = timezone.now()
    assert list(_last_good(whole=True)) == []
    traits = {"organization": organization, "river": River.GRADES, "state": RunState.DONE}
    whole = Run.objects.create(id="whole", ended_at=now, **traits)
    Run.objects.create(id="part", ended_at=now + timedelta(hours=1), sections=["one"], **traits)
    Run.objects.create(id="undo", ended_at=now + timedelta(hours=2), undo_of=whole, **traits)
    Run.objects.create(id="dry", ended_at=now + timedelta(hours=3), **traits | {"dry_run": True})
    Run.objects.create(id="bad", ended_at=now + timedelta(hours=4), **traits | {"state": RunState.FAILED})
    assert list(_last_good(whole=True)) == [(["maple"], now.timestamp())]
    looked_at = Run.objects.filter(river=River.GRADES, sections=[], undo_of__isnull=True)
    assert {run.pk for run in Run.objects.filter(whole=True)} == {run.pk for run in looked_at}
    assert not Run.objects.get(pk=roster.pk).whole
    whole.save()
    assert Run.objects.get(pk="whole").whole


def test_findings_are_those_of_the_newest_run_with_a_result(folder: DataFolder, world: Space) -> None:
    run_now(folder)
    newest = run_now(folder)
    organization = Organization.objects.get(slug="maple")
    Run.objects.create(id="zzz", organization=organization, state=RunState.FAILED, ended_at=timezone.now())
    [findings, _stages] = list(_last_runs())
    assert newest.result is not None
    assert [sample.value for sample in findings.samples] == [float(sum(newest.result["findings"].values()))]
