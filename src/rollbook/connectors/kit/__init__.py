"""The connector kit: HTTP, signatures, rate limits, retries and options, so that a connector holds only its
own wire."""

from rollbook.connectors.kit.answers import Answer, BadStatus, Denied, ServerError
from rollbook.connectors.kit.hosts import check_address, check_url, same_origin
from rollbook.connectors.kit.http import Auth, Client, Outgoing, encode
from rollbook.connectors.kit.limiter import CreditLimiter, Gate
from rollbook.connectors.kit.oauth import ClientCredentials, OAuth1, SignatureMethod, TokenStyle
from rollbook.connectors.kit.options import Option, Options, describe, option, parse, redact
from rollbook.connectors.kit.retry import CAREFUL, NEVER, SAFE, LostAnswer, Retry

__all__ = [
    "CAREFUL",
    "NEVER",
    "SAFE",
    "Answer",
    "Auth",
    "BadStatus",
    "Client",
    "ClientCredentials",
    "CreditLimiter",
    "Denied",
    "Gate",
    "LostAnswer",
    "OAuth1",
    "Option",
    "Options",
    "Outgoing",
    "Retry",
    "ServerError",
    "SignatureMethod",
    "TokenStyle",
    "check_address",
    "check_url",
    "describe",
    "encode",
    "option",
    "parse",
    "redact",
    "same_origin",
]
