"""What an admin tells Rollbook about a Schoology organization. Declares only; reads no environment."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from rollbook.connectors.kit import Options, option

Count = Annotated[int, Meta(ge=1, le=1000)]
Parallel = Annotated[int, Meta(ge=1, le=16)]
PageSize = Annotated[int, Meta(ge=1, le=200)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class SchoologyOptions(Options, frozen=True, kw_only=True):
    """Options of a Schoology connection. Defaults: REST API v1 and the reported rate limits (README)."""

    base_url: Annotated[str, option("API address", "Where the REST API begins, version included.")] = (
        "https://api.schoology.com/v1"
    )
    key: Annotated[str, option("Consumer key", "School Management, Integration, API; of a system administrator.")]
    secret: Annotated[str, option("Consumer secret", "Beside the key.", secret=True)]
    signature: Annotated[
        Literal["HMAC-SHA1", "PLAINTEXT"],
        option("Signature", "HMAC-SHA1 is recommended; PLAINTEXT sends the secret itself, over https only."),
    ] = "HMAC-SHA1"
    credits: Annotated[Count, option("Rate credits", "Credits that may be spent in each window.")] = 50
    window: Annotated[Seconds, option("Rate window", "Length of the window of rate credits, in seconds.")] = 5.0
    write_cost: Annotated[Count, option("Cost of a write", "Credits of one POST or PUT.")] = 3
    read_cost: Annotated[Count, option("Cost of a read", "Credits of one GET.")] = 1
    parallel: Annotated[Parallel, option("Parallel calls", "How many calls may be under way at once.")] = 4
    page_size: Annotated[
        PageSize, option("Page size", "Records asked for in one read; 200 is the most that was seen to work.")
    ] = 200
    timeout: Annotated[
        Seconds,
        option(
            "Timeout",
            "Seconds of silence after which the answer to a call counts as lost. A write takes no longer in all.",
        ),
    ] = 20.0
    admin_roles: Annotated[
        tuple[str, ...],
        option("Administrator roles", "Roles whose accounts are never changed, beside the key's own account."),
    ] = ("System Admin",)
    grades_as: Annotated[
        Literal["admin", "teachers"],
        option(
            "Gradebooks are read as",
            "admin: with the key above. teachers: by permission of a course admin of each section, who gives it on "
            "Rollbook's pages.",
        ),
    ] = "admin"
    app_key: Annotated[
        str,
        option(
            "Consumer key of the app",
            "Where teachers are asked: the key of an app of your App Center. Empty: the consumer key above.",
        ),
    ] = ""
    app_secret: Annotated[str, option("Consumer secret of the app", "Beside that key.", secret=True)] = ""
    site: Annotated[
        str,
        option(
            "Address of the LMS's pages",
            "Where teachers are asked: the address at which they use Schoology, such as https://district.schoology.com",
        ),
    ] = "https://app.schoology.com"
    email_conflicts: Annotated[
        Literal["refuse", "ignore_foreign", "username_only"],
        option(
            "E-mail conflicts",
            "When an address is taken: refuse the record; create it without address if another organization "
            "has it; or create it with a user name only. Accounts are never merged.",
        ),
    ] = "refuse"


#: Queries of the bulk user import by option value. email_conflict_resolution=2 merges accounts: not here.
EMAIL_QUERIES: dict[str, dict[str, str]] = {
    "refuse": {},
    "ignore_foreign": {"ignore_email_conflicts": "1"},
    "username_only": {"email_conflict_resolution": "1"},
}
