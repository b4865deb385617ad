"""“Why is she (not) in this class?” Judges what the last runs have left and answers in words. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from rollbook.store.looking import Row
from rollbook.store.models import PinRow, RefusalRow
from rollbook.store.one_record import Change, Record
from rollbook.store.readings import Reading
from rollbook.web.said import short_day
from rollbook.web.why_words import (
    fate_words,
    finding_words,
    held_words,
    person_words,
    section_words,
    waiting_words,
)

#: Findings by which a record is there for Rollbook and not as people see it.
_TAKEN_OUT: Final = "ENROLLMENT_GONE"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A person, a section, and what is known of the enrollment that joins them. `changes` are those of the pair, the
    newest first; `reading` is the newest run that read the SIS and covers enrollments of the section's school. Where
    the SIS is read by changes, `listed` are its enrollments of the pair, and `whole` is when it was last read whole."""

    person: Record
    section: Record
    given: Row | None
    left_out: Sequence[Row]
    changes: Sequence[Change]
    findings: Sequence[Row]
    refusal: RefusalRow | None
    pin: PinRow | None
    reading: Reading | None
    listed: Sequence[Row] = ()
    whole: datetime | None = None


@dataclass
class Answer:
    """`enrolled` is None when nothing was ever read. `reasons` are sentences, `fixes` what somebody can do."""

    enrolled: bool | None
    reasons: list[str] = field(default_factory=list)
    fixes: list[str] = field(default_factory=list)

    def add(self, reason: str, fix: str = "") -> Answer:
        self.reasons.append(reason)
        if fix and fix not in self.fixes:
            self.fixes.append(fix)
        return self


def why(pair: Pair) -> Answer:
    """The answer, from the nearest cause to the farthest."""
    if pair.given is not None:
        return _enrolled(pair)
    for cause in _CAUSES:
        found = cause(pair)
        if found is not None:
            return found
    return _not_listed(pair)


def _enrolled(pair: Pair) -> Answer:
    assert pair.given is not None
    answer = Answer(True)
    for row in pair.findings:
        if row["code"] == _TAKEN_OUT:
            return Answer(False).add(*finding_words(row))
    answer.add(_origin(pair.given))
    change = pair.changes[0] if pair.changes else None
    if change is not None and change.reading is pair.reading and change.action == "remove":
        answer.add(
            _("The SIS does not list the person in this class any more; taking them out %(fate)s.")
            % {"fate": fate_words(change)}
        )
        return answer
    if pair.pin is not None:
        return answer.add(_pin_words(pair.pin), _("Lift the pin, or correct the SIS."))
    for words, left_out in ((person_words, pair.person.left_out), (section_words, pair.section.left_out)):
        if left_out is not None:
            reason, fix = words(left_out)
            return answer.add(_("It stays as it is (frozen). %(why)s") % {"why": reason}, fix)
    if pair.left_out:
        return answer.add(_left_out_words(pair.left_out[0]))
    if pair.reading is not None and pair.reading.unread:
        answer.add(_("The SIS was not read whole in the last run, so nobody is taken out for being absent."))
    return answer


def _origin(given: Row) -> str:
    role = _("course admin") if given["admin"] else _("member")
    if given["origin"] == "adopted":
        return _("Enrolled as %(role)s: the SIS lists the person, who was in the section before Rollbook came.") % {
            "role": role
        }
    if given["origin"] == "unknown":
        return _("Enrolled as %(role)s, probably: it was sent, but the answer was lost. The next run looks.") % {
            "role": role
        }
    return _("Enrolled as %(role)s: the SIS lists the person in this class, and Rollbook enrolled them.") % {
        "role": role
    }


# --- why not, from the nearest cause to the farthest ------------------------------------------------------------------


