"""Launches of the practice LMS's App Center, judged by a third-party verifier of XML signatures."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException

from rollbook.practice.lms.saml import FLAWS
from tests.verification.lms_client import Client

LOGIN = "https://app.example/login?a=1&b=2"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"


class App:
    """An app, a section and its teacher, whose name needs escaping."""

    def __init__(self, lms: Client, **more: Any) -> None:
        self.lms = lms
        building, period = lms.building("School"), lms.period("Autumn")
        course = lms.made("courses", {"title": "Art", "course_code": "c1", "building_id": building})["id"]
        made = lms.made(f"courses/{course}/sections", {"title": "A", "section_school_code": "s1",
                        "grading_periods": [period]})  # fmt: skip
        self.section = made["id"]
        self.teacher = str(lms.made("users", lms.user("u1", name_first='<Té"a> &', name_last="O'Neil"))["uid"])
        lms.made(f"sections/{self.section}/enrollments", {"uid": self.teacher, "admin": 1})
        known = lms.practice("apps", {"url": "https://app.example/", "login_url": LOGIN, "audience": "key-1", **more})
        self.id, self.certificate = known["id"], x509.load_pem_x509_certificate(known["certificate"].encode())
        self.known = known

    def fields(self, **query: str) -> dict[str, str]:
        """What the browser would post."""
        address = f"{self.lms.url}/apps/{self.id}/launch/course/{self.section}"
        page = self.lms.http.get(address, params={"as": self.teacher, **query})
        assert page.status_code == 200
        assert unescape(re.findall(r'<form method="post" action="([^"]*)"', page.text)[0]) == LOGIN
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        return {name: unescape(value) for name, value in found}

    def document(self) -> Any:
        return etree.fromstring(base64.b64decode(self.fields()["SAMLResponse"]))


def verify(app: App, document: Any, place: str) -> Any:
    """What is signed, or SignXMLException."""
    wanted = SignatureConfiguration(
        location=place,
        signature_methods=frozenset({SignatureMethod.RSA_SHA1}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA1}),
    )
    result: Any = XMLVerifier().verify(
        document, x509_cert=app.certificate, id_attribute="ID", expect_config=wanted
    )  # fmt: skip
    return result.signed_xml


@pytest.mark.parametrize("signed", ["response", "assertion", "both"])
def test_a_launch_is_signed_and_says_who_it_is(lms: Client, signed: str) -> None:
    app = App(lms, signed=signed)
    document = app.document()
    places = {"response": ["./"], "assertion": [f"./{ASSERTION}Assertion/"], "both": ["./", f"./{ASSERTION}Assertion/"]}
    for place in places[signed]:
        found = verify(app, document, place)
        said = {one.get("Name"): one[0].text for one in found.iter(f"{ASSERTION}Attribute")}
        assert said["uid"] == app.teacher
        assert said["name_display"] == "<Té\"a> & O'Neil"
        assert (said["domain"], said["school_nid"]) == (app.known["domain"], app.known["school_nid"])
        assert [one.text for one in found.iter(f"{ASSERTION}Audience")] == ["key-1"]
    assert document.get("Destination") == LOGIN
    assert document.findtext(f"{ASSERTION}Issuer") == "schoology"


def test_the_context_stands_in_the_apps_own_address(lms: Client) -> None:
    app = App(lms)
    asked = parse_qs(urlsplit(app.fields()["RelayState"]).query)
    assert asked == {"realm": ["section"], "realm_id": [str(app.section)]}
    there = app.fields(destination="https://app.example/deep?x=1")["RelayState"]
    assert there.startswith("https://app.example/deep?x=1&realm=section")


@pytest.mark.parametrize("flaw", ["other_key", "changed", "unsigned"])
def test_flaws_of_the_signature_are_flaws(lms: Client, flaw: str) -> None:
    app = App(lms, flaw=flaw)
    with pytest.raises(SignXMLException):
        verify(app, app.document(), "./")


@pytest.mark.parametrize("flaw", ["no_app", *(one for one in FLAWS if one.startswith("other_") and one != "other_key")])
def test_other_flaws_are_signed_well(lms: Client, flaw: str) -> None:
    app = App(lms)
    good = re.sub(r"_[0-9a-f]{40}|20\d\d-[\d:TZ-]+", "", etree.tostring(app.document(), method="c14n").decode())
    lms.practice("apps", {"id": app.id, "flaw": flaw})
    found = verify(app, app.document(), "./")
    assert found is not None
    bare = re.sub(r"_[0-9a-f]{40}|20\d\d-[\d:TZ-]+", "", etree.tostring(found, method="c14n").decode())
    assert bare not in good


def test_the_first_launch_comes_again(lms: Client) -> None:
    app = App(lms)
    first, second = app.fields()["SAMLResponse"], app.fields()["SAMLResponse"]
    assert first != second
    lms.practice("apps", {"id": app.id, "flaw": "same_again"})
    assert app.fields()["SAMLResponse"] == second


def test_the_page_around_an_app_asks_who_and_shows_a_frame(lms: Client) -> None:
    app = App(lms, title="<b>Grades</b>")
    section = lms.http.get(f"{lms.url}/sections/{app.section}").text
    [address] = re.findall(r'href="(/apps/[^"]*)"', section.replace('href="/apps"', ""))
    asked = lms.http.get(lms.url + address).text
    assert f"?as={app.teacher}" in asked
    page = lms.http.get(f"{lms.url}{address}?as={app.teacher}")
    assert f'src="{address.replace("/run/", "/launch/")}?as={app.teacher}"' in page.text
    assert "<b>Grades" not in page.text
    assert "frame-src 'self' https://app.example" in page.headers["content-security-policy"]
    for nothing in (address.replace(str(app.id), "1"), address.replace("course", "moon")):
        assert lms.http.get(lms.url + nothing).status_code == 404


def test_apps_can_be_added_on_a_page(lms: Client) -> None:
    sent = lms.http.post(f"{lms.url}/apps", data={"title": "Grades", "url": "https://app.example/x"})
    assert sent.status_code in (200, 303)
    page = lms.http.get(f"{lms.url}/apps").text
    assert "https://app.example/x" in page
    assert "BEGIN CERTIFICATE" in page
    refused = lms.http.post(f"{lms.url}/_practice/apps", json={"url": "x", "flaw": "no such"})
    assert refused.status_code == 400
