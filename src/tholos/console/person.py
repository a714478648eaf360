"""The page of one account: who it is, what it can open and why, what it owns; and what administrators do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Path
from starlette.responses import Response

from tholos.access import schemas as access_schemas
from tholos.accounts import identities, people, people_schemas, quotas, schemas, sign_in_schemas, tokens
from tholos.accounts.api import link_of, tell
from tholos.accounts.models import Role, Scope
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.people import Change
from tholos.accounts.quotas import Most
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.tokens import NewToken
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.errors import AppNotFound, OwnerInvalid
from tholos.console import departures, departures_api, quotas_api, tokens_api
from tholos.console.access import Preview
from tholos.console.account import DAYS
from tholos.console.departures_api import OwnedOut
from tholos.console.people import ROLES, Made, status, tabs_of, words
from tholos.console.quotas_api import QuotaOut
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.errors import Conflict, Invalid
from tholos.kit.pages import Pages
from tholos.kit.versions import EditedMeanwhile

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
Account = Annotated[str, Path(max_length=100)]
APPS_SHOWN = 100
SCOPES: Sequence[tuple[str, str]] = (
    (Scope.PUBLISH, "read, publish and manage apps"),
    (Scope.READ, "read what it may read"),
    (Scope.OPEN, "open apps, and nothing else"),
    (Scope.FULL, "everything that the account may"),
)
"""Of a program's token; the usual one first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows besides how things are."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    preview: Preview | None = None
    link: Made | None = None
    new_token: schemas.TokenMade | None = None
    notice: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage(Frame):
    tabs: Sequence[tuple[str, str]]
    person: people_schemas.PersonOut
    is_self: bool
    is_administrator: bool
    is_last: bool
    reach: Sequence[access_schemas.ReachOut]
    reach_total: int
    is_reach_whole: bool
    owned: OwnedOut | None
    quota: QuotaOut | None
    tokens: Sequence[schemas.TokenOut]
    identities: Sequence[sign_in_schemas.IdentityOut]
    sessions: int
    receivers: Sequence[str]
    roles: Sequence[tuple[str, str]]
    scopes: Sequence[tuple[str, str]]
    days: Sequence[tuple[str, str]]
    preview: Preview | None
    link: Made | None
    new_token: schemas.TokenMade | None
    values: Mapping[str, str]
    errors: Mapping[str, str]


@routes.declare("GET", "/people/{account}", permission=Permission.SIGNED_IN)
def show_person(call: Calling, account: Account) -> Response:
    return _page(call, account, Shown())


@routes.declare("POST", "/people/{account}", permission=Permission.ADMINISTER)
def change_person(
    call: Calling,
    account: Account,
    full_name: Text = "",
    email: Text = "",
    role: Text = "",
    version: Text = "",
) -> Response:
    typed = {"full_name": full_name, "email": email, "role": role}

    def change(db: WriteDb) -> str:
        people.change(db, call.actor, account, Change(full_name, email, role), _number(version), call.now)
        return "It is saved."

    return _do(call, account, change, typed, "person")


@routes.declare("POST", "/people/{account}/quota", permission=Permission.ADMINISTER)
def change_quota(
    call: Calling,
    account: Account,
    quota_apps: Text = "",
    quota_instances: Text = "",
    quota_memory_mb: Text = "",
    quota_storage_mb: Text = "",
) -> Response:
    typed = {
        "quota_apps": quota_apps,
        "quota_instances": quota_instances,
        "quota_memory_mb": quota_memory_mb,
        "quota_storage_mb": quota_storage_mb,
    }
    wrong = {
        name: "A whole number, or empty."
        for name, text in typed.items()
        if text.strip() and _number(text.strip()) is None
    }
    if wrong:
        return _page(call, account, Shown(typed, wrong, status=400))
    said = {name.removeprefix("quota_"): _number(text.strip()) for name, text in typed.items()}
    with call.write(unrecorded="what stays as it is is no deed") as db:
        quotas.change(db, call.actor, account, Most(**said), call.now)
    return _page(call, account, Shown(notice="It is saved. What there is already stays."))


@routes.declare("POST", "/people/{account}/disable", permission=Permission.ADMINISTER)
def disable_person(call: Calling, account: Account, version: Text = "") -> Response:
    def disable(db: WriteDb) -> str:
        ended = people.disable(db, call.actor, account, _number(version), call.now)
        return f"{account} is disabled. {_ended(ended.sessions, ended.tokens)}"

    return _do(call, account, disable, {}, "disable")


@routes.declare("POST", "/people/{account}/enable", permission=Permission.ADMINISTER)
def enable_person(call: Calling, account: Account, version: Text = "") -> Response:
    def enable(db: WriteDb) -> str:
        people.enable(db, call.actor, account, _number(version), call.now)
        return f"{account} may sign in again."

    return _do(call, account, enable, {}, "disable")


