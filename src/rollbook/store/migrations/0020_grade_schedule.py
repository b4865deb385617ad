from django.db import migrations, models

RIVERS = [("roster", "Roster"), ("grades", "Grades")]


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0019_saml_launches"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="queuedslot", name="one_run_a_slot"),
        migrations.AddField(
            model_name="queuedslot",
            name="river",
            field=models.CharField(choices=RIVERS, default="roster", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="queuedslot",
            constraint=models.UniqueConstraint(fields=("organization", "river", "slot"), name="one_run_a_slot"),
        ),
        migrations.AddField(
            model_name="schedulerow",
            name="grades_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="schedulerow",
            name="grades_cause",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="refusalrow",
            name="section",
            field=models.TextField(null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="only_mapped",
            field=models.BooleanField(default=False),
        ),
    ]
