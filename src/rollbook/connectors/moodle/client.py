"""Calls to Moodle's web services. Errors come as HTTP 200 with `exception`, `errorcode`, `message`
(webservice/rest/locallib.php). There is no function here that deletes a user, a course or a category."""

from __future__ import annotations

import re
from typing import Any, Final

from rollbook.connectors.base import Context
from rollbook.connectors.kit import NEVER, SAFE, Answer, Client, LostAnswer, Retry
from rollbook.connectors.moodle.address import site_address, token
from rollbook.connectors.moodle.answers import decoded
from rollbook.connectors.moodle.front import BLOCKED_WORDS, KEPT_OUT, MOVED, PATH, in_maintenance, kept_out, moved
from rollbook.connectors.moodle.lenient import Json, form, mapping, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Unavailable

_SITE_INFO: Final = "core_webservice_get_site_info"
#: About the token, its service or its account (webservice/lib.php, externallib.php), and what an admin does about it.
_AUTH: Final = {
    "invalidtoken": "the token is not valid, or not any more; make a new one",
    "invalidtimedtoken": "the token has expired; make a new one",
    "accessexception": "look in Moodle whether the service is enabled and has this function, the account is one "
    "of its authorised users and has webservice/rest:use, and neither token nor user is limited to other "
    "addresses or to a time that is over",
    "servicenotavailable": "the token's service is switched off; enable it under External services",
    "enablewsdescription": "web services are switched off; enable them under Advanced features",
    "restrictedcontextexception": "the token is for a part of the site only; make one for the whole site",
    "wsaccessuserdeleted": "the service account was deleted; make another one, with a token of its own",
    "wsaccessuserunconfirmed": "the service account is not confirmed; confirm it in the list of users",
    "wsaccessusersuspended": "the service account is suspended; activate it in the list of users",
    "wsaccessuserexpired": "the service account's password has expired; set a new one in Moodle",
    "wsaccessusernologin": "the service account may not log in; set its authentication method to Web services "
    "authentication",
    "forcepasswordchangenotice": "the service account must change its password first; untick Force password "
    "change in its profile",
    "nopasswordchangeforced": "the service account must change its password first, and cannot; untick Force "
    "password change in its profile",
    "usernotfullysetup": "the service account's profile lacks what the site demands; fill in name, e-mail "
    "address and required fields",
    "sitepolicynotagreed": "the service account has not agreed to the site's policies; agree for it under User "
    "agreements",
}
#: Functions that ask for a right in the whole site, and which (their sources): without it no record goes through.
_RIGHTS: Final = {
    "core_user_create_users": "moodle/user:create",
    "core_user_update_users": "moodle/user:update",
}
_AWAY: Final = frozenset({"sitemaintenance", "upgraderunning", "siteundermaintenance"})
#: Said after a call was carried out: its answer was not what its function promises (clean_returnvalue).
_LOST: Final = frozenset({"invalidresponse"})
#: The database gave up, or did not like one record (too long a text): the call is rolled back. Writes are sent again
#: (`sending`), and then split as others.
_DATABASE: Final = ("dml", "ddl", "dbconnection", "databaseconnection")
_WORDS_MOST: Final = 300
#: Texts as they are, not made ready for a page.
_RAW: Final = ("moodlewssettingraw", "1")
#: The rules of the password policy come in markup.
_TAG: Final = re.compile(r"<[^<>]*>")
#: Said without JSON: a proxy in front of Moodle takes no body of this size. And the code that we give that.
_TOO_LARGE: Final = 413
TOO_LARGE: Final = "toolarge"
_TOO_LARGE_WORDS: Final = "the web server in front of Moodle takes no call of this size (413)"
#: The code that we give calls which a firewall does not like for what is in them.
_BLOCKED: Final = "blocked"
#: After so many in a row, with none that it let through, it is not for the sake of single records.
_MOST_BLOCKED: Final = 20
_UNAVAILABLE: Final = 503
_RETURNED: Final = frozenset({_TOO_LARGE, *KEPT_OUT, *MOVED})


class MoodleError(BadResponse):
    """Moodle refused a call as a whole: nothing of it was done. `code` is its errorcode, `words` its message."""

    def __init__(self, message: str, *, code: str = "", words: str = "") -> None:
        super().__init__(message)
        self.code, self.words = code, words

    @property
    def of_database(self) -> bool:
        """Did the database not do it: a deadlock, a wait for a lock that was too long, or a value that it does not
        take? All are told with the same code (lib/dmllib.php); the call was rolled back."""
        return of_database(self.code)


class LacksRight(AuthFailed):
    """The account of the token lacks a right that it needs for whatever is in the call."""


class AnswerRefused(LostAnswer):
    """Moodle carried a call out, and did not take its own answer for valid (`invalidresponse`)."""


def of_database(code: str) -> bool:
    return code.startswith(_DATABASE)


