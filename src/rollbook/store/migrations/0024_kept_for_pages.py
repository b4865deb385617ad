"""Kept for pages of a million students: how many sections stand how, and which runs send the grades of all sections."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Count


def fill(apps: Any, _editor: Any) -> None:
    """What earlier releases have written."""
    counts, lines, runs = (apps.get_model("store", name) for name in ("SectionCount", "SectionLine", "Run"))
    places = ("organization_id", "year", "school", "rank")
    rows = lines.objects.order_by().values(*places).annotate(number=Count("pk"))
    counts.objects.bulk_create((counts(**row) for row in rows.iterator()), batch_size=500)
    runs.objects.filter(river="grades", sections=[], undo_of__isnull=True).update(whole=True)


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0023_run_ends"),
    ]

    operations = [
        migrations.CreateModel(
            name="SectionCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.CharField(max_length=20)),
                ("school", models.TextField(blank=True, default="")),
                ("rank", models.PositiveSmallIntegerField()),
                ("number", models.IntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="section_counts",
                        to="store.organization",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="sectioncount",
            index=models.Index(fields=["organization", "year", "school", "rank", "number"], name="section_counts"),
        ),
        migrations.AddField(model_name="run", name="whole", field=models.BooleanField(default=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["organization", "whole", "state", "dry_run", "ended_at"], name="run_whole"),
        ),
        migrations.AddIndex(
            model_name="holdrow",
            index=models.Index(fields=["organization", "state", "reason", "id"], name="hold_reason"),
        ),
    ]
