from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone


def begin(apps: Apps, schema: BaseDatabaseSchemaEditor) -> None:
    """Organizations that are there already begin with a grace period, and the clock looks at each of them at once."""
    now = timezone.now()
    organizations = apps.get_model("store", "Organization").objects.all()
    row = apps.get_model("store", "ScheduleRow")
    row.objects.bulk_create(
        [row(organization=one, since=now, cause="the upgrade", look_at=now, reckoned_at=now) for one in organizations]
    )


class Migration(migrations.Migration):
    dependencies = [("store", "0002_schedule")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