class MoodleClient:
    """One site, for several threads. Raises ConfigError for an address or a token that cannot be one, else AuthFailed,
    Unavailable, Throttled, BadResponse, MoodleError, LostAnswer."""

    def __init__(self, options: MoodleOptions, context: Context) -> None:
        self._token, self._cancel = token(options.token), context.cancel
        address = site_address(options.base_url)
        clients = [
            Client(address, context, name="Moodle", timeout=seconds, connections=options.parallel)
            for seconds in (options.timeout, options.read_timeout)
        ]
        self._quick, self._patient = clients
        self._blocked = 0

    def __repr__(self) -> str:
        return "MoodleClient()"

    def close(self) -> None:
        self._quick.close()
        self._patient.close()

    def read(self, function: str, what: str, *, long: bool = False, **parameters: Any) -> Any:
        """What a function that only reads returns; repeated as long as that makes sense. `long`: it may take a while,
        because everything comes in one answer."""
        client = self._patient if long else self._quick
        answer = self._post(client, self._form(function, parameters), what, SAFE)
        if answer.status in KEPT_OUT:
            raise kept_out(answer)
        if not answer.ok:
            raise answer.error()
        found = decoded(answer)
        self._check(found, answer, function, write=False)
        return found

    def write(self, function: str, what: str, **parameters: Any) -> Any:
        """What a function that writes returns, sent once. Raises LostAnswer where it may or may not have happened."""
        answer = self._post(self._quick, self._form(function, parameters), what, None, _RETURNED | {_UNAVAILABLE})
        if answer.status == _TOO_LARGE:
            raise MoodleError(f"{answer.who} takes no call of this size (413)", code=TOO_LARGE, words=_TOO_LARGE_WORDS)
        if answer.status in KEPT_OUT:
            raise self._kept_out(answer)
        if answer.status == _UNAVAILABLE:
            raise _no_service(answer)
        self._blocked = 0
        try:
            found = decoded(answer)
        except BadResponse as error:
            raise LostAnswer(str(error), answer.status) from None
        self._check(found, answer, function, write=True)
        return found

    def _post(
        self,
        client: Client,
        pairs: list[tuple[str, str]],
        what: str,
        retry: Retry | None,
        returns: frozenset[int] = _RETURNED,
    ) -> Answer:
        """Raises what a redirect means, too."""
        answer = client.request("POST", PATH, form=pairs, what=what, retry=retry, returns=returns)
        if answer.status in MOVED:
            raise moved(answer)
        return answer

    def _kept_out(self, answer: Answer) -> RollbookError:
        """The error for a write that did not get to Moodle. Where a small call does, a firewall does not like something
        in this one: nothing was done, and it is split until the record is alone."""
        self._blocked += 1
        if not answer.body or self._blocked > _MOST_BLOCKED:
            return kept_out(answer)
        self.read(_SITE_INFO, "the site")
        return MoodleError(f"{answer.who} did not get a call ({answer.status})", code=_BLOCKED, words=BLOCKED_WORDS)

    def takes(self, fields: int) -> bool:
        """Whether the site takes so many form fields in one call: asked once, of a function that only reads, with the
        same setting over and over (PHP counts each) and the function's name last. Not taken, and not an error, is
        whatever else becomes of such a call: what is wrong for good is told by the calls that follow."""
        pairs = self._form(_SITE_INFO, {})
        filling = [_RAW] * (fields - len(pairs))
        try:
            answer = self._quick.request(
                "POST", PATH, form=[*pairs[:-1], *filling, pairs[-1]], what="the number of form fields", retry=NEVER
            )
            return "userid" in mapping(decoded(answer))
        except (AuthFailed, ConfigError, Unavailable, BadResponse):
            return False

    def wait(self, seconds: float) -> None:
        """Raises what ends the run."""
        self._cancel.wait(seconds)

    def _form(self, function: str, parameters: Json) -> list[tuple[str, str]]:
        """The token is in the body, where no log of addresses has it. The function's name is last: PHP drops fields
        beyond its max_input_vars, and a call without it is refused whole, instead of done in part."""
        fixed = [("moodlewsrestformat", "json"), _RAW, ("wstoken", self._token)]
        return [*fixed, *form(parameters), ("wsfunction", function)]

    def _check(self, found: Any, answer: Answer, function: str, *, write: bool) -> None:
        known = mapping(found)
        if "exception" not in known:
            return
        said = _TAG.sub(" ", text(known.get("message"))).removeprefix("error/")
        code, words = text(known.get("errorcode"))[:80], " ".join(said.split())[:_WORDS_MOST]
        raise self._error(answer.who, function, code, words, write=write)

    def _error(self, who: str, function: str, code: str, words: str, *, write: bool) -> RollbookError:
        if code in _AUTH:
            return AuthFailed(f"{who} does not let the token call {function}: {_AUTH[code]} ({code})")
        if code == "nopermissions" and function in _RIGHTS:
            lacks = f"the service account lacks the capability {_RIGHTS[function]}"
            return LacksRight(f"{who} does not let the token call {function}: {lacks} ({code})")
        if code in _AWAY:
            return Unavailable(f"{who} is in maintenance ({code}); try again later")
        if write and code in _LOST:
            return AnswerRefused(f"{who} carried out {function}, and its answer got lost ({code})")
        if not write and of_database(code):
            return Unavailable(f"the database of {who} has trouble ({code})")
        return MoodleError(f"{who} refused {function} ({code or 'no error code'})", code=code, words=words)


def _no_service(answer: Answer) -> RollbookError:
    """The error for a write that was answered with 503."""
    if in_maintenance(answer):
        return Unavailable(f"{answer.who} is in maintenance ({answer.status}); try again later")
    return LostAnswer(f"{answer.error()}; whether it was done is not known", answer.status)
