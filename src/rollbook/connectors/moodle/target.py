"""Moodle as a target: provisions, reads back, looks up. Never deletes a user, a course or a category, never has Moodle
send mail. A deactivated account is a suspended one: it keeps everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from rollbook.connectors.base import Batch, Context, Report, TargetTraits
from rollbook.connectors.kit.looking_up import found_by_code
from rollbook.connectors.moodle import enrollments, places, sections, users
from rollbook.connectors.moodle.client import MoodleClient
from rollbook.connectors.moodle.functions import missing
from rollbook.connectors.moodle.lenient import decimal, listing, text
from rollbook.connectors.moodle.options import WITH_PASSWORDS, MoodleOptions
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.rights import lacking
from rollbook.connectors.moodle.sending import Sizes
from rollbook.connectors.moodle.translate import usernames
from rollbook.connectors.moodle.variables import SPARE, Variables
from rollbook.errors import AuthFailed, Bug
from rollbook.roster.changes import Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, REKEY, REMOVE, UPDATE

_FIELDS: Final = {
    "building": places.FIELDS,
    "course": places.FIELDS,
    "user": users.CREATE_FIELDS,
    "section": sections.FIELDS,
    "enrollment": enrollments.FIELDS,
}
#: The version (4.4) from which on Moodle mails people whom web services enrol; whether it does, no call tells (README).
_WELCOMES: Final = 2024042200
#: Changes of one slice: between two slices no call is under way for a moment.
_SLICE: Final = 2000
_WRITES: Final = frozenset({CREATE, UPDATE, REKEY})


class MoodleTarget:
    """One Moodle site. Several threads may call it."""

    def __init__(self, options: MoodleOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called, or an unknown time zone; calls nothing yet."""
        self._options = options
        options.zone()
        self._client = MoodleClient(options, context)
        self._reader = Reader(self._client, options)
        most = dict.fromkeys(_FIELDS, options.batch_size) | {"section": min(options.batch_size, sections.MOST)}
        wanted = max(most[kind] * fields for kind, fields in _FIELDS.items()) + SPARE
        variables = Variables(options.max_input_vars, wanted, self._client.takes)
        self._sizes = {kind: Sizes(most[kind], variables, self._client.wait) for kind in _FIELDS}
        self._places, self._users, self._sections, self._enrollments = (
            places.Places(self._client, self._reader, options, self._sizes["building"]),
            users.Users(self._client, self._reader, options, self._sizes["user"]),
            sections.Sections(self._client, self._reader, options, self._sizes["section"]),
            enrollments.Enrollments(self._client, self._reader, options, self._sizes["enrollment"]),
        )

    def __repr__(self) -> str:
        return "MoodleTarget()"

    @property
    def traits(self) -> TargetTraits:
        """Moodle has no grading periods and, by web services, no links of guardians; courses of the SIS are an option.
        Names of categories need not be unique, and a call that makes sections may still be under way: those are looked
        up after a lost answer."""
        kinds = frozenset(_FIELDS) - (frozenset({"course"}) if self._options.courses == "ignore" else frozenset())
        return TargetTraits(
            title="Moodle",
            kinds=kinds,
            bulk={kind: self._sizes[kind].fitting(_FIELDS[kind]) for kind in kinds},
            replay_safe=kinds - {"building", "course", "section"},
            removable=frozenset({"enrollment"}),
            parallel=self._options.parallel,
            slice_size=max(_SLICE, self._options.batch_size * self._options.parallel),
            deactivates=True,
            sets_passwords=self._options.auth in WITH_PASSWORDS,
            lower_usernames=True,
            usernames=usernames(self._options),
            users_by_id=True,
            helpers_are_staff=True,
            codes_proven=self._options.id_numbers == "locked",
            apart=self._apart,
            nowhere=self._nowhere(),
        )

    def _nowhere(self) -> dict[str, frozenset[str]]:
        """An account has no role, no year and, without cohorts, no building; a course no location and no grading
        periods. What is taught in it its category says, or nothing: then a course that was there stays where it is."""
        options = self._options
        user = {"role", "graduation_year"} | (set() if options.cohorts else {"building", "additional_buildings"})
        section = {"grading_periods", "location"} | ({"course"} if options.courses == "ignore" else set())
        return {"user": frozenset(user), "section": frozenset(section)}

    def _apart(self, change: Change) -> str | None:
        """Of whom, or of what, Moodle changes a row until the call ends, so that calls with the same one would wait for
        each other, or fail (README): a person who gets or loses a role, the courses of a category among which one is
        made, all categories."""
        if change.kind == "enrollment":
            return text(change.after.get("user"))
        if change.kind == "section":
            return text(change.refs.get("course.building" if self._options.courses == "ignore" else "course"))
        return None if change.kind == "user" else ""

    def close(self) -> None:
        self._client.close()

    def test(self) -> Report:
        """Asks the site about itself, which functions the token may call, what its account may do, and for its
        categories. Raises AuthFailed when functions or rights are missing, and names them."""
        site = self._reader.site()
        have = {text(each.get("name")) for each in listing(site.get("functions"))}
        self._may_work(have)
        buildings = sum(1 for _ in self._reader.read("building", ()))
        name = text(site.get("sitename")) or "the site"
        release = text(site.get("release")) or text(site.get("version")) or "not told"
        facts = {
            "site": name,
            "release": release,
            "service account": self._reader.own_id(),
            "buildings": str(buildings),
            "roles": ", ".join(self.roles()),
        }
        if (decimal(site.get("version")) or 0.0) >= _WELCOMES:
            facts["welcome messages"] = "Moodle mails whoever is enrolled, unless its administrator switched that off"
        return Report(ok=True, summary=f"Connected to {name}: {buildings} buildings.", facts=facts)

    def _may_work(self, have: Set[str]) -> None:
        """Raises AuthFailed that names every function which the service lacks, and every right which its account lacks,
        as far as that can be found out with the functions that there are."""
        functions = missing(have, self._options)
        capabilities, roles = lacking(self._client, self._reader, self._options, have)
        words = [f"the service of the token lacks these functions: {', '.join(functions)}"] if functions else []
        words += [f"it lacks these capabilities: {', '.join(capabilities)}"] if capabilities else []
        words += [f"it may not assign these roles (Allow role assignments): {', '.join(roles)}"] if roles else []
        if functions and len(words) == 1:
            raise AuthFailed(f"the service of the token lacks these functions: {', '.join(functions)}")
        if words:
            whys = "; ".join([*words, "an administrator changes its role in Moodle"])
            raise AuthFailed(f"the service account cannot do its work: {whys}")

    def roles(self) -> Mapping[str, bool]:
        """Moodle cannot list its roles by web services: those of the options. A user's role only says what the person
        is; in sections it is that of student, teacher or assistant."""
        options = self._options
        names = (options.teacher_role, options.assistant_role, *options.other_teacher_roles)
        staff = {name: True for name in names if name}
        return {options.student_role: False, **staff, "user": False}

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        return self._reader.read(kind, within)

    def accounts(self, lms_ids: Sequence[str]) -> Iterator[LiveRecord]:
        return self._reader.accounts(lms_ids)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """Buildings and courses, and users and sections by their codes; enrollments are safe to repeat. Raises Bug for
        those."""
        kinds = {change.kind for change in changes}
        if kinds <= {"building", "course"}:
            return self._places.look_up(changes)
        if not kinds <= {"user", "section"}:
            raise Bug("only categories, users and sections can be looked up in Moodle")
        return found_by_code(self._reader.read, changes)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        _check(batch, self.traits)
        if not batch.changes:
            return []
        if batch.kind == "user":
            return self._users.apply(batch)
        if batch.kind == "section":
            return self._sections.apply(batch)
        if batch.kind == "enrollment":
            return self._enrollments.apply(batch)
        return self._places.apply(batch)


def _check(batch: Batch, traits: TargetTraits) -> None:
    """Raises Bug for a batch that must not exist: nothing of it is sent."""
    allowed = _WRITES | ({REMOVE} if batch.kind in traits.removable else set())
    allowed |= users.ACTIONS if batch.kind == "user" else set()
    if batch.kind not in traits.kinds or batch.action not in allowed:
        raise Bug(f"the Moodle connector does not {batch.action} objects of kind {batch.kind!r}")
    if len(batch.changes) > traits.bulk[batch.kind]:
        raise Bug(f"a batch of {len(batch.changes)} changes, where at most {traits.bulk[batch.kind]} fit in one call")
