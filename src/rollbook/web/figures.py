"""What `/metrics` tells, read from the database at each look: so any process may be asked, and none need remember."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, OuterRef, Subquery, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from rollbook.store import workers
from rollbook.store.models import HoldRow, HoldState, NoticeRow, Organization, River, Run, RunState
from rollbook.store.runs import stored_result

_SLUG = "organization__slug"
_GOOD = (RunState.DONE, RunState.HELD)


class Figures(Collector):
    """Gathers everything; queries that count, and one row of the last run for each organization."""

    def collect(self) -> Iterator[Metric]:
        start = time.perf_counter()
        yield from _runs()
        yield from _queue()
        yield from _durations()
        yield from _requests()
        yield from _last_runs()
        yield from _waiting()
        yield from _workers()
        took = GaugeMetricFamily("rollbook_metrics_seconds", "How long gathering these figures took.")
        took.add_metric([], time.perf_counter() - start)
        yield took


def _gauge(name: str, text: str, labels: Iterable[str], rows: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"rollbook_{name}", text, labels=list(labels))
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _runs() -> Iterator[Metric]:
    rows = Run.objects.order_by().values_list(_SLUG, "state").annotate(number=Count("pk"))
    found = (([slug, state], number) for slug, state, number in rows)
    yield _gauge("runs", "Runs by state.", ("organization", "state"), found)
    text = "When the last run ended that brought the LMS up to date, holds aside."
    yield _gauge("last_success_timestamp_seconds", text, ("organization",), _last_good(river=River.ROSTER))
    grades = Run.objects.filter(river=River.GRADES).order_by().values_list(_SLUG, "state").annotate(number=Count("pk"))
    of_grades = (([slug, state], number) for slug, state, number in grades)
    yield _gauge("grade_runs", "Of these runs, those that send grades back.", ("organization", "state"), of_grades)
    text = "When the last run ended that sent the grades of all sections, holds aside."
    whole = _last_good(whole=True)
    yield _gauge("last_grades_success_timestamp_seconds", text, ("organization",), whole)


def _last_good(**which: object) -> Iterator[tuple[list[str], float]]:
    good = Run.objects.filter(state__in=_GOOD, dry_run=False, **which).order_by()
    for slug, at in good.values_list(_SLUG).annotate(Max("ended_at")):
        if at is not None:
            yield [slug], at.timestamp()


def _queue() -> Iterator[Metric]:
    found = Run.objects.filter(state=RunState.QUEUED).aggregate(number=Count("pk"), oldest=Min("created_at"))
    age = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    yield _gauge("queue_length", "Runs that wait for a worker.", (), [([], found["number"])])
    yield _gauge("queue_oldest_age_seconds", "How long the first of them has waited.", (), [([], max(0.0, age))])


def _durations() -> Iterator[Metric]:
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    ended = Run.objects.filter(ended_at__isnull=False, started_at__isnull=False).order_by()
    family = SummaryMetricFamily("rollbook_run_duration_seconds", "From start to end.", labels=["organization"])
    for slug, number, total in ended.values_list(_SLUG).annotate(Count("pk"), total=Sum(took)):
        family.add_metric([slug], number, (total or timedelta()).total_seconds())
    yield family


def _requests() -> Iterator[Metric]:
    family = CounterMetricFamily("rollbook_requests", "Calls attempted in ended runs.", labels=["organization", "side"])
    totals = {"sis": Sum("requests_sis"), "lms": Sum("requests_lms")}
    for row in Run.objects.order_by().values(_SLUG).annotate(**totals):
        for side in totals:
            family.add_metric([row[_SLUG], side], row[side] or 0)
    yield family


def _last_runs() -> Iterator[Metric]:
    ended = Run.objects.filter(result__isnull=False, ended_at__isnull=False, dry_run=False, river=River.ROSTER)
    newest = ended.filter(organization=OuterRef("pk")).order_by("-created_at", "-id").values("pk")[:1]
    ids = Organization.objects.order_by().values_list(Subquery(newest), flat=True)
    findings, stages = [], []
    for run in Run.objects.filter(pk__in=[one for one in ids if one]).select_related("organization"):
        result, slug = stored_result(run), run.organization.slug
        findings.append(([slug], float(sum(result.findings.values()))))
        stages += [([slug, stage], seconds) for stage, seconds in result.seconds.items()]
    yield _gauge("last_run_findings", "Findings of the last run.", ("organization",), findings)
    yield _gauge("last_run_stage_seconds", "Time of each stage of the last run.", ("organization", "stage"), stages)


def _waiting() -> Iterator[Metric]:
    holds = HoldRow.objects.filter(state=HoldState.WAITING).order_by().values_list(_SLUG).annotate(number=Count("pk"))
    rows = (([slug], number) for slug, number in holds)
    yield _gauge("holds_waiting", "Holds that wait for a person.", ("organization",), rows)
    notices = NoticeRow.objects.order_by().values_list("state").annotate(number=Count("pk"))
    yield _gauge("notices", "Notices in the outbox.", ("state",), (([state], number) for state, number in notices))


def _workers() -> Iterator[Metric]:
    yield _gauge("workers_alive", "Processes that work the queue.", (), [([], workers.alive())])
    seen = (([worker], at.timestamp()) for worker, at in workers.last_seen().items())
    yield _gauge("worker_last_seen_timestamp_seconds", "The last heart beat of each worker.", ("worker",), seen)
