"""For pages of a thousand runs: the calls of each run beside its result, and more orders in which pages look."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

#: What lists of runs tell of a result.
FIGURES = ("kinds", "findings", "requests", "seconds", "peak_rss_mib", "conflicts", "refused", "verdicts", "doubts",
           "ledger_version")  # fmt: skip


def take_over(apps: Any, _editor: Any) -> None:
    """What the results of earlier runs say."""
    table = apps.get_model("store", "Run")
    for run in table.objects.filter(result__isnull=False).only("result").iterator(chunk_size=20):
        figures = {name: run.result[name] for name in FIGURES if name in run.result}
        said = figures.get("requests", {})
        table.objects.filter(pk=run.pk).update(
            figures=figures, requests_sis=said.get("sis"), requests_lms=said.get("lms")
        )


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0014_for_pages"),
    ]

    operations = [
        migrations.AddField(model_name="run", name="figures", field=models.JSONField(null=True)),
        migrations.AddField(model_name="run", name="requests_sis", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="run", name="requests_lms", field=models.BigIntegerField(null=True)),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["organization", "preview_year", "-created_at", "-id"], name="run_previews"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["organization", "requests_sis", "requests_lms"], name="run_requests"),
        ),
        migrations.AddIndex(
            model_name="holdrow",
            index=models.Index(fields=["organization", "created_at", "id"], name="hold_newest"),
        ),
        migrations.AddIndex(
            model_name="holdrow",
            index=models.Index(fields=["organization", "decided_at", "hold", "state"], name="hold_decided"),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
