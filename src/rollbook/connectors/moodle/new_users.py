"""Makes accounts in bulk: whoever is there already is found by the ID number, whoever cannot be made is refused alone,
in words that say why as far as Moodle lets anybody know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rollbook.connectors.moodle import translate
from rollbook.connectors.moodle.client import TOO_LARGE, MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, ident, listing, text
from rollbook.connectors.moodle.odd_accounts import UNREADABLE, is_odd
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import NOT_ONE, done, refused, said, unclear
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.roster.changes import DONE, Change, Outcome

#: Form fields of a new account: eight fields, and the two of a preference, and one to spare.
CREATE_FIELDS: Final = 11
#: The code of nearly every refusal; outside of debugging Moodle says no more.
_WORDLESS: Final = "invalidparameter"
_NAME_TAKEN: Final = "another account of the LMS has this username"
SHARED: Final = (
    "another account of the LMS has this e-mail address; give one of them another address, or let an administrator of "
    "the LMS allow accounts with the same address"
)
#: So many people must be refused, each alone, before the site is believed not to let anybody share an address: Moodle
#: does not say why it refuses one.
_DENIALS: Final = 2

#: A change with what is sent of it.
Said = tuple[Change, Json]
Update = Callable[[Sequence[Said], Mapping[str, str]], list[Outcome]]


class NewUsers:
    """Accounts to be made in one site. `update` brings accounts up to date. Several threads may use it."""

    def __init__(
        self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes, update: Update
    ) -> None:
        self._client, self._reader, self._options, self._sizes, self._update = client, reader, options, sizes, update
        #: Whether the site takes several accounts with one e-mail address; None: not seen yet.
        self._shares: bool | None = None
        self._denied = 0

    def create(self, sent: Sequence[Said], passwords: Mapping[str, str]) -> list[Outcome]:
        """Moodle takes a second account with one ID number. So whoever has it already is looked at first."""
        there = self._reader.holders([change.key for change, _ in sent])
        settled = self._there([pair for pair in sent if pair[0].key in there], there)
        new = [pair for pair in sent if pair[0].key not in there]
        return self._in_order(sent, settled | self._create_new(new, passwords, begun=bool(settled)))

    # --- who is there ------------------------------------------------------------------------------------------------

    def _there(self, sent: Sequence[Said], there: Mapping[str, Sequence[Json]]) -> dict[str, Outcome]:
        """Outcomes by unique id where accounts have it already. One is brought up to date if it is as we would make it,
        which most often is our own after a lost answer. Any other is somebody's: people may give themselves any ID
        number, and would get the name and the roles of the person whose it is."""
        settled: dict[str, Outcome] = {}
        ours: list[Said] = []
        for change, item in sent:
            why = self._not_ours(item, there[change.key])
            if why is None:
                ours.append((change, self._whole(change, text(there[change.key][0].get("id")))))
            else:
                settled[change.key] = refused(why)
        for (change, item), outcome in zip(ours, self._update(ours, {}), strict=True):
            settled[change.key] = outcome
            if outcome.status == DONE:
                self._reader.made_user(change.key, text(item["id"]))
        return settled

    def _not_ours(self, item: Json, holders: Sequence[Json]) -> str | None:
        if len(holders) > 1:
            return NOT_ONE
        if is_odd(holders[0]):
            return UNREADABLE
        own, name = text(holders[0].get("id")), text(holders[0].get("username"))
        if own == self._reader.own_id() or name in self._options.protected_users:
            return "a protected account of the LMS has this ID number; an administrator takes it away there"
        if name != item["username"]:
            return (
                "an account with another username has this ID number; if it is not the person's, take the number away "
                "from it in the LMS, else link it in Data Prep"
            )
        return None

    # --- who is new --------------------------------------------------------------------------------------------------

    def _create_new(self, sent: Sequence[Said], passwords: Mapping[str, str], *, begun: bool) -> dict[str, Outcome]:
        """Outcomes by unique id. People who share an address never go in one call until the site is known to take that:
        they would fail it for everybody."""
        found: dict[str, Outcome] = {}
        left = list(sent)
        while left:
            part = left if self._shares else _firsts(left)
            found |= zip(_keys(part), self._send(part, passwords, begun=begun or bool(found)), strict=True)
            made = {_address(pair) for pair in part if found[pair[0].key].status == DONE}
            left = [pair for pair in left if pair[0].key not in found]
            found |= self._sharing([pair for pair in left if _address(pair) in made], passwords)
            left = [pair for pair in left if pair[0].key not in found]
        return found

    def _send(self, sent: Sequence[Said], passwords: Mapping[str, str], *, begun: bool) -> list[Outcome]:
        looked_up: set[str] = set()

        def call(part: Sequence[Said]) -> list[Outcome]:
            try:
                return self._create(part)
            except MoodleError as error:
                fresh = [key for key in _keys(part) if key not in looked_up]
                if error.of_database or error.code == TOO_LARGE or not fresh:  # nothing is there that was not before
                    raise
                looked_up.update(fresh)
                clear = self._clear(part, passwords)
                if not clear:
                    raise
            rest = [pair for pair in part if pair[0].key not in clear]
            made = send_all(rest, self._sizes, CREATE_FIELDS, call, alone, begun=True)
            return self._in_order(part, clear | dict(zip(_keys(rest), made, strict=True)))

        def alone(pair: Said, error: MoodleError) -> Outcome:
            clear = self._clear([pair], passwords) if error.code == _WORDLESS else {}
            return clear.get(pair[0].key) or self._said(pair, error, passwords)

        return send_all(sent, self._sizes, CREATE_FIELDS, call, alone, begun=begun)

    def _create(self, part: Sequence[Said]) -> list[Outcome]:
        answer = self._client.write("core_user_create_users", "writing users", users=[item for _, item in part])
        made = {text(each.get("username")): ident(each.get("id")) for each in listing(answer)}
        outcomes: list[Outcome] = []
        for change, item in part:
            lms_id = made.get(item["username"])
            if lms_id is None:
                outcomes.append(unclear("Moodle did not say that it made this account"))
                continue
            self._reader.made_user(change.key, lms_id)
            outcomes.append(done(lms_id))
        return outcomes

    # --- why a call failed -------------------------------------------------------------------------------------------

    def _clear(self, part: Sequence[Said], passwords: Mapping[str, str]) -> dict[str, Outcome]:
        """Why a call to create accounts may have been refused, by unique id: those that are there (a lost answer, most
        often) are brought up to date, those whose username or e-mail others have are refused. Moodle's own words say
        that only where it is set to debug. Nothing is written before everything is looked up."""
        there = self._reader.holders(_keys(part))
        rest = [pair for pair in part if pair[0].key not in there]
        names, addresses = self._taken("username", rest), self._taken("email", rest)
        clear = {key: refused(_NAME_TAKEN) for key in names}
        clear |= self._there([pair for pair in part if pair[0].key in there], there)
        return clear | self._sharing([pair for pair in rest if pair[0].key in addresses - names], passwords)

    def _taken(self, field: str, sent: Sequence[Said]) -> set[str]:
        """The unique ids of those whose username or address an account of the LMS has."""
        wanted = [spelled for _, item in sent for spelled in (item[field], item[field].lower())]
        try:
            found = {text(raw.get(field)).lower() for raw in self._reader.users_by(field, wanted)}
        except MoodleError:  # a value that cannot be looked up: whoever has it is found by splitting
            return set()
        return {change.key for change, item in sent if item[field].lower() in found}

    def _sharing(self, sent: Sequence[Said], passwords: Mapping[str, str]) -> dict[str, Outcome]:
        """Outcomes by unique id of people whose address an account of the LMS has. Whether the site takes that, the
        first ones show: sent alone, as they may fail. Without an outcome are those who can be sent as others are."""
        found: dict[str, Outcome] = {}
        for pair in sent[:_DENIALS]:
            if self._shares is None:
                found |= self._try(pair, passwords)
        if self._shares is False:
            return {key: refused(SHARED) for key in _keys(sent)} | found
        return found

    def _try(self, pair: Said, passwords: Mapping[str, str]) -> dict[str, Outcome]:
        def alone(pair: Said, error: MoodleError) -> Outcome:
            if error.code != _WORDLESS:
                return self._said(pair, error, passwords)
            self._denied += 1
            if self._denied >= _DENIALS:
                self._shares = False
            return refused(SHARED)

        outcomes = send_all([pair], self._sizes, CREATE_FIELDS, self._create, alone, begun=True)
        if outcomes[0].status == DONE:
            self._shares = True
        return dict(zip(_keys([pair]), outcomes, strict=True))

    def _said(self, pair: Said, error: MoodleError, passwords: Mapping[str, str]) -> Outcome:
        change = pair[0]
        outcome = said(error, change, passwords.get(change.key))
        if error.code != _WORDLESS or "(" in error.words:  # where it is set to debug, the reason follows in brackets
            return outcome
        hint = f"if nobody can be made, see whether the sign-in plugin “{self._options.auth}” is installed in the LMS"
        return refused(f"{outcome.message}, without a reason; {hint}")

    def _in_order(self, sent: Sequence[Said], outcomes: Mapping[str, Outcome]) -> list[Outcome]:
        return [outcomes[change.key] for change, _ in sent]

    def _whole(self, change: Change, lms_id: str) -> Json:
        fields: Any = translate.user_fields(change, self._options, every=True)
        return {"id": lms_id, **fields}


def _keys(sent: Sequence[Said]) -> list[str]:
    return [change.key for change, _ in sent]


def _address(pair: Said) -> str:
    return text(pair[1].get("email")).lower()


def _firsts(sent: Sequence[Said]) -> list[Said]:
    """The first one with each e-mail address."""
    found: dict[str, Said] = {}
    for pair in sent:
        found.setdefault(_address(pair), pair)
    return list(found.values())
