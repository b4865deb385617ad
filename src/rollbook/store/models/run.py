"""A run: asked for, worked, remembered. A queued row is all it takes to start one."""

from __future__ import annotations

from typing import Any

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.settings import SettingsVersion


class RunState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    PLANNED = "planned"
    DONE = "done"
    HELD = "held"
    FAILED = "failed"
    CANCELLED = "cancelled"


class River(models.TextChoices):
    """Which way a run goes: rosters into the LMS, or grades back into the SIS."""

    ROSTER = "roster"
    GRADES = "grades"


class Run(models.Model):
    """`plan` is a StoredPlan and `result` a RunResult in plain form; both are kept as soon as there is a plan, so that
    another worker can go on. `settled` is False from the moment something may have been sent until the ledger knows
    it. `applies` is the run whose plan this one sends. `lease_grace` is how long, in seconds, one call of this run may
    still be under way after its worker was last seen. `progress` is where the run is, for those who watch it.
    `figures`, `requests_sis` and `requests_lms` stand in the result too, which is large: lists of runs read the figures
    (a RunFigures), and the metrics sum up the requests of all runs. `blackout` says, in words, why a run that was to
    send only plans; `despite_blackout` is a person's wish to send anyway. `preview_year`: a dry run that plans as if
    this were the active year already (rule 3); its holds wait for nobody. A run of grades has `sections`, class
    sourcedIds, instead of schools; none are all that there are. With `items`, LMS ids of graded items, it sends nothing
    else of them. `only_mapped`: of the sections, only those whose category map is done (the clock asks for that).
    `whole`, known when the row is made: a run of the grades of all sections, and no undo."""

    id = models.CharField(primary_key=True, max_length=20)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    kinds = models.JSONField(default=list)
    schools = models.JSONField(default=list)
    persons = models.JSONField(default=list)
    dry_run = models.BooleanField(default=False)
    compare_live = models.BooleanField(default=False)
    applies = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="applied_by")
    undo_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    requested_by = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    settings = models.ForeignKey(SettingsVersion, on_delete=models.PROTECT, null=True, related_name="+")
    plan = models.JSONField(null=True)
    result = models.JSONField(null=True)
    figures = models.JSONField(null=True)
    requests_sis = models.BigIntegerField(null=True)
    requests_lms = models.BigIntegerField(null=True)
    error = models.TextField(default="")
    error_name = models.CharField(max_length=30, default="")
    error_who = models.TextField(default="")
    settled = models.BooleanField(default=True)
    cancel_requested = models.BooleanField(default=False)
    lease_epoch = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, default="")
    lease_grace = models.FloatField(default=20)
    progress = models.JSONField(null=True)
    takeovers = models.PositiveIntegerField(default=0)
    takeover_slices = models.PositiveIntegerField(default=0)
    retry_refused = models.BooleanField(default=False)
    work_bytes = models.BigIntegerField(default=0)
    blackout = models.TextField(default="")
    despite_blackout = models.BooleanField(default=False)
    river = models.CharField(max_length=10, choices=River.choices, default=River.ROSTER)
    sections = models.JSONField(default=list)
    items = models.JSONField(default=list)
    only_mapped = models.BooleanField(default=False)
    preview_year = models.CharField(max_length=4, default="")
    whole = models.BooleanField(default=False)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(fields=["organization", "state"], name="run_state"),
            models.Index(fields=["organization", "-created_at", "-id"], name="run_newest"),
            models.Index(fields=["organization", "preview_year", "-created_at", "-id"], name="run_previews"),
            models.Index(fields=["organization", "requests_sis", "requests_lms"], name="run_requests"),
            models.Index(fields=["organization", "river", "-created_at", "-id"], name="run_rivers"),
            models.Index(fields=["organization", "river", "state", "dry_run", "ended_at"], name="run_ends"),
            models.Index(fields=["organization", "whole", "state", "dry_run", "ended_at"], name="run_whole"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(state="running"), name="one_running_run"
            ),
        )

    def __str__(self) -> str:
        return self.id

    def save(self, *given: Any, **more: Any) -> None:
        if self._state.adding:
            self.whole = self.river == River.GRADES and not self.sections and self.undo_of_id is None
        super().save(*given, **more)

    @property
    def ended(self) -> bool:
        return self.state not in (RunState.QUEUED, RunState.RUNNING)
