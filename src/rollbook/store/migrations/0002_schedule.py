import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]

    operations = [
        migrations.AddField("run", "blackout", models.TextField(default="")),
        migrations.AddField("run", "despite_blackout", models.BooleanField(default=False)),
        migrations.CreateModel(
            name="ScheduleRow",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="schedule",
                        serialize=False,
                        to="store.organization",
                    ),
                ),
                ("since", models.DateTimeField()),
                ("cause", models.TextField(default="")),
                ("look_at", models.DateTimeField(db_index=True, null=True)),
                ("reckoned_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="QueuedSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.DateTimeField()),
                ("queued_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="store.organization"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="slots",
                        to="store.run",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "slot"), name="one_run_a_slot")],
            },
        ),
    ]
