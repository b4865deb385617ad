"""Calls to Moodle's web services. Errors come as HTTP 200 with `exception`, `errorcode`, `message`
(webservice/rest/locallib.php). There is no function here that deletes a user, a course or a category."""

from __future__ import annotations

import re
from typing import Any, Final

from rollbook.connectors.base import Context
from rollbook.connectors.kit import NEVER, SAFE, Answer, Client, LostAnswer
from rollbook.connectors.moodle.lenient import Json, form, mapping, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.errors import AuthFailed, BadResponse, RollbookError, Unavailable

_PATH: Final = "webservice/rest/server.php"
#: About the token, its service or its account (webservice/lib.php, externallib.php), and what an admin does about it.
_AUTH: Final = {
    "invalidtoken": "the token is not valid, or not any more; make a new one",
    "invalidtimedtoken": "the token has expired; make a new one",
    "accessexception": "the token's service may not call this function, or its account not use the service",
    "servicenotavailable": "the token's service is switched off",
    "enablewsdescription": "web services are switched off",
    "wsaccessuserdeleted": "the service account was deleted",
    "wsaccessuserunconfirmed": "the service account is not confirmed",
    "wsaccessusersuspended": "the service account is suspended",
    "wsaccessuserexpired": "the service account's password has expired",
    "wsaccessusernologin": "the service account may not log in",
    "forcepasswordchangenotice": "the service account must change its password first",
    "usernotfullysetup": "the service account's profile is not complete",
    "sitepolicynotagreed": "the service account has not agreed to the site's policy",
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


class AnswerRefused(LostAnswer):
    """Moodle carried a call out, and did not take its own answer for valid (`invalidresponse`)."""


def of_database(code: str) -> bool:
    return code.startswith(_DATABASE)


class MoodleClient:
    """One site, for several threads. Raises AuthFailed, Unavailable, Throttled, BadResponse, MoodleError, LostAnswer."""

    def __init__(self, options: MoodleOptions, context: Context) -> None:
        self._token, self._cancel = options.token, context.cancel
        clients = [
            Client(options.base_url, context, name="Moodle", timeout=seconds, connections=options.parallel)
            for seconds in (options.timeout, options.read_timeout)
        ]
        self._quick, self._patient = clients

    def __repr__(self) -> str:
        return "MoodleClient()"

    def close(self) -> None:
        self._quick.close()
        self._patient.close()

    def read(self, function: str, what: str, *, long: bool = False, **parameters: Any) -> Any:
        """What a function that only reads returns; repeated as long as that makes sense. `long`: it may take a while,
        because everything comes in one answer."""
        client = self._patient if long else self._quick
        answer = client.request("POST", _PATH, form=self._form(function, parameters), what=what, retry=SAFE)
        found = answer.json()
        self._check(found, answer, function, write=False)
        return found

    def write(self, function: str, what: str, **parameters: Any) -> Any:
        """What a function that writes returns, sent once. Raises LostAnswer where it may or may not have happened."""
        pairs = self._form(function, parameters)
        answer = self._quick.request("POST", _PATH, form=pairs, what=what, returns=(_TOO_LARGE,))
        if answer.status == _TOO_LARGE:
            raise MoodleError(f"{answer.who} takes no call of this size (413)", code=TOO_LARGE)
        try:
            found = answer.json()
        except BadResponse as error:
            raise LostAnswer(str(error), answer.status) from None
        self._check(found, answer, function, write=True)
        return found

    def takes(self, fields: int) -> bool:
        """Whether the site takes so many form fields in one call: asked once, of a function that only reads, with the
        same setting over and over (PHP counts each) and the function's name last. Not taken, and not an error, is
        whatever else becomes of such a call: what is wrong for good is told by the calls that follow."""
        pairs = self._form("core_webservice_get_site_info", {})
        filling = [_RAW] * (fields - len(pairs))
        try:
            answer = self._quick.request(
                "POST", _PATH, form=[*pairs[:-1], *filling, pairs[-1]], what="the number of form fields", retry=NEVER
            )
            return "userid" in mapping(answer.json())
        except (AuthFailed, Unavailable, BadResponse):
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
        if code in _AWAY:
            return Unavailable(f"{who} is in maintenance ({code}); try again later")
        if write and code in _LOST:
            return AnswerRefused(f"{who} carried out {function}, and its answer got lost ({code})")
        if not write and of_database(code):
            return Unavailable(f"the database of {who} has trouble ({code})")
        return MoodleError(f"{who} refused {function} ({code or 'no error code'})", code=code, words=words)
