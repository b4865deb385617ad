"""For pages of a thousand runs: what became of a slice's rows in short, and the orders in which pages look at runs and
holds."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0013_checked_uploads"),
    ]

    operations = [
        migrations.AddField(model_name="sliceoutcome", name="statuses", field=models.JSONField(null=True)),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="run_newest"),
        ),
        migrations.AddIndex(
            model_name="holdrow",
            index=models.Index(fields=["organization", "state", "created_at", "id"], name="hold_state"),
        ),
        migrations.AddIndex(
            model_name="holdrow",
            index=models.Index(fields=["organization", "hold", "decided_at", "state"], name="hold_of_organization"),
        ),
    ]
