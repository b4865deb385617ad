"""For pages of a thousand runs: the calls of each run beside its result, and more orders in which pages look."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast


def take_over(apps: Any, _editor: Any) -> None:
    """What the results of earlier runs say."""
    runs = apps.get_model("store", "Run").objects.filter(result__isnull=False)
    said = {side: Cast(KeyTextTransform(side, "result__requests"), models.BigIntegerField()) for side in ("sis", "lms")}
    runs.update(requests_sis=said["sis"], requests_lms=said["lms"])


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0014_for_pages"),
    ]

    operations = [
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