@routes.declare("POST", "/people/{account}/sign-out", permission=Permission.ADMINISTER)
def sign_out_person(call: Calling, account: Account, tokens: Text = "") -> Response:
    def sign_out(db: WriteDb) -> str:
        ended = people.sign_out(db, call.actor, account, call.now, with_tokens=bool(tokens))
        return f"{account} is signed out everywhere. {_ended(ended.sessions, ended.tokens)}"

    return _do(call, account, sign_out, {}, "sign-out")


@routes.declare("POST", "/people/{account}/link", permission=Permission.ADMINISTER)
def make_link(call: Calling, account: Account) -> Response:
    try:
        with call.write() as db:
            code = people.make_link(db, call.actor, account, call.now)
    except (Invalid, Conflict) as error:
        return _page(call, account, Shown(errors={"link": words(error)}, status=status(error)))
    return _page(call, account, Shown(link=Made(account, link_of(call, code))))


@routes.declare("POST", "/people/{account}/tokens", permission=Permission.ADMINISTER)
def make_token(
    call: Calling, account: Account, label: Text = "", scope: Text = "", days: Text = "", app: Text = ""
) -> Response:
    """A token of a program's account, for one app where one is named."""
    app = app.strip()
    typed = {"label": label, "scope": scope, "days": days, "app": app}
    if scope not in set(Scope):
        return _page(call, account, Shown(typed, {"scope": "Choose one of these."}, status=400))
    try:
        with call.write() as db:
            found = tokens.find_account(db, call.actor, account)
            object_id = apps.get_visible(db, call.actor, app).id if app else ""
            new = NewToken(label, _number(days) or 0, Scope(scope), object_id)
            token, secret = tokens.make_of(db, call.actor, found, new, call.now)
            made = schemas.token_made(token, secret, found, app)
    except AppNotFound as error:
        return _page(call, account, Shown(typed, {"app": words(error)}, status=400))
    except (Invalid, Conflict) as error:
        where = error.where if error.where in typed else "token"
        return _page(call, account, Shown(typed, {where: words(error)}, status=status(error)))
    return _page(call, account, Shown(new_token=made))


@routes.declare("POST", "/people/{account}/tokens/{token_id}/revoke", permission=Permission.ADMINISTER)
def revoke_token(call: Calling, account: Account, token_id: Account) -> Response:
    def revoke(db: WriteDb) -> str:
        tokens.revoke_of(db, call.actor, tokens.find_account(db, call.actor, account), token_id, call.now)
        return "The token is revoked."

    return _do(call, account, revoke, {}, "token")


@routes.declare("POST", "/people/{account}/identities/{identity_id}/forget", permission=Permission.ADMINISTER)
def forget_identity(call: Calling, account: Account, identity_id: Account) -> Response:
    def forget(db: WriteDb) -> str:
        identities.unlink(db, call.actor, account, identity_id, call.now)
        return f"The sign-in provider's identity of {account} is forgotten."

    return _do(call, account, forget, {}, "identities")


@routes.declare("POST", "/people/{account}/hand-over", permission=Permission.SIGNED_IN)
def hand_over(call: Calling, account: Account, to: Text = "", step: Text = "") -> Response:
    """Without ``step=apply`` only what it will do is shown."""
    try:
        with call.read() as db:
            moves = departures_api.owned_out(departures.plan_hand_over(db, call.actor, account, to))
        if step == "apply":
            departures_api.hand_over(call, account, to)
    except OwnerInvalid as error:
        return _page(call, account, Shown({"to": to}, {"to": words(error)}, status=400))
    receiver = to.strip().lower()
    if step == "apply":
        return _page(call, account, Shown(notice=" ".join(_moves(moves, receiver))))
    if not _moves(moves, receiver):
        return _page(
            call, account, Shown({"to": to}, {"to": "Nothing would change hands by that."}, status=400)
        )
    return _page(call, account, Shown({"to": to}, preview=_preview(account, receiver, moves)))


def _do(
    call: Call, account: str, deed: Callable[[WriteDb], str], typed: Mapping[str, str], form: str
) -> Response:
    """Do something, and show the account as it is then with what was done; what was wrong, at its field or form."""
    try:
        with call.write() as db:
            told = deed(db)
    except EditedMeanwhile:
        told = "Somebody else changed this account meanwhile. Look at it as it is now, and decide again."
        return _page(call, account, Shown(errors={form: told}, status=412))
    except (Invalid, Conflict) as error:
        where = error.where if error.where in typed else form
        return _page(call, account, Shown(typed, {where: words(error)}, status=status(error)))
    tell(call)
    return _page(call, account, Shown(notice=told))


