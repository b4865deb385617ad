"""Kept for pages of a million students: the list of sections as rows, the counts of plans, newest runs of a river."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0020_grade_schedule"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlanCountsRow",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="plan_counts",
                        serialize=False,
                        to="store.run",
                    ),
                ),
                ("rows", models.TextField()),
                ("spans", models.TextField(blank=True, default="")),
                ("outcomes", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="SectionLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.TextField()),
                ("year", models.CharField(max_length=20)),
                ("school", models.TextField(blank=True, default="")),
                ("title", models.TextField(blank=True, default="")),
                ("words", models.CharField(max_length=300)),
                ("status", models.CharField(blank=True, default="", max_length=20)),
                ("rank", models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["organization", "river", "-created_at", "-id"], name="run_rivers"),
        ),
        migrations.AddField(
            model_name="sectionline",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="section_lines",
                to="store.organization",
            ),
        ),
        migrations.AddIndex(
            model_name="sectionline",
            index=models.Index(fields=["organization", "year", "rank", "words"], name="section_line_order"),
        ),
        migrations.AddIndex(
            model_name="sectionline",
            index=models.Index(fields=["organization", "year", "school", "rank", "words"], name="section_line_school"),
        ),
        migrations.AddConstraint(
            model_name="sectionline",
            constraint=models.UniqueConstraint(fields=("organization", "code"), name="one_section_line"),
        ),
    ]
