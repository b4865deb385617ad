"""Signed launches of the App Center: only the registered key's, for us, now, and only what it signed."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from rollbook.web.launches.saml import names
from rollbook.web.launches.saml.profile import SCHOOLOGY, Profile
from rollbook.web.launches.saml.refusal import NotAccepted, Why
from tests.unit.saml_kit import (
    ADDRESS,
    EVIL,
    EXPECTED,
    NOW,
    WRAPPED,
    Tree,
    launch,
    moment,
    posted,
    response,
    sign,
)

LATER = dt.timedelta(seconds=1)


def refused(what: Tree | str, why: Why, **more: Any) -> str:
    """The detail of the refusal, which says nothing of the person."""
    with pytest.raises(NotAccepted) as raised:
        launch(what, **more)
    assert raised.value.why is why, raised.value
    assert "Tina" not in str(raised.value)
    assert "501" not in str(raised.value)
    return raised.value.detail


@pytest.mark.parametrize("what", ["response", "assertion", "both"])
def test_a_signed_launch_says_who_it_is(what: str) -> None:
    found = launch(sign(response(), what))
    assert (found.user, found.name, found.domain, found.id) == ("501", "Tina Teacher", "maple.schoology.com", "_a1")
    assert found.expires == NOW + dt.timedelta(seconds=300) + SCHOOLOGY.leeway
    assert "Tina" not in repr(found)
    assert "501" not in repr(found)


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_better_algorithms_are_taken_too(bits: int) -> None:
    signed = sign(response(), method=SignatureMethod[f"RSA_SHA{bits}"], digest=DigestAlgorithm[f"SHA{bits}"])
    assert launch(signed).user == "501"


def test_sha1_counts_only_where_the_vendor_has_nothing_better() -> None:
    strict = Profile(issuer="schoology")
    refused(sign(response()), Why.FORGED, profile=strict)
    half = sign(response(), method=SignatureMethod.RSA_SHA256, digest=DigestAlgorithm.SHA1)
    refused(half, Why.FORGED, profile=strict)
    better = sign(response(), method=SignatureMethod.RSA_SHA256, digest=DigestAlgorithm.SHA256)
    assert launch(better, profile=strict).user == "501"


# --- forged -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_signature_wrapping_is_refused(make: Callable[[], Tree]) -> None:
    forged = make()
    assert EVIL in {one[0].text for one in forged.iter(names.ATTRIBUTE) if one.get("Name") == "uid"}
    refused(forged, Why.FORGED)


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_what_was_signed_is_still_in_them(make: Callable[[], Tree]) -> None:
    """The attacks are real: whoever looks for the signed thing by its id finds it unharmed, wherever it went."""
    forged = make()
    [reference] = forged.iter(names.REFERENCE)
    digest = reference.find("{*}DigestValue").text
    found = []
    for one in forged.iter():
        if one.get("ID") == reference.get("URI")[1:]:
            alone = etree.fromstring(etree.tostring(one))
            for signature in list(alone.iter(names.SIGNATURE)):
                signature.getparent().remove(signature)
            text = etree.tostring(alone, method="c14n", exclusive=True, with_comments=False)
            found.append(base64.b64encode(hashlib.sha1(text).digest()).decode())
    assert digest in found


@pytest.mark.parametrize("what", ["response", "assertion", "both"])
def test_another_key_is_refused_also_where_it_brings_its_certificate(what: str) -> None:
    assert "InvalidSignature" in refused(sign(response(), what, who="mallory"), Why.FORGED)


def test_without_a_signature_it_is_refused() -> None:
    assert refused(response(), Why.FORGED) == "it is not signed"


def test_one_good_signature_does_not_excuse_a_bad_one() -> None:
    root = sign(response(), "assertion", who="mallory")
    refused(sign(root, "response"), Why.FORGED)


@pytest.mark.parametrize("what", ["response", "assertion"])
def test_what_is_changed_after_signing_is_refused(what: str) -> None:
    root = sign(response(), what)
    for one in root.iter(names.ATTRIBUTE):
        if one.get("Name") == "uid":
            one[0].text = EVIL
    assert "InvalidDigest" in refused(root, Why.FORGED)


def test_a_signature_that_was_emptied_is_refused() -> None:
    for tag in ("SignatureValue", "DigestValue"):
        root = sign(response())
        [one] = root.iter(f"{{http://www.w3.org/2000/09/xmldsig#}}{tag}")
        one.text = ""
        refused(root, Why.FORGED)


@pytest.mark.parametrize(
    "algorithm", ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"]
)
def test_the_certificate_is_no_shared_secret(algorithm: str) -> None:
    root = sign(response())
    [one] = root.iter("{http://www.w3.org/2000/09/xmldsig#}SignatureMethod")
    one.set("Algorithm", algorithm)
    refused(root, Why.FORGED)


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ],
)
def test_unknown_transforms_are_refused(algorithm: str) -> None:
    root = sign(response())
    transform = list(root.iter(names.TRANSFORM))[-1]
    transform.set("Algorithm", algorithm)
    assert refused(root, Why.FORGED) == "a transform is unknown"


@pytest.mark.parametrize("uri", ["", "#_a1", "#xpointer(/)", "http://attacker.example/"])
def test_a_signature_about_something_else_is_refused(uri: str) -> None:
    root = sign(response(), "response")
    [one] = root.iter(names.REFERENCE)
    one.set("URI", uri)
    assert refused(root, Why.FORGED) == "the signature is about something else"


def test_doubled_ids_and_second_signatures_are_refused() -> None:
    doubled = response()
    doubled.find(names.STATUS).set("Id", "_a1")
    assert "ids" in refused(sign(doubled, "assertion"), Why.FORGED)
    twice = sign(response(), "response")
    import copy

    twice.append(copy.deepcopy(twice.find(names.SIGNATURE)))
    refused(twice, Why.FORGED)


# --- what is no plain XML ---------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "start",
    [
        BOMB,
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        "<?xml-stylesheet href='x'?>",
        "<!-- hello -->",
        "<?xml version='1.0'?><?evil?>",
    ],
)
def test_document_types_entities_and_the_like_are_refused(start: str) -> None:
    text = start.encode() + etree.tostring(sign(response()))
    refused(base64.b64encode(text).decode(), Why.UNREADABLE)


@pytest.mark.parametrize("inside", ["<!-- x -->", "<?x?>", "<![CDATA[x]]>"])
def test_what_splits_a_text_is_refused(inside: str) -> None:
    """`501<!-- -->.evil` would be `501` to one reader, and signed as `501.evil` all the same."""
    text = etree.tostring(sign(response())).replace(b"Tina Teacher", f"Tina{inside}Teacher".encode())
    refused(base64.b64encode(text).decode(), Why.UNREADABLE)


def test_other_encodings_cannot_hide_anything() -> None:
    for encoding in ("utf-16", "utf-7", "utf-32"):
        text = (f'<?xml version="1.0" encoding="{encoding}"?>{BOMB}<x/>').encode(encoding)
        refused(base64.b64encode(text).decode(), Why.UNREADABLE)
    declared = b'<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(sign(response()))
    assert launch(base64.b64encode(declared).decode()).user == "501"


@pytest.mark.parametrize("text", ["", "%%%", "YWJj", "PHg+", "PHgvPg==", "=", "\0", "ü", "A" * 200_000])
def test_what_is_no_response_is_refused(text: str) -> None:
    refused(text, Why.UNREADABLE)


def test_size_and_depth_are_bounded() -> None:
    big = response(name_display="x" * 70_000)
    assert refused(sign(big), Why.UNREADABLE) == "it is too long"
    deep = "<x>" * 500 + "</x>" * 500
    refused(base64.b64encode(deep.encode()).decode(), Why.UNREADABLE)
    wide = response()
    for _ in range(600):
        etree.SubElement(wide, "x")
    refused(posted(wide), Why.UNREADABLE)


# --- when, for whom, from whom ----------------------------------------------------------------------------------------


def test_it_holds_from_its_beginning_to_its_end_with_some_leeway() -> None:
    signed = posted(sign(response()))
    begin, end = NOW - dt.timedelta(seconds=30), NOW + dt.timedelta(seconds=300)
    assert launch(signed, now=begin - SCHOOLOGY.leeway).user == "501"
    refused(signed, Why.EARLY, now=begin - SCHOOLOGY.leeway - LATER)
    assert launch(signed, now=end + SCHOOLOGY.leeway - LATER).user == "501"
    refused(signed, Why.EXPIRED, now=end + SCHOOLOGY.leeway)


def test_an_assertion_that_would_hold_for_years_holds_for_minutes() -> None:
    root = response()
    for tag in (names.CONDITIONS, names.CONFIRMATION_DATA):
        next(root.iter(tag)).set("NotOnOrAfter", "9999-12-31T23:59:59Z")
    next(root.iter(names.CONDITIONS)).set("NotBefore", "0001-01-01T00:00:00Z")
    signed = posted(sign(root))
    issued = NOW - dt.timedelta(seconds=30)
    assert launch(signed, now=issued + SCHOOLOGY.longest).user == "501"
    refused(signed, Why.EXPIRED, now=issued + SCHOOLOGY.longest + LATER)


Change = Callable[[Tree], Any]


def _set(tag: str, name: str, value: str) -> Change:
    def change(root: Tree) -> None:
        for one in root.iter(tag):
            one.set(name, value)

    return change


def _text(tag: str, value: str) -> Change:
    def change(root: Tree) -> None:
        for one in root.iter(tag):
            one.text = value

    return change


def _without(tag: str) -> Change:
    def change(root: Tree) -> None:
        for one in list(root.iter(tag)):
            one.getparent().remove(one)

    return change


def _doubled(tag: str) -> Change:
    def change(root: Tree) -> None:
        import copy

        one = next(root.iter(tag))
        one.addnext(copy.deepcopy(one))

    return change


def _lacks(tag: str, name: str) -> Change:
    def change(root: Tree) -> None:
        for one in root.iter(tag):
            del one.attrib[name]

    return change


ANOTHER = "https://another.example/launch/schoology/k/"
BAD: dict[str, tuple[Why, Change]] = {
    "another audience": (Why.ELSEWHERE, _text(names.AUDIENCE, "another-app")),
    "another destination": (Why.ELSEWHERE, _set(names.RESPONSE, "Destination", ANOTHER)),
    "a destination that is none": (Why.ELSEWHERE, _set(names.RESPONSE, "Destination", "http://[x")),
    "before there was time": (Why.EXPIRED, _set(names.CONDITIONS, "NotOnOrAfter", "0001-01-01T00:00:00Z")),
    "after the end of time": (Why.EARLY, _set(names.CONDITIONS, "NotBefore", "9999-12-31T23:59:59Z")),
    "another recipient": (Why.ELSEWHERE, _set(names.CONFIRMATION_DATA, "Recipient", ANOTHER)),
    "neither audience nor recipient": (
        Why.ELSEWHERE,
        lambda root: (_without(names.AUDIENCES)(root), _lacks(names.CONFIRMATION_DATA, "Recipient")(root)),
    ),
    "no audience and no confirmation data": (
        Why.ELSEWHERE,
        lambda root: (_without(names.AUDIENCES)(root), _without(names.CONFIRMATION_DATA)(root)),
    ),
    "an audience without a name": (Why.ELSEWHERE, _text(names.AUDIENCE, "")),
    "no recipient's address": (Why.ELSEWHERE, _set(names.CONFIRMATION_DATA, "Recipient", "")),
    "another issuer": (Why.ELSEWHERE, _text(names.ISSUER, "another")),
    "no issuer": (Why.UNREADABLE, _without(names.ISSUER)),
    "an answer": (Why.ELSEWHERE, _set(names.RESPONSE, "InResponseTo", "_q")),
    "an answer inside": (Why.ELSEWHERE, _set(names.CONFIRMATION_DATA, "InResponseTo", "_q")),
    "a failure": (Why.UNREADABLE, _set(names.STATUS_CODE, "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")),
    "no status": (Why.UNREADABLE, _without(names.STATUS)),
    "SAML 1": (Why.ELSEWHERE, _set(names.ASSERTION, "Version", "1.1")),
    "no time of issue": (Why.UNREADABLE, _lacks(names.ASSERTION, "IssueInstant")),
    "issued tomorrow": (Why.EARLY, _set(names.ASSERTION, "IssueInstant", moment(86400))),
    "issued yesterday": (Why.EXPIRED, _set(names.ASSERTION, "IssueInstant", moment(-86400))),
    "a time without its zone": (Why.UNREADABLE, _set(names.ASSERTION, "IssueInstant", "2026-11-26T12:00:00")),
    "a time that is none": (Why.UNREADABLE, _set(names.CONDITIONS, "NotOnOrAfter", "2026-13-26T12:00:00Z")),
    "no conditions": (Why.UNREADABLE, _without(names.CONDITIONS)),
    "no end": (Why.UNREADABLE, _lacks(names.CONDITIONS, "NotOnOrAfter")),
    "conditions twice": (Why.UNREADABLE, _doubled(names.CONDITIONS)),
    "over": (Why.EXPIRED, _set(names.CONDITIONS, "NotOnOrAfter", moment(-120))),
    "over for the bearer": (Why.EXPIRED, _set(names.CONFIRMATION_DATA, "NotOnOrAfter", moment(-120))),
    "not yet": (Why.EARLY, _set(names.CONDITIONS, "NotBefore", moment(120))),
    "no bearer": (Why.UNREADABLE, _set(names.CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")),
    "no subject": (Why.UNREADABLE, _without(names.SUBJECT)),
    "two confirmations": (Why.UNREADABLE, _doubled(names.CONFIRMATION)),
    "no attributes": (Why.UNREADABLE, _without(names.STATEMENT)),
    "attributes twice": (Why.UNREADABLE, _doubled(names.ATTRIBUTE)),
    "two values": (Why.UNREADABLE, _doubled(names.VALUE)),
    "an encrypted one": (Why.FORGED, lambda root: etree.SubElement(root, f"{names.ASSERTION[:-9]}EncryptedAssertion")),
    "an unknown condition": (
        Why.UNREADABLE,
        lambda root: etree.SubElement(next(root.iter(names.CONDITIONS)), f"{names.ASSERTION[:-9]}Condition"),
    ),
}


@pytest.mark.parametrize(("why", "change"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("what", ["response", "assertion"])
def test_what_is_not_for_us_or_not_now_is_refused(what: str, why: Why, change: Change) -> None:
    root = response()
    change(root)
    refused(sign(root, what), why)


@pytest.mark.parametrize(
    "attributes",
    [{"school_nid": "4712"}, {"school_nid": ""}, {"domain": "maple.schoology.com.evil.example"}, {"domain": ""}],
)
def test_another_school_is_refused(attributes: dict[str, str]) -> None:
    refused(sign(response(**attributes)), Why.STRANGE_SCHOOL)


@pytest.mark.parametrize("uid", ["", "x", "501 OR 1=1", "-1", "5" * 21, "٥٠١"])
def test_a_uid_is_a_number(uid: str) -> None:
    with pytest.raises(NotAccepted) as raised:
        launch(sign(response(uid=uid)))
    assert raised.value.why is Why.UNREADABLE


@pytest.mark.parametrize("tag", [names.CONFIRMATION_DATA, names.AUDIENCES])
@pytest.mark.parametrize("what", ["response", "assertion"])
def test_either_audience_or_recipient_must_name_us(tag: str, what: str) -> None:
    root = response()
    _without(tag)(root)
    _lacks(names.RESPONSE, "Destination")(root)
    _lacks(names.CONDITIONS, "NotBefore")(root)
    assert launch(sign(root, what)).user == "501"


def test_one_of_several_audiences_and_a_query_in_the_address_are_fine() -> None:
    root = response(domain="Maple.Schoology.com")
    [one] = root.iter(names.AUDIENCE)
    one.addprevious(etree.fromstring(etree.tostring(one)))
    next(root.iter(names.AUDIENCE)).text = "somebody"
    root.set("Destination", f"{ADDRESS}?realm=section&realm_id=9")
    assert launch(sign(root)).domain == "maple.schoology.com"
    moved = dataclasses.replace(EXPECTED, address=ANOTHER)
    refused(sign(response()), Why.ELSEWHERE, expected=moved)
