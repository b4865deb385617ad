from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0005_blobs")]

    operations = [
        migrations.AddField("holdrow", "digest", models.CharField(default="", max_length=64)),
        migrations.AddField("run", "persons", models.JSONField(default=list)),
        migrations.CreateModel(
            name="PinRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("kind", models.CharField(max_length=20)),
                ("key", models.TextField()),
                ("field", models.CharField(default="", max_length=40)),
                ("value", models.TextField()),
                ("sis", models.TextField()),
                ("school", models.TextField(null=True)),
                ("created_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_run", models.CharField(default="", max_length=20)),
                ("why", models.TextField(default="")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pins",
                        to="store.organization",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="pins", to="store.run"),
                ),
            ],
            options={
                "ordering": ("id",),
                "indexes": [models.Index(fields=["organization", "ended_at"], name="pins_of_organization")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("organization", "kind", "key", "field"),
                        name="one_pin_a_field",
                    )
                ],
            },
        ),
    ]
