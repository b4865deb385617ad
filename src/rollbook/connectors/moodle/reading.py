"""Reads a live site, kind by kind. Never passes a part off as the whole: it raises instead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from rollbook.connectors.kit.side_by_side import side_by_side
from rollbook.connectors.moodle import live
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, ident, listing, mapping, optional, text
from rollbook.connectors.moodle.odd_accounts import INVALID, AroundOdd, Criteria, by_halves
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.variables import SPARE, SURE
from rollbook.errors import BadResponse, Bug
from rollbook.roster.changes import LiveRecord

T = TypeVar("T")

#: Values of one look-up.
_VALUES_MOST: Final = 500
#: Said for the id of a deleted account.
_NO_RECORD: Final = "invalidrecord"
#: Up to so many courses are asked for one by one, more all at once: the function takes one ID number a call.
_COURSES_SINGLY: Final = 20


class Reader:
    """What is in the site, and the ids that are learned on the way. Several threads may use it."""

    def __init__(self, client: MoodleClient, options: MoodleOptions) -> None:
        self._client, self._options = client, options
        self._zone = options.zone()
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._values_most = min(_VALUES_MOST, (options.max_input_vars or SURE) - SPARE)
        self._site: Json | None = None
        #: LMS ids by ID number, of users and of sections' courses; and ID numbers of courses by LMS id.
        self.users: dict[str, str] = {}
        #: ID numbers that several accounts have. Whose they are is not guessed: people may change their own.
        self.doubled: set[str] = set()
        #: LMS ids that accounts have.
        self._seen: set[str] = set()
        #: LMS ids, by unique id, of accounts that were made here, or found as we make them.
        self.made: dict[str, str] = {}
        self._knows_all_users = False
        self.courses: dict[str, str] = {}
        self.codes: dict[str, str | None] = {}

    def site(self) -> Json:
        """What the site says of itself, of the service account and of the functions that its token may call."""
        with self._lock:
            if self._site is None:
                found = mapping(self._client.read("core_webservice_get_site_info", "the site"))
                if ident(found.get("userid")) is None:
                    raise BadResponse("Moodle did not say whose token it is; check the address in the settings")
                self._site = found
            return self._site

    def own_id(self) -> str:
        return text(self.site().get("userid"))

    def read(self, kind: str, within: Sequence[str]) -> Iterator[LiveRecord]:
        """All objects of a kind. `within` narrows users and sections to their ID numbers, enrollments to sections (LMS
        ids)."""
        readers: dict[str, Callable[[Sequence[str]], Iterator[LiveRecord | None]]] = {
            "building": self._buildings,
            "course": self._course_categories,
            "user": self._users,
            "section": self._sections,
            "enrollment": self._enrollments,
            "grading_period": lambda _: iter(()),
            "guardian_link": lambda _: iter(()),
        }
        if kind not in readers:
            raise Bug(f"the Moodle connector does not know objects of kind {kind!r}")
        for record in readers[kind](within):
            if record is not None:
                yield record

    # --- places -------------------------------------------------------------------------------------------------------

    def categories(self) -> list[Json]:
        """All course categories; those of buildings lie directly below the root."""
        found = self._client.read("core_course_get_categories", "course categories")
        if not isinstance(found, list):
            raise BadResponse("Moodle did not answer with a list of course categories")
        return listing(found)

    def _buildings(self, _: Sequence[str]) -> Iterator[LiveRecord | None]:
        root = str(self._options.root_category)
        return (live.building(each) for each in self.categories() if (text(each.get("parent")) or "0") == root)

    def _course_categories(self, _: Sequence[str]) -> Iterator[LiveRecord | None]:
        if self._options.courses == "ignore":
            return
        root = str(self._options.root_category)
        found = self.categories()
        above = {text(each.get("id")) for each in found if (text(each.get("parent")) or "0") == root}
        yield from (live.course(each) for each in found if text(each.get("parent")) in above)

    # --- people -------------------------------------------------------------------------------------------------------

    def users_by(self, field: str, values: Iterable[str]) -> list[Json]:
        """Accounts by `idnumber`, `id`, `username` or `email`, many a call; LMS ids are learned. One that Moodle cannot
        show has nothing but the value by which it was asked for."""
        wanted = list(dict.fromkeys(value for value in values if value.strip()))
        found: list[Json] = []
        for start in range(0, len(wanted), self._values_most):
            part = wanted[start : start + self._values_most]
            found += by_halves(lambda values: self._users_by(field, values), field, part)
        self._learn_users(found)
        return found

    def _users_by(self, field: str, values: Sequence[str]) -> list[Json]:
        rows = self._client.read("core_user_get_users_by_field", "users", field=field, values=values)
        if not isinstance(rows, list):
            raise BadResponse("Moodle did not answer with a list of users")
        return listing(rows)

    def _users_with(self, criteria: Criteria) -> list[Json]:
        """Those who meet all of it."""
        pairs = [{"key": key, "value": value} for key, value in criteria.items()]
        answer = self._client.read("core_user_get_users", "all users", long=True, criteria=pairs)
        if not isinstance(mapping(answer).get("users"), list):
            raise BadResponse("Moodle did not answer with a list of users")
        return listing(mapping(answer)["users"])

    def _all_users(self) -> list[Json]:
        try:
            return self._users_with({"lastname": "%"})  # nobody is without one, and everybody has it shown
        except MoodleError as error:
            if error.code != INVALID:
                raise
        return AroundOdd(self._users_with, self.users_by_id, self._options.parallel).read()

    def _learn_users(self, rows: Sequence[Json]) -> None:
        for each in rows:
            code, own = optional(each.get("idnumber")), ident(each.get("id"))
            if own:
                self._seen.add(own)
            if code and own and self.users.setdefault(code, own) != own:
                self.doubled.add(code)

    def made_user(self, code: str, lms_id: str) -> None:
        """An account was made, when nobody had its ID number, or was found just as it would be made."""
        self.users[code] = self.made[code] = lms_id
        self._seen.add(lms_id)

    def holders(self, codes: Sequence[str]) -> dict[str, list[Json]]:
        """The accounts that have these ID numbers now, without those that nobody has. Once all accounts were read, it
        asks only for ID numbers that somebody had then."""
        asked = [code for code in codes if code in self.users] if self._knows_all_users else codes
        found: dict[str, list[Json]] = {}
        for raw in self.users_by("idnumber", asked) if asked else ():
            found.setdefault(text(raw.get("idnumber")), []).append(raw)
        wanted = set(codes)
        return {code: rows for code, rows in found.items() if code in wanted}

    def user_ids(self, codes: Iterable[str]) -> dict[str, str]:
        """LMS ids by unique id, of those whom exactly one account stands for; asks only for those that are not known
        yet. `doubled` has the unique ids of several accounts."""
        wanted = list(dict.fromkeys(codes))
        missing = [code for code in wanted if code not in self.users]
        if missing:
            self.users_by("idnumber", missing)
        return {code: own for code in wanted if code not in self.doubled and (own := self.users.get(code))}

    def proven_ids(self, codes: Iterable[str]) -> dict[str, str]:
        """LMS ids by unique id, of those whose account is known for sure: all where ID numbers are locked, else those
        of whom `made_user` was told."""
        if self._options.id_numbers == "locked":
            return self.user_ids(codes)
        return {code: self.made[code] for code in codes if code in self.made}

    def users_by_id(self, ids: Sequence[str]) -> list[Json]:
        """Accounts by LMS id. Moodle refuses the whole call for one of a deleted account, which is not there."""
        try:
            return self.users_by("id", ids)
        except MoodleError as error:
            if error.code != _NO_RECORD:
                raise
            if len(ids) == 1:
                return []
            middle = len(ids) // 2
            return [*self.users_by_id(ids[:middle]), *self.users_by_id(ids[middle:])]

    def accounts(self, ids: Sequence[str]) -> Iterator[LiveRecord]:
        """The accounts with these LMS ids, as `read` gives them."""
        own, names = self.own_id(), frozenset(self._options.protected_users)
        for raw in self.users_by_id(list(dict.fromkeys(ids))):
            record = live.user(raw, own, names)
            if record is not None:
                yield record

    def users_there(self, ids: Iterable[str]) -> frozenset[str]:
        """Which of these LMS ids accounts have."""
        wanted = list(dict.fromkeys(ids))
        unknown = [each for each in wanted if each not in self._seen]
        if unknown:
            self.users_by_id(unknown)
        return frozenset(each for each in wanted if each in self._seen)

    def _users(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        if within:
            rows = self.users_by("idnumber", within)
        else:
            rows = self._all_users()
            self._learn_users(rows)
        if rows and not any("username" in each for each in rows):
            raise BadResponse("Moodle does not show usernames and ID numbers; see which capabilities the token needs")
        own, names = self.own_id(), frozenset(self._options.protected_users)
        for raw in rows:
            yield self._without_shared_code(live.user(raw, own, names))
        self._knows_all_users |= not within

    def _without_shared_code(self, record: LiveRecord | None) -> LiveRecord | None:
        """An ID number of several accounts is nobody's: neither is linked to the person of the SIS by it."""
        if record is None or record.code not in self.doubled:
            return record
        return msgspec.structs.replace(record, code=None)

    # --- sections -----------------------------------------------------------------------------------------------------

    def raw_courses(self, codes: Sequence[str]) -> list[Json]:
        """Moodle's courses with these ID numbers, all that there are for none; LMS ids are learned."""
        wanted = list(dict.fromkeys(code for code in codes if code.strip()))
        if codes and len(wanted) <= _COURSES_SINGLY:
            found = [
                row
                for rows in side_by_side(self._course_by_code, wanted, at_once=self._options.parallel)
                for row in rows
            ]
        else:
            found = self._courses()
            if codes:
                chosen = frozenset(wanted)
                found = [each for each in found if text(each.get("idnumber")) in chosen]
        for each in found:
            self._learn(each)
        return found

    def course_ids(self, codes: Iterable[str]) -> dict[str, str]:
        """LMS ids by section code, of those that are there; asks only for those that are not known yet."""
        wanted = list(dict.fromkeys(codes))
        with self._asking:  # whoever waited finds the courses that another thread has asked for
            missing = [code for code in wanted if code not in self.courses]
            if missing:
                self.raw_courses(missing)
        return {code: self.courses[code] for code in wanted if code in self.courses}

    def learn_course(self, code: str, lms_id: str) -> None:
        self.courses[code] = lms_id
        self.codes[lms_id] = code

    def _learn(self, raw: Json) -> None:
        own, code = ident(raw.get("id")), optional(raw.get("idnumber"))
        if own:
            self.codes[own] = code
            if code:
                self.courses[code] = own

    def _course_by_code(self, code: str) -> list[Json]:
        return [each for each in self._courses(field="idnumber", value=code) if text(each.get("idnumber")) == code]

    def _courses(self, **narrowed: str) -> list[Json]:
        """Without the front page, which is a course too, in no category."""
        answer = self._client.read("core_course_get_courses_by_field", "courses", long=not narrowed, **narrowed)
        if not isinstance(mapping(answer).get("courses"), list):
            raise BadResponse("Moodle did not answer with a list of courses")
        return [each for each in listing(mapping(answer)["courses"]) if ident(each.get("categoryid"))]

    def _sections(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        placed = self._options.courses == "category"
        return (live.section(each, self._zone, placed=placed) for each in self.raw_courses(within))

    # --- enrollments --------------------------------------------------------------------------------------------------

    def courses_there(self, ids: Iterable[str]) -> frozenset[str]:
        """Which of these LMS ids sections' courses have; learns their codes."""
        wanted = list(dict.fromkeys(ids))
        unknown = [each for each in wanted if each not in self.codes]
        for start in range(0, len(unknown), _VALUES_MOST):
            for raw in self._courses(field="ids", value=",".join(unknown[start : start + _VALUES_MOST])):
                self._learn(raw)
        return frozenset(each for each in wanted if each in self.codes)

    def _enrollments(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        sections = list(within) or [text(each.get("id")) for each in self.raw_courses(())]
        found = self.courses_there(sections)
        there = [each for each in sections if each in found]  # one that is gone has no members
        for members in side_by_side(self.members, there, at_once=self._options.parallel):
            yield from members

    def members(self, section: str) -> list[LiveRecord | None]:
        """The active members of a section, by its LMS id, with a role that makes them student or teacher."""
        code = self.codes.get(section)
        return [live.enrollment(raw, section, code, self._options) for raw in self.enrolled(section, active=True)]

    def enrolled(self, section: str, *, active: bool) -> list[Json]:
        """Whoever is enrolled by whatever way; with `active`, only whoever is not suspended."""
        given = [{"name": "userfields", "value": "id,idnumber,roles"}, {"name": "onlyactive", "value": int(active)}]
        rows = self._client.read("core_enrol_get_enrolled_users", "enrolled users", courseid=section, options=given)
        if not isinstance(rows, list):
            raise BadResponse("Moodle did not answer with a list of enrolled users")
        return listing(rows)