def _planned(pair: Pair) -> Answer | None:
    """The newest run wanted it."""
    change = pair.changes[0] if pair.changes else None
    if change is None or change.reading is not pair.reading or change.action == "remove":
        return None
    answer = Answer(False)
    if change.outcome is not None and change.outcome.status == "refused":
        answer.add(
            _("The LMS refused the enrollment and said: “%(message)s”") % {"message": change.outcome.message},
            _("Correct what the LMS complains about, then sync with “try refused records again”."),
        )
        return _since(answer, pair.refusal)
    if change.outcome is not None and change.outcome.status == "waiting":
        answer.add(_("The enrollment was not sent, because something that it needs was not made."))
        _reasons_of_parents(answer, pair)
        return answer
    if change.outcome is not None:
        return answer.add(_("The enrollment was sent: %(fate)s.") % {"fate": fate_words(change)})
    if change.state == "held":
        fix = _("Decide about it on the Plan page.") if change.hold else _("Sync again.")
        return answer.add(_("The enrollment waits for approval. %(why)s") % {"why": held_words(change)}, fix)
    if change.state in ("waiting", "blocked"):
        answer.add(_("The enrollment waits: %(why)s.") % {"why": waiting_words(change)})
        _reasons_of_parents(answer, pair)
        return _since(answer, pair.refusal)
    if change.reading.dry_run:
        return answer.add(_("The last preview wants to enroll the person."), _("Sync Sections/Enrollments."))
    return answer.add(_("The last run ended before it came to this enrollment."), _("Sync again."))


def _refused(pair: Pair) -> Answer | None:
    if pair.refusal is None:
        return None
    answer = Answer(False).add(
        _("The LMS refused the enrollment and said: “%(message)s”") % {"message": pair.refusal.message},
        _("Correct what the LMS complains about, then sync with “try refused records again”."),
    )
    return _since(answer, pair.refusal)


def _section_left_out(pair: Pair) -> Answer | None:
    row = pair.section.left_out
    if row is None:
        return None
    sentence, fix = section_words(row)
    answer = Answer(False).add(sentence, fix)
    _add_findings(answer, pair.section)
    return answer


def _person_left_out(pair: Pair) -> Answer | None:
    row = pair.person.left_out
    if row is None:
        return None
    sentence, fix = person_words(row)
    answer = Answer(False).add(sentence, fix)
    _add_findings(answer, pair.person)
    return answer


def _no_account(pair: Pair) -> Answer | None:
    """The person should have an account, and has none."""
    if pair.person.given is not None:
        return None
    answer = Answer(False)
    _account_reasons(answer, pair.person)
    return answer if answer.reasons else None


def _enrollment_left_out(pair: Pair) -> Answer | None:
    if not pair.left_out:
        return None
    later = [row for row in pair.left_out if row["reason"] == "begins"]
    answer = Answer(False).add(_left_out_words(later[0] if later else pair.left_out[0]))
    for row in pair.findings:
        answer.add(*finding_words(row))
    return answer


def _pinned(pair: Pair) -> Answer | None:
    if pair.pin is None:
        return None
    return Answer(False).add(_pin_words(pair.pin), _("Lift the pin, or correct the SIS."))


def _removed(pair: Pair) -> Answer | None:
    for change in pair.changes:
        if change.action == "remove" and change.outcome is not None and change.outcome.status == "done":
            return Answer(False).add(
                _("Run %(run)s took the person out on %(day)s: the SIS did not list them in this class any more.")
                % {"run": change.reading.run, "day": short_day(change.reading.at)},
                _("If that is wrong, correct the enrollment in the SIS."),
            )
    return None


_CAUSES: Final[tuple[Callable[[Pair], Answer | None], ...]] = (
    _planned,
    _section_left_out,
    _person_left_out,
    _no_account,
    _enrollment_left_out,
    _pinned,
    _refused,
    _removed,
)


def _not_listed(pair: Pair) -> Answer:
    reading = pair.reading
    if reading is None:
        return Answer(None).add(
            _("No run has read the enrollments of this school yet, or what it left is not kept any more."),
            _("Sync Sections/Enrollments, or make a preview of it."),
        )
    answer = Answer(False)
    if pair.whole is not None and _said_by_changes(answer, pair):
        return answer
    if pair.section.given is None and not pair.section.changes:
        return answer.add(
            _("The SIS did not list this section in run %(run)s, and it is not in the LMS.") % {"run": reading.run},
            _("Look for the class in the SIS."),
        )
    answer.add(
        _("The SIS did not list the person in this class in run %(run)s.") % {"run": reading.run},
        _("Enroll the person in the SIS; the next sync takes it over."),
    )
    for name, reason in reading.unread.items():
        answer.add(_("But %(name)s were not read whole: %(reason)s") % {"name": name, "reason": reason})
    return answer


