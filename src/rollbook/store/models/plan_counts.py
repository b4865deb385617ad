"""How many rows a plan has and what became of them, worked out when its run ends: of a large plan, pages would do it
anew in every process."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.run import Run


class PlanCountsRow(models.Model):
    """Of a run's plan: `rows` is JSON, a list of [kind, school or null, action, state, number]. `spans` is JSON, the
    `store.outcome_spans.Span`s of the run's journal when it had so many `outcomes`; "" where it was not settled."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="plan_counts")
    rows = models.TextField()
    spans = models.TextField(default="", blank=True)
    outcomes = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"counts of plan {self.pk}"