def _page(call: Call, account: str, shown: Shown) -> Response:
    with call.read() as db:
        page = _page_of(call, db, people.get_person(db, call.actor, account), shown)
    return call.get(Pages).answer("person.html", page, shown.status)


def _page_of(call: Call, db: ReadDb, known: people.Known, shown: Shown) -> PersonPage:
    account, actor = known.account, call.actor
    person = people_schemas.person_out(known)
    is_administrator = actor.role.includes(Role.ADMINISTRATOR)
    reached, reach_total = _reached(db, call, account.name, is_whole=known.is_whole)
    owned = departures_api.owned_of(db, account.id) if known.is_whole else None
    receivers = people.list_names(db, actor.organization_id, Role.PUBLISHER) if owned else []
    return PersonPage(
        title=account.full_name or account.name,
        account=account_of(call),
        notice=shown.notice,
        json_url=f"/api/v1/accounts/{quote(account.name)}",
        tabs=tabs_of(call),
        person=person,
        is_self=account.id == actor.account_id,
        is_administrator=is_administrator,
        is_last=people.is_last_administrator(db, account),
        reach=reached,
        reach_total=reach_total,
        is_reach_whole=known.is_whole,
        owned=owned,
        quota=(quota := quotas_api.quota_out(call, db, account) if is_administrator else None),
        tokens=tokens_api.list_out(db, account.id, actor) if is_administrator else (),
        identities=_identities(db, call, account.name) if is_administrator else (),
        sessions=people.count_sessions(db, account, call.now) if is_administrator else 0,
        receivers=[name for name in receivers if name != account.name],
        roles=ROLES,
        scopes=SCOPES,
        days=DAYS,
        preview=shown.preview,
        link=shown.link,
        new_token=shown.new_token,
        values={
            "full_name": person.full_name, "email": person.email or "", "role": person.role, "to": "",
            "label": "", "scope": "", "days": "90", "app": "", **_own_shares(quota), **shown.values,
        },
        errors=shown.errors,
    )  # fmt: skip


def _own_shares(quota: QuotaOut | None) -> dict[str, str]:
    """What was said of the account itself, as it stands in the form."""
    return {f"quota_{name}": str(share.most) if share.is_own else "" for name, share in (quota or ())}


def _identities(db: ReadDb, call: Call, name: str) -> list[sign_in_schemas.IdentityOut]:
    return [sign_in_schemas.identity_out(one) for one in identities.list_identities(db, call.actor, name)]


def _reached(
    db: ReadDb, call: Call, name: str, *, is_whole: bool
) -> tuple[list[access_schemas.ReachOut], int]:
    """What somebody can open, and how much that is; of another, who does not administer sees what they manage themselves."""
    organization_id = call.actor.organization_id
    person = app_sharing.find_person(db, organization_id, name)
    if person is None:
        return [], 0
    asker = None if is_whole else call.actor
    found = app_sharing.apps_of(db, person, organization_id, asker=asker, limit=APPS_SHOWN)
    shown = [access_schemas.reach_out(person, app, ways) for app, ways in found]
    if len(shown) < APPS_SHOWN:
        return shown, len(shown)
    return shown, app_sharing.count_apps_of(db, person, organization_id, asker=asker)


def _preview(account: str, to: str, moves: OwnedOut) -> Preview:
    return Preview(
        action=f"/people/{quote(account)}/hand-over",
        before=f"{account} owns {_counted(moves)}.",
        words=f"{account} owns nothing of it, and can open of it only what is shared otherwise.",
        changes=_moves(moves, to),
        fields={"to": to, "step": "apply"},
        is_conflict=False,
    )


def _moves(moves: OwnedOut, to: str) -> list[str]:
    said = []
    if moves.apps:
        said.append(f"{to} owns {_named('the app', moves.apps)} from now on.")
    if moves.secrets:
        said.append(f"{to} owns {_named('the shared secret', moves.secrets)} from now on.")
    if moves.webhooks:
        labels = [one.label or one.url for one in moves.webhooks]
        said.append(f"{to} is told when nothing arrives at {_named('the webhook', labels)}.")
    return said


def _counted(moves: OwnedOut) -> str:
    counts = (
        ("app", len(moves.apps)),
        ("shared secret", len(moves.secrets)),
        ("webhook", len(moves.webhooks)),
    )
    return _together([f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts if count])


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'' if len(names) == 1 else 's'} {_together(names)}"


def _together(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _ended(sessions: int, revoked: int) -> str:
    if not sessions and not revoked:
        return "Nothing was signed in."
    parts = (("session", sessions), ("token", revoked))
    said = _together([f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in parts if count])
    return f"{said} ended."


def _number(typed: str) -> int | None:
    """A form that says no version was made by hand: it changes what is there."""
    return int(typed) if typed.isdecimal() and len(typed) < 10 else None