def _said_by_changes(answer: Answer, pair: Pair) -> bool:
    """What delta reads know of the enrollment, of the section or of the person; False when it is none of them."""
    if pair.listed and not all(row["gone"] for row in pair.listed):
        answer.add(
            _("The SIS lists the person in this class; no run has come to this enrollment yet."),
            _("Sync Sections/Enrollments."),
        )
    elif pair.listed:
        answer.add(
            _("The SIS has marked the enrollment in this class as deleted."),
            _("If that is wrong, correct the enrollment in the SIS."),
        )
    else:
        for record, words in ((pair.section, _gone_class), (pair.person, _gone_person)):
            if record.listed is not None and record.listed["gone"]:
                answer.add(words(), _("If that is wrong, correct it in the SIS."))
    return bool(answer.reasons)


def _gone_class() -> str:
    return _("The SIS has marked this class as deleted.")


def _gone_person() -> str:
    return _("The SIS has marked this person as deleted.")


# --- parts ------------------------------------------------------------------------------------------------------------


def account_answer(person: Record) -> Answer:
    """Why somebody has no account, or why the account stays as it is."""
    answer = Answer(person.given is not None)
    if person.left_out is not None:
        answer.add(*person_words(person.left_out))
        _add_findings(answer, person)
    else:
        _account_reasons(answer, person)
    return answer


def section_answer(section: Record) -> Answer:
    """Why a section is not in the LMS, or stays as it is."""
    answer = Answer(section.given is not None)
    if section.left_out is not None:
        answer.add(*section_words(section.left_out))
    elif section.listed is not None and section.listed["gone"]:
        answer.add(_gone_class(), _("If that is wrong, correct it in the SIS."))
    _record_reasons(answer, section)
    return answer


def _account_reasons(answer: Answer, person: Record) -> None:
    if person.listed is not None and person.listed["gone"]:
        answer.add(_gone_person(), _("If that is wrong, correct it in the SIS."))
    _record_reasons(answer, person)


def _record_reasons(answer: Answer, record: Record) -> None:
    change = record.newest(record.kind, record.key or "")
    if change is not None and not (change.outcome is not None and change.outcome.status == "done"):
        what = {"create": _("Making it"), "update": _("The last change")}.get(change.action, change.action)
        answer.add(_("%(what)s: %(fate)s.") % {"what": what, "fate": fate_words(change).rstrip(".")})
    refusal = record.refusals.get((record.kind, record.key or ""))
    _since(answer, refusal)
    _add_findings(answer, record)


def _reasons_of_parents(answer: Answer, pair: Pair) -> None:
    for record in (pair.person, pair.section):
        if record.given is None:
            _record_reasons(answer, record)


def _add_findings(answer: Answer, record: Record) -> None:
    for row in record.findings:
        if "|" not in (row["id"] or "") or row["collection"] not in ("enrollment", "guardian_link"):
            sentence, fix = finding_words(row)
            more = row["other"] or row["detail"]
            answer.add(f"{sentence} ({more})" if more else sentence, fix)


def _since(answer: Answer, refusal: RefusalRow | None) -> Answer:
    if refusal is not None:
        words = _("Refused since %(day)s, in %(runs)s runs.") % {
            "day": short_day(refusal.first),
            "runs": refusal.runs,
        }
        if refusal.retry_from is not None:
            words += " " + _("Tried again from %(day)s on, or when the record changes.") % {
                "day": short_day(refusal.retry_from)
            }
        answer.add(words)
    return answer


def _left_out_words(row: Row) -> str:
    begins = short_day(row["begins"]) if row["begins"] else ""
    ends = short_day(row["ends"]) if row["ends"] else ""
    if row["reason"] == "begins":
        given = short_day(row["given"])
        return _("The SIS lists the person from %(begins)s on; the enrollment is given on %(given)s.") % {
            "begins": begins,
            "given": given,
        }
    if row["reason"] == "ended":
        return _("The SIS says that the enrollment ended: its last date is %(ends)s.") % {"ends": ends}
    if row["reason"] == "guardian":
        return _("The SIS lists the person as a guardian in this class; guardians are not enrolled.")
    return _("The enrollment's record in the SIS has a fault that blocks it.")


def _pin_words(pin: PinRow) -> str:
    return _("An undo (run %(run)s) put this as it is, and a pin keeps it so until %(day)s.") % {
        "run": pin.run_id,
        "day": short_day(pin.until),
    }
