"""The table of findings: every code with its severity, its sentence and its fix. The rules live elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rollbook.roster.grade_findings import BLOCKING, WARNING

BLOCKS, WARNS = "blocks", "warns"


@dataclass(frozen=True)
class Finding:
    """`severity` blocks: the record and what depends on it are held back; warns: it goes on. `sentence` says what is
    wrong, `fix` who does what about it."""

    code: str
    severity: str
    sentence: str
    fix: str


_BLOCKS: dict[str, tuple[str, str]] = {
    "CSV_UNREADABLE_FILE": (
        "A file is damaged or its rows cannot be told apart; nothing is taken for gone.",
        "Export and send it again.",
    ),
    "CSV_MISSING_FILE": ("A file that a roster needs is not in the package.", "Add the file to the SIS export."),
    "CSV_NO_HEADER": ("A file has no header line, so its columns are unknown.", "Export it with a header line."),
    "CSV_MISSING_COLUMN": ("A column that Rollbook needs is missing.", "Add the named columns to the SIS export."),
    "CSV_CUT_OFF": (
        "A file breaks off in the middle of a row; nothing is taken for gone.",
        "Export and send it again; what is there was read.",
    ),
    "STAGE_BAD_LINE": (
        "A line of the file could not be read.",
        "Correct the line in the SIS export; the rest was read.",
    ),
    "ID_MISSING": ("A record has no sourcedId.", "Give the record an id in the SIS."),
    "ID_DUPLICATE": ("Several records of one file share a sourcedId.", "Make the ids unique in the SIS."),
    "REQUIRED_MISSING": ("A required value is empty.", "Fill the named field in the SIS."),
    "SESSION_DATES_SWAPPED": ("The academic session ends before it starts.", "Correct its dates in the SIS."),
    "SESSION_DATES_MISSING": (
        "The academic session has no readable start or end date.",
        "Correct its dates in the SIS.",
    ),
    "CLASS_COURSE_MISSING": (
        "The class refers to a course that is not there.",
        "Add the course, or correct the class.",
    ),
    "CLASS_SCHOOL_MISSING": ("The class refers to a school that is not there.", "Add the org, or correct the class."),
    "CLASS_NO_TERM": ("The class has no term that exists.", "Give the class a term in the SIS."),
    "USER_USERNAME_SPACE": (
        "The username contains a space, which the LMS refuses.",
        "Change the username in the SIS; Rollbook never trims it.",
    ),
    "USER_NO_LOGIN": ("The user has neither username nor e-mail.", "Give the user a username or an e-mail in the SIS."),
    "USER_UNIQUE_ID_MISSING": ("The user has no value in the field used as unique id.", "Fill that field in the SIS."),
    "USER_UNIQUE_ID_DUPLICATE": ("Several users share a unique id.", "Make the unique ids unique in the SIS."),
    "USER_USERNAME_DUPLICATE": (
        "Several users share a username.",
        "Give each person a username of their own in the SIS.",
    ),
    "USER_EMAIL_DUPLICATE": (
        "Several users share an e-mail address.",
        "Give each person an address of their own in the SIS.",
    ),
    "USER_NO_ORG": ("The user belongs to no org that exists.", "Give the user an org in the SIS."),
    "USER_NO_ROLE": ("The user has no role.", "Give the user a role in the SIS."),
    "ENROLLMENT_CLASS_MISSING": (
        "The enrollment refers to a class that is not there.",
        "Add the class, or remove the enrollment.",
    ),
    "ENROLLMENT_USER_MISSING": (
        "The enrollment refers to a user who is not there.",
        "Add the user, or remove the enrollment.",
    ),
    "ENROLLMENT_ROLE_UNKNOWN": ("The enrollment's role is not one Rollbook knows.", "Correct the role in the SIS."),
    "ENROLLMENT_DATES_SWAPPED": ("The enrollment ends before it begins.", "Correct its dates in the SIS."),
    "MAP_SCHOOL_NO_ROLES": (
        "The school is mapped but has no role map, so none of its users sync.",
        "Map the roles of the school.",
    ),
    "MAP_BUILDING_NOT_FOUND": (
        "A school is mapped to a building that the LMS does not have.",
        "Correct the mapping of the school.",
    ),
    "MAP_PERIOD_NOT_FOUND": (
        "A term is mapped to a grading period that the LMS does not have.",
        "Correct the mapping of the term.",
    ),
    "MAP_ROLE_NOT_FOUND": ("A role is mapped to a role that the LMS does not have.", "Correct the role map."),
    "BUILDING_GONE": (
        "A building that Rollbook made is gone from the LMS.",
        "Approve the hold to make it again, or map the school to another building.",
    ),
    "PERIOD_GONE": (
        "A grading period that Rollbook made is gone from the LMS.",
        "Approve the hold to make it again, or map the term to another period.",
    ),
    "PARENT_NOT_SYNCED": (
        "Something this record needs is not in the LMS yet.",
        "Sync Users and Courses first, then this kind again.",
    ),
    "ACCOUNT_CONFLICT": (
        "An account with this username or e-mail exists in the LMS under another unique id.",
        "Decide in Data Prep whose account it is, or correct the SIS.",
    ),
    "ACCOUNT_LEFT": (
        "Somebody decided in Data Prep that the account with this username or e-mail is another person's, so this "
        "person gets none under the same.",
        "Give the person another username or e-mail in the SIS, or decide again in Data Prep.",
    ),
    "ACCOUNT_INACTIVE": (
        "The account was deactivated by hand in the LMS; it stays so and its enrollments wait.",
        "Reactivate the account in the LMS if the person is back.",
    ),
}
_WARNS: dict[str, tuple[str, str]] = {
    "USER_USERNAME_REFUSED": (
        "The LMS takes no such username (its letters, its length, or none at all), and will refuse it.",
        "Change the username in the SIS, choose another column for usernames, or let the LMS allow it.",
    ),
    "CSV_EMPTY_FILE": ("A file has no rows.", "If that is not meant, export again; removals wait for a person."),
    "CSV_COLUMN_EXPECTED": (
        "A column that OneRoster demands is missing; Rollbook goes on without it.",
        "Ask the SIS vendor to add the named columns.",
    ),
    "CSV_UNKNOWN_COLUMN": ("A file has columns OneRoster does not know; they were left out.", "Nothing to do."),
    "CSV_DOUBLED_COLUMN": ("A column is there twice; the first one was read.", "Correct the header of the SIS export."),
    "CSV_MISSPELT_COLUMN": (
        "A column name is misspelt and was read as meant.",
        "Correct the header of the SIS export.",
    ),
    "CSV_UNKNOWN_FILE": ("The package has files OneRoster does not know; they were left out.", "Nothing to do."),
    "CSV_IN_FOLDER": (
        "The files of the zip lie in a folder instead of its root.",
        "Zip the files without their folder.",
    ),
    "CSV_MANIFEST_UNCLEAR": (
        "The manifest has values that mean nothing.",
        "Ask the SIS vendor to correct the manifest.",
    ),
    "CSV_MANIFEST_WRONG": (
        "The manifest and the files disagree; the files were believed.",
        "Ask the SIS vendor to correct the manifest.",
    ),
    "CSV_DELIMITER": ("A file is not separated by commas; it was read all the same.", "Export it with commas."),
    "CSV_NUL_BYTES": (
        "A file has NUL bytes; they were taken out of a copy.",
        "Ask the SIS vendor to correct the export.",
    ),
    "CSV_MIXED_LINE_ENDS": ("A file mixes line ends; a copy was mended.", "Ask the SIS vendor to correct the export."),
    "CSV_NOT_UTF8": (
        "A file is not UTF-8; a converted copy was read (UTF-16, else Windows-1252).",
        "Export it as UTF-8.",
    ),
    "SOURCE_INCOMPLETE": (
        "A collection could not be read completely, so nothing that depends on it is removed.",
        "Run again; if it stays, ask the SIS vendor about the reason shown.",
    ),
    "SOURCE_SHRANK": (
        "A collection holds less than half of what it held at the last complete read.",
        "Look whether the SIS still shows everything to the key; after a week the smaller number is believed.",
    ),
    "VALUE_UNREADABLE": ("A value could not be read and was left empty.", "Correct the value in the SIS."),
    "ID_ODD": (
        "A sourcedId has characters or a length that OneRoster does not allow.",
        "Ask the SIS vendor to correct the ids.",
    ),
    "ORG_PARENT_MISSING": ("The org's parent is not there.", "Add the parent org, or correct the reference."),
    "ORG_TYPE_UNKNOWN": ("The org's type is not one OneRoster knows.", "Correct the type in the SIS."),
    "SESSION_TYPE_UNKNOWN": ("The academic session's type is not one OneRoster knows.", "Correct the type in the SIS."),
    "SESSION_PARENT_MISSING": (
        "The academic session's parent is not there.",
        "Add the parent session, or correct the reference.",
    ),
    "SESSION_YEAR_GUESSED": (
        "The academic session has no school year; Rollbook took it from its dates.",
        "Fill schoolYear in the SIS.",
    ),
    "COURSE_ORG_MISSING": ("The course's org is not there.", "Add the org, or correct the course."),
    "COURSE_YEAR_WRONG_TYPE": (
        "The course's school year is not a session of type schoolYear.",
        "Correct the course in the SIS.",
    ),
    "CLASS_SCHOOL_NOT_SCHOOL": (
        "The class's school is an org of another type.",
        "Correct the org's type or the class.",
    ),
    "CLASS_TERM_MISSING": ("One of the class's terms is not there.", "Add the term, or correct the class."),
    "CLASS_NO_TEACHER": ("The class has no teacher.", "Add a teacher in the SIS."),
    "CLASS_NO_STUDENT": ("The class has no student.", "Add students in the SIS, or remove the class."),
    "USER_ROLE_UNKNOWN": ("The user has a role that OneRoster does not know.", "Correct the role, or map it."),
    "USER_ORG_MISSING": ("One of the user's orgs is not there.", "Add the org, or correct the user."),
    "USER_AGENT_MISSING": ("One of the user's agents is not there.", "Add the agent, or correct the user."),
    "USER_TWO_PRIMARY_ROLES": (
        "The user has several primary roles at one org.",
        "Keep one primary role per org in the SIS.",
    ),
    "USER_PRIMARY_ORG_NO_ROLE": (
        "The user's primary org is none of their orgs.",
        "Correct the primary org in the SIS.",
    ),
    "ENROLLMENT_OUTSIDE_TERM": (
        "The enrollment's dates lie outside the class's terms.",
        "Correct the dates in the SIS.",
    ),
    "ENROLLMENT_SCHOOL_DIFFERS": (
        "The enrollment names another school than its class.",
        "Correct the enrollment in the SIS.",
    ),
    "USER_NOT_PROVISIONED": (
        "A person in a mapped class belongs to no mapped school or role, so their enrollments are left out.",
        "Map the person's school or role if they should be in the LMS.",
    ),
    "ACCOUNT_REACTIVATED": (
        "An account that Rollbook deactivated is active again although its person is still not in the SIS: somebody "
        "reactivated it, and it stays so.",
        "Nothing to do, or deactivate the account in the LMS.",
    ),
    "DEACTIVATION_UNSUPPORTED": (
        "The settings ask for accounts of leavers to be deactivated, which Rollbook cannot do in this LMS.",
        "Leave `users.deactivate_after` out, and deactivate accounts in the LMS.",
    ),
    "ACCOUNT_PROTECTED": (
        "The account is a system administrator of the LMS or owns the key; Rollbook leaves its role alone.",
        "Nothing to do, or give the person a second account.",
    ),
    "ACCOUNT_UNREAD": (
        "The LMS cannot show this account, though it is there; nothing is concluded about it.",
        "An administrator opens the account in the LMS (named by its id there, where Rollbook does not know the person)"
        " and corrects what is not valid any more, such as its way of signing in or its username.",
    ),
    "OBJECT_GONE": (
        "An object that was synced has been deleted by hand in the LMS; Rollbook does not make it again.",
        "Restore it in the LMS if that was a mistake.",
    ),
    "LIVE_SHRANK": (
        "The LMS shows less than half of the objects that were synced into it; the comparison with it was left out.",
        "Look whether the key still sees everything in the LMS; the next run compares again.",
    ),
    "MEMBERS_UNREAD": (
        "The LMS did not show the members of this section when its turn came; nothing is concluded about them.",
        "Nothing to do if it passes; else look at the section in the LMS, and whether the key may see its members.",
    ),
    "REFUSED_BEFORE": (
        "The LMS refused this record several times; it is tried again weekly or when it changes.",
        "See what the LMS said with `rollbook run changes RUN --outcome refused`, and correct the record in the SIS.",
    ),
    "EXTRA_MEMBER": (
        "A member of a synced section is not in the SIS class and was not put there by Rollbook.",
        "Nothing to do, or choose `members: sis` to remove such members.",
    ),
    "UNDO_CONFLICT": (
        "A record that an undo should have put back has been changed since; what moved on stays as it is.",
        "Look at the named fields; correct them in the SIS if they are wrong.",
    ),
    "UNDO_PIN": (
        "An undo put this back, and a pin keeps it so although the SIS says something else.",
        "Correct the SIS, or lift the pin with `rollbook pin lift`; `rollbook pin list ORG` shows until when it holds.",
    ),
    "ENROLLMENT_GONE": (
        "Somebody took this person out of the section by hand in the LMS; Rollbook does not enroll them again.",
        "Enroll the person in the LMS if that was a mistake, or take the enrollment out of the SIS.",
    ),
    "REKEY_PROPOSED": (
        "Records came back under new ids; Rollbook proposes to rename them and waits.",
        "Look at the hold; approve it if the SIS changed its ids.",
    ),
    "COLUMN_GONE": (
        "The SIS sent this column before and does not now; the LMS keeps what it has of it, and records that the "
        "column may have kept out wait.",
        "Add the column to the SIS export again; to clear its values, send it empty.",
    ),
    "SCHOOL_GONE": (
        "A mapped school is not in the SIS any more; what was synced of it is left alone.",
        "Ask the SIS why it is missing, or map the school to skip if it has closed.",
    ),
    "REKEY_UNCLEAR": (
        "A record is gone, and it is unclear which new record is the same under a new id; none is renamed, made or "
        "removed.",
        "Look at the holds: approve what is really new and really gone, or correct the ids in the SIS.",
    ),
}


def _table() -> dict[str, Finding]:
    table = {code: Finding(code, BLOCKS, *words) for code, words in (_BLOCKS | BLOCKING).items()}
    return table | {code: Finding(code, WARNS, *words) for code, words in (_WARNS | WARNING).items()}


FINDINGS: Final[Mapping[str, Finding]] = MappingProxyType(_table())
