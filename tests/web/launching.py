"""Launches of tests, as a protocol would hand them over once it has checked its proof."""

from __future__ import annotations

from typing import Any

from django.test import Client, RequestFactory

from rollbook.store.models import LaunchPlatform, Organization
from rollbook.web.launches.enter import Arrival, enter

LMS = "https://lms.example"


def platform_of(org: str = "maple", origins: tuple[str, ...] = (LMS,)) -> LaunchPlatform:
    """An LMS that may launch."""
    organization = Organization.objects.get(slug=org)
    return LaunchPlatform.objects.create(
        organization=organization, kind="lti", name="Practice LMS", origins=list(origins), created_by="test"
    )


def arrive(client: Client, arrival: Arrival) -> Any:
    """The answer to a launch; its cookies go to the browser."""
    request = RequestFactory().post("/")
    request.COOKIES.update({name: one.value for name, one in client.cookies.items()})
    answer = enter(request, arrival)
    client.cookies.update(answer.cookies)
    return answer
