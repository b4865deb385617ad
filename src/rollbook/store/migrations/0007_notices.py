import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0006_undo_pins"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeRow",
            fields=[
                ("id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=120)),
                ("events", models.CharField(max_length=120)),
                ("content", models.JSONField()),
                ("channel", models.CharField(max_length=10)),
                ("to", models.TextField()),
                ("digest", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_at", models.DateTimeField()),
                ("error", models.TextField(default="")),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="store.organization",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="store.run",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at", "id"),
                "indexes": [models.Index(fields=["state", "next_at"], name="notice_due")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "key", "channel", "to"), name="one_notice_of_a_kind"
                    )
                ],
            },
        ),
    ]
