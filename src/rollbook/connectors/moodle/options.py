"""What an admin tells Rollbook about a Moodle site. Declares only; reads no environment."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta

from rollbook.connectors.kit import Options, option
from rollbook.errors import ConfigError

RoleName = Annotated[str, Meta(min_length=1)]
RoleId = Annotated[int, Meta(ge=1)]
Size = Annotated[int, Meta(ge=1, le=5000)]
Variables = Annotated[int, Meta(ge=100, le=1_000_000)]
Parallel = Annotated[int, Meta(ge=1, le=16)]
Category = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


#: Plugins whose accounts have their passwords in Moodle itself.
WITH_PASSWORDS: Final = frozenset({"manual", "email"})


class MoodleOptions(Options, frozen=True, kw_only=True):
    """Options of a Moodle connection. Role ids are those of a new Moodle (README)."""

    base_url: Annotated[str, option("Site address", "Where Moodle is, without /webservice.")]
    token: Annotated[str, option("Token", "Of the service account, for a service with the functions of the README.",
                                 secret=True)]  # fmt: skip
    student_role: Annotated[
        RoleName, option("Student role", "Short name of the role that members of a section get.")
    ] = "student"
    student_role_id: Annotated[RoleId, option("Student role id", "Its id: in the address of the role's page.")] = 5
    teacher_role: Annotated[RoleName, option("Teacher role", "Short name of the role that course admins get.")] = (
        "editingteacher"
    )
    teacher_role_id: Annotated[RoleId, option("Teacher role id", "Its id: in the address of the role's page.")] = 3
    assistant_role: Annotated[
        str,
        option(
            "Assistant role", "Short name of the role that course admins get whose own role is this one. Empty: none."
        ),
    ] = "teacher"
    assistant_role_id: Annotated[RoleId, option("Assistant role id", "Its id: in the address of the role's page.")] = 4
    other_teacher_roles: Annotated[
        tuple[str, ...],
        option("Other teacher roles", "Short names of roles whose holders count as course admins when they are read."),
    ] = ("manager", "coursecreator")
    auth: Annotated[
        str,
        option("Authentication", "Moodle's plugin with which new accounts log in: manual, oidc, saml2, ldap, …"),
    ] = "manual"
    leavers: Annotated[
        Literal["suspend", "unenrol"],
        option(
            "Who leaves a section",
            "Is suspended in it and keeps the grades, or is unenrolled: Moodle then deletes the grades.",
        ),
    ] = "suspend"
    courses: Annotated[
        Literal["ignore", "category"],
        option(
            "Courses of the SIS",
            "Ignored, sections lie in the category of their building; or a category of their own below it. "
            "Decide before the first sync.",
        ),
    ] = "ignore"
    cohorts: Annotated[
        bool, option("Cohorts", "Put the people of each building into a site cohort of its own.")
    ] = False  # fmt: skip
    id_numbers: Annotated[
        Literal["open", "locked"],
        option(
            "ID numbers",
            "Locked: in Moodle people cannot change their own (see the guide), so one proves whose an account is. "
            "Open: it does so only together with the username.",
        ),
    ] = "open"
    root_category: Annotated[
        Category, option("Root category", "Id of the category below which buildings lie; 0: at the top.")
    ] = 0
    time_zone: Annotated[
        str, option("Time zone", "Of the site, such as America/Chicago: sections start and end by its days.")
    ] = "UTC"
    extended_usernames: Annotated[
        bool, option("Extended usernames", "The site allows any letter in usernames (extendedusernamechars).")
    ] = False  # fmt: skip
    protected_users: Annotated[
        tuple[str, ...],
        option("Protected users", "Usernames of accounts that are never changed, beside the token's own."),
    ] = ("admin", "guest")
    # By measurement (docs/reference/figures.md, moodle_batches): smaller ones cost more where each call takes a while
    # before its first record, larger ones gain nothing, do not fit into the 5000 fields that Moodle asks for, and cost
    # more where a record is bad.
    batch_size: Annotated[
        Size, option("Batch size", "Records of one call, at most; fewer after trouble, or where fewer fit.")
    ] = 250
    max_input_vars: Annotated[
        Variables | None,
        option("Form fields of a call", "The site's max_input_vars of PHP; no call has more. Empty: it is found out."),
    ] = None
    parallel: Annotated[Parallel, option("Parallel calls", "How many calls may be under way at once.")] = 4
    timeout: Annotated[
        Seconds, option("Timeout", "Seconds after which the answer to a call counts as lost.")
    ] = 60.0  # fmt: skip
    read_timeout: Annotated[
        Seconds,
        option(
            "Timeout of long reads", "Seconds for all accounts, all courses, or a grade report: each is one answer."
        ),
    ] = 600.0

    def zone(self) -> ZoneInfo:
        """Raises ConfigError for a zone that nobody knows."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError("time_zone is not known; write it as America/Chicago") from None
