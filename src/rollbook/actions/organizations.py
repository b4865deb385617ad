"""Finding an organization and its settings. Reads only."""

from __future__ import annotations

from rollbook.errors import ConfigError
from rollbook.roster.settings import Settings
from rollbook.store.models import Organization, SettingsVersion
from rollbook.store.newest_settings import newest_settings


def find_organization(slug: str, *, lock: bool = False) -> Organization:
    """Raises ConfigError that names the organizations there are. With `lock`, others who change what it is doing wait
    until the transaction ends."""
    every = Organization.objects.select_for_update(no_key=True) if lock else Organization.objects.all()
    found = every.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Organization.objects.order_by("slug").values_list("slug", flat=True))
        hint = f"there are {known}" if known else "import its settings first: rollbook config import FILE.yaml"
        raise ConfigError(f"there is no organization {slug!r}; {hint}")
    return found


def latest_version(organization: Organization) -> SettingsVersion | None:
    return SettingsVersion.objects.filter(organization=organization).order_by("-number").first()


def current_settings(organization: Organization) -> tuple[SettingsVersion, Settings]:
    """Raises ConfigError when nothing was imported yet."""
    newest = newest_settings(organization.pk)
    if newest is None:
        raise ConfigError(f"{organization.slug} has no settings yet: rollbook config import FILE.yaml")
    return newest
