"""More settings of Configuration: everything else that a settings file can say, and the settings as YAML."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from rollbook.actions.settings import export_settings, plain
from rollbook.engine.world import private_hosts_allowed
from rollbook.roster.settings import Settings
from rollbook.store.ledger import current_version
from rollbook.store.models import Role
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.configuration_page import WRONG
from rollbook.web.saving import save_settings
from rollbook.web.setting_forms import GroupForm, groups
from rollbook.web.steps import steps
from rollbook.web.webhook_form import Webhooks

NOTICES = "notices"


@page(read=Who.READER, write=Who.ACTING)
def more(request: HttpRequest, place: Place) -> HttpResponse:
    """One form a group; a POST saves the one that it names."""
    settings = steps(place.organization).settings
    if settings is None:
        return redirect("configuration", place.organization.slug)
    if request.method != "POST":
        return _page(request, place, settings)
    group = request.POST.get("group", "")
    if group not in groups():
        return redirect("configuration_more", place.organization.slug)
    form = GroupForm(group, plain(settings), request.POST, locked=_locked(place))
    hooks = _hooks(place, settings, request) if group == NOTICES else None
    if form.is_valid() & (hooks is None or hooks.is_valid()) and _save(request, place, form, hooks):
        return redirect(f"{reverse('configuration_more', args=[place.organization.slug])}#{group}")
    return _page(request, place, settings, form=form, hooks=hooks)


@page(read=Who.ADMINISTRATOR)
def show_yaml(request: HttpRequest, place: Place) -> HttpResponse:
    """The settings as a file that can be imported again; names of variables stand where secrets belong."""
    if steps(place.organization).settings is None:
        return redirect("configuration", place.organization.slug)
    text = export_settings(place.organization.slug)
    if "download" not in request.GET:
        return render(request, "configuration_yaml.html", {"text": text})
    answer = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{place.organization.slug}.yaml"'
    answer["Cache-Control"] = "no-store"
    return answer


def _save(request: HttpRequest, place: Place, form: GroupForm, hooks: Webhooks | None) -> bool:
    def change(document: dict[str, Any]) -> None:
        form.apply(document)
        if hooks is not None:
            document[NOTICES]["webhooks"] = hooks.document()

    saved = secrets_of(place.organization.pk, KeyRing(opened().keys)) if hooks is not None else {}
    secrets = hooks.secrets(saved) if hooks is not None else {}
    wrong = save_settings(request, place, what=f"save {form.group} settings", change=change, secrets=secrets)
    if wrong:
        form.add_error(None, wrong)
    return not wrong


def _page(
    request: HttpRequest,
    place: Place,
    settings: Settings,
    *,
    form: GroupForm | None = None,
    hooks: Webhooks | None = None,
) -> HttpResponse:
    disabled, locked = not place.is_acting, _locked(place)
    document = plain(settings)
    made = [
        form
        if form is not None and form.group == group
        else GroupForm(group, document, disabled=disabled, locked=locked)
        for group in groups()
    ]
    context = {
        "number": steps(place.organization).number,
        "forms": made,
        "hooks": hooks or _hooks(place, settings),
        "yaml": place.role == Role.ADMINISTRATOR,
    }
    return render(request, "configuration_more.html", context, status=WRONG if form is not None else 200)


def _hooks(place: Place, settings: Settings, request: HttpRequest | None = None) -> Webhooks:
    return Webhooks(
        settings.notices.webhooks,
        request.POST if request is not None else None,
        private=private_hosts_allowed(),
        disabled=not place.is_acting,
        shy=place.role != Role.ADMINISTRATOR,
    )


def _locked(place: Place) -> dict[str, str]:
    if current_version(place.organization.pk).number == 0:
        return {}
    return {"users.unique_id": _("This is locked since the first sync: with another one, everybody would look new.")}


urlpatterns = [
    path("configuration/more/", more, name="configuration_more"),
    path("configuration/yaml/", show_yaml, name="configuration_yaml"),
]
