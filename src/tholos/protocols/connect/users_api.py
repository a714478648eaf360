"""People: list, read, make, change, lock, and the keys that they have."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Response

from tholos.accounts import people, profile, tokens
from tholos.accounts import service as accounts
from tholos.accounts.api import tell
from tholos.accounts.errors import AccountNotFound
from tholos.accounts.models import Account, Role
from tholos.accounts.passwords import Passwords
from tholos.accounts.people import Change, Known, New, PeopleFilter
from tholos.accounts.profile import Profile
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.tokens import NewToken
from tholos.apps import service as apps
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.protocols.connect import identity
from tholos.protocols.connect.bodies import JsonBody
from tholos.protocols.connect.errors import NotSupported, SettingInvalid
from tholos.protocols.connect.paging import MOST, Asking
from tholos.protocols.connect.server_api import user_json

routes = Routes(prefix="/__api__/v1/users", tags=["connect"], include_in_schema=False)

_LOCKED, _LICENSED = "locked", "licensed"


@routes.declare("GET", "", permission=Permission.SIGNED_IN)
def list_users(
    call: Calling, page: Asking, prefix: str = "", user_role: str = "", account_status: str = ""
) -> JsonObject:
    """Who there is; viewers find themselves and those whose content they may see."""
    statuses = set(filter(None, account_status.split("|")))
    wanted = PeopleFilter(prefix=prefix, roles=tuple(filter(None, user_role.split("|"))))
    if statuses and not statuses & {_LOCKED, _LICENSED}:
        return page.told([], 0)
    if len(statuses & {_LOCKED, _LICENSED}) == 1:
        wanted = replace(wanted, is_disabled=_LOCKED in statuses)
    if wanted.is_disabled and not call.actor.role.includes(Role.ADMINISTRATOR):
        return page.told([], 0)
    with call.read() as db:
        wanted = replace(wanted, among=_known_ids(call, db))
        found = people.list_people(db, call.actor, wanted, skip=page.skip, limit=min(page.size, MOST))
        return page.told([_to_json(one) for one in found.page.items], found.total)


@routes.declare("GET", "/{user_guid}", permission=Permission.SIGNED_IN)
def get_user(call: Calling, user_guid: str) -> JsonObject:
    """One of them."""
    with call.read() as db:
        return _to_json(_get(call, db, user_guid))


@routes.declare("POST", "", permission=Permission.ADMINISTER)
def create_user(call: Calling, body: JsonBody) -> JsonObject:
    """Make an account; with a password its person can sign in at once."""
    new = New(
        name=text_of(body, "username"),
        role=text_of(body, "user_role") or Role.VIEWER,
        full_name=_full_name(text_of(body, "first_name"), text_of(body, "last_name")),
        email=text_of(body, "email"),
    )
    password = text_of(body, "password")
    hashed = call.get(Passwords).hash(password) if password else None
    with call.write() as db:
        account, _ = people.create(db, call.actor, new, call.now)
        if hashed is not None:
            accounts.set_password(db, account.id, hashed)
        return user_json(account)


@routes.declare("PUT", "/{user_guid}", permission=Permission.SIGNED_IN)
def change_user(call: Calling, user_guid: str, body: JsonBody) -> JsonObject:
    """Change what is named: one's own name and address, or anything of anybody's for administrators."""
    with call.write(unrecorded="what stays as it is is no deed") as db:
        name = name_of(db, user_guid)
        if text_of(body, "username") not in {"", name}:
            raise NotSupported(f"Cannot rename {name}: an account keeps its name.", where="username")
        present = accounts.get_account(db, identity.id_of("acc", user_guid))
        full_name, email = _names_after(present.full_name, body), _said(body, "email")
        if call.actor.role.includes(Role.ADMINISTRATOR):
            wish = Change(full_name, email, _said(body, "user_role"))
            account = people.change(db, call.actor, name, wish, None, call.now)
        else:
            account = _change_own(call, db, name, Profile(full_name, email))
        shown = user_json(account)
    tell(call)
    return shown


@routes.declare("POST", "/{user_guid}/lock", permission=Permission.ADMINISTER, status_code=204)
def lock_user(call: Calling, user_guid: str, body: JsonBody) -> Response:
    """Let nobody in by an account any more, or again."""
    with call.write(unrecorded="what is so already is no deed") as db:
        name = name_of(db, user_guid)
        if body.get("locked", True):
            people.disable(db, call.actor, name, None, call.now)
        else:
            people.enable(db, call.actor, name, None, call.now)
    tell(call)
    return Response(status_code=204)


@routes.declare("POST", "/{user_guid}/keys", permission=Permission.SIGNED_IN)
def create_key(call: Calling, user_guid: str, body: JsonBody) -> JsonObject:
    """One more key of one's own, or of a program's account for administrators. These clients ask for no term: it is a year."""
    new = NewToken(text_of(body, "name"), days=accounts.TOKEN_LIFE_DAYS_AT_MOST)
    with call.write() as db:
        account = tokens.find_account(db, call.actor, name_of(db, user_guid))
        if account.id == call.actor.account_id:
            token, secret = tokens.make(db, call.actor, new, call.now)
        else:
            token, secret = tokens.make_of(db, call.actor, account, new, call.now)
        return {
            "id": token.id,
            "user_guid": user_guid,
            "name": token.label,
            "key": secret,
            "created_time": to_text(token.created_at),
            "last_used_time": None,
            "expiration_time": to_text(token.expires_at),
            "is_expired": False,
        }


def name_of(db: ReadDb, user_guid: str) -> str:
    """The account's name of a GUID.

    Raises: IdMalformed, AccountNotFound.
    """
    account_id = identity.id_of("acc", user_guid)
    name = accounts.account_names(db, [account_id]).get(account_id)
    if name is None:
        raise AccountNotFound(f"There is no user {user_guid}.", where="guid")
    return name


def text_of(body: dict[str, object], key: str) -> str:
    """A text of a body; empty where it is not there.

    Raises: SettingInvalid.
    """
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise SettingInvalid(f"Cannot take this {key}: it is no text.", where=key)
    return value or ""


def _said(body: dict[str, object], key: str) -> str | None:
    return text_of(body, key) if key in body else None


def _known_ids(call: Call, db: ReadDb) -> frozenset[str] | None:
    """Whom a viewer knows of already; None for those who may know of everybody."""
    if call.actor.role.includes(Role.PUBLISHER):
        return None
    return frozenset({call.actor.account_id, *(app.owner_id for app in apps.list_visible(db, call.actor))})


def _get(call: Call, db: ReadDb, user_guid: str) -> Known:
    """Raises: IdMalformed, AccountNotFound, RoleTooLow."""
    name, known = name_of(db, user_guid), _known_ids(call, db)
    if name != call.actor.name and known is not None:
        among = known & {identity.id_of("acc", user_guid)}
        found = people.list_people(db, call.actor, PeopleFilter(among=among)).page.items
        if found:
            return found[0]
    return people.get_person(db, call.actor, name)


def _change_own(call: Call, db: WriteDb, name: str, wish: Profile) -> Account:
    """Raises: RoleTooLow, ProfileInvalid."""
    if name != call.actor.name:
        call.actor.needs(Role.ADMINISTRATOR)
    return profile.change(db, call.actor, wish, None, call.now)


def _to_json(known: Known) -> JsonObject:
    return user_json(known.account, is_whole=known.is_whole)


def _full_name(first: str, last: str) -> str:
    return f"{first} {last}".strip()


def _names_after(present: str, body: dict[str, object]) -> str | None:
    """The full name with the parts that are named; None where none is."""
    if not {"first_name", "last_name"} & body.keys():
        return None
    first, _, last = present.partition(" ")
    said_first, said_last = _said(body, "first_name"), _said(body, "last_name")
    return _full_name(first if said_first is None else said_first, last if said_last is None else said_last)
