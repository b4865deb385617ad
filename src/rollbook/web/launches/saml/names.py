"""Names of SAML 2.0 and XML signatures, as lxml writes them."""

from __future__ import annotations

from typing import Final

_PROTOCOL: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTION: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}"

RESPONSE: Final = f"{_PROTOCOL}Response"
STATUS: Final = f"{_PROTOCOL}Status"
STATUS_CODE: Final = f"{_PROTOCOL}StatusCode"
ASSERTION: Final = f"{_ASSERTION}Assertion"
ISSUER: Final = f"{_ASSERTION}Issuer"
SUBJECT: Final = f"{_ASSERTION}Subject"
CONFIRMATION: Final = f"{_ASSERTION}SubjectConfirmation"
CONFIRMATION_DATA: Final = f"{_ASSERTION}SubjectConfirmationData"
CONDITIONS: Final = f"{_ASSERTION}Conditions"
AUDIENCES: Final = f"{_ASSERTION}AudienceRestriction"
AUDIENCE: Final = f"{_ASSERTION}Audience"
#: Conditions that a launch fulfils by itself: it is used once and handed on to nobody.
HARMLESS: Final = frozenset({f"{_ASSERTION}OneTimeUse", f"{_ASSERTION}ProxyRestriction"})
STATEMENT: Final = f"{_ASSERTION}AttributeStatement"
ATTRIBUTE: Final = f"{_ASSERTION}Attribute"
VALUE: Final = f"{_ASSERTION}AttributeValue"

SIGNATURE: Final = f"{_SIGNATURE}Signature"
SIGNED_INFO: Final = f"{_SIGNATURE}SignedInfo"
REFERENCE: Final = f"{_SIGNATURE}Reference"
TRANSFORM: Final = f"{_SIGNATURE}Transform"
CANONICAL: Final = f"{_SIGNATURE}CanonicalizationMethod"

BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#: Without comments, which these documents do not have either.
CANONICALS: Final = frozenset(
    {
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
    }
)
