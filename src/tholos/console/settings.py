"""An app's settings: its variables, limits and words, and its end. What a form cannot save it shows again as it was typed,
but for a secret's value, which no page ever shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import details, life, limits
from tholos.apps import service as apps
from tholos.apps.details import MOST_DESCRIPTION, MOST_RELEASES, MOST_TITLE, Details
from tholos.apps.errors import LimitInvalid
from tholos.apps.models import App
from tholos.console import life_api, limits_api, variables_api
from tholos.console.forms import Shown, words_of
from tholos.console.pages import AppPage, last_operations
from tholos.console.schedules import Summary, summary_of
from tholos.console.variables_api import Done
from tholos.kit import durations
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.errors import Conflict, Invalid, TholosError
from tholos.kit.notices import Notices
from tholos.kit.pages import Pages
from tholos.paths import api as paths_api
from tholos.paths import service as paths
from tholos.paths.errors import PathTaken
from tholos.paths.service import Policy as PathPolicy
from tholos.publishing import api as publishing_api
from tholos.runtime.sandbox import Enclosure
from tholos.schedules import service as schedules
from tholos.tags import api as tags_api
from tholos.tags import schemas as tag_schemas
from tholos.tags import service as tags
from tholos.tags.errors import TagNotFound
from tholos.variables import schemas, shared
from tholos.variables import service as variables
from tholos.variables.errors import (
    NameInvalid,
    SecretNotFound,
    ValueInvalid,
    VariableNotFound,
)
from tholos.variables.names import LONGEST_VALUE, MOST_BYTES, parse_env_text
from tholos.variables.service import Change, Kind

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
Long = Annotated[str, Form(max_length=LONGEST_VALUE)]
_FORMS = (Invalid, Conflict, SecretNotFound, VariableNotFound)
"""What can be wrong with a form; whatever else goes wrong is a page of its own."""


@dataclass(frozen=True, slots=True)
class ShownVariables(Shown):
    is_changing: bool = False
    """Whether a variable that is there is being changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage(AppPage):
    release: int | None
    variables: Sequence[schemas.VariableOut]
    secrets: Sequence[tuple[str, str]]
    """To choose from: value and label."""
    values: Mapping[str, str]
    errors: Mapping[str, str]
    version: int
    is_changing: bool
    may_delete: bool
    keeps: Sequence[str]
    most_title: int
    most_description: int
    rules: life.Rules
    """What holds for its instances, the installation's defaults included."""
    sleeps_after: str
    schedule: Summary | None
    """When it is started again by itself."""
    may_choose_path: bool
    is_path_taken: bool
    """Whether what was typed leads elsewhere now."""
    tags: Sequence[tag_schemas.TagOut]
    """All there are."""
    tags_put: frozenset[str]
    """Ids of those that the app has."""
    walls: str
    """What apps are kept behind here, in words."""


@routes.declare("GET", "/apps/{name}/settings", permission=Permission.APP_EDIT)
def show_settings(call: Calling, name: str, variable: Annotated[str, Query(max_length=128)] = "") -> Response:
    """With a variable's name its form holds what it is now."""
    shown = _form_of(call, name, variable) if variable else ShownVariables()
    return _page(call, name, shown)


@routes.declare("POST", "/apps/{name}/settings/variables", permission=Permission.APP_EDIT)
def set_variable(
    call: Calling,
    name: str,
    variable: Text = "",
    kind: Text = "",
    value: Long = "",
    shared_secret: Text = "",
    version: Text = "",
) -> Response:
    variable, value = variable.strip(), value.replace("\r\n", "\n")
    typed = {"variable": variable, "kind": kind, "shared_secret": shared_secret}
    if kind == Kind.SHARED:
        wanted = Change(refer={variable: shared_secret})
    elif kind == Kind.PLAIN:
        typed["value"] = value
        wanted = Change(plain={variable: value})
    else:
        wanted = Change(secrets={variable: value})

    def at(error: TholosError) -> str:
        if isinstance(error, NameInvalid):
            return "variable"
        if isinstance(error, SecretNotFound):
            return "shared_secret"
        return "value" if isinstance(error, ValueInvalid) else "variables"

    return _change_variables(call, name, wanted, version, typed, at)


@routes.declare("POST", "/apps/{name}/settings/variables/remove", permission=Permission.APP_EDIT)
def remove_variable(call: Calling, name: str, variable: Text = "", version: Text = "") -> Response:
    return _change_variables(call, name, Change(remove=(variable,)), version, {}, lambda _: "variables")


@routes.declare("POST", "/apps/{name}/settings/import", permission=Permission.APP_EDIT)
def import_variables(
    call: Calling,
    name: str,
    text: Annotated[str, Form(max_length=MOST_BYTES)] = "",
    import_kind: Text = "",
    version: Text = "",
) -> Response:
    """Several variables, as lines of ``NAME=value``. What is to be secret is not shown again where a line is wrong."""
    is_plain = import_kind == Kind.PLAIN
    typed = {"import_kind": import_kind, **({"text": text} if is_plain else {})}
    try:
        found = parse_env_text(text)
    except Invalid as error:
        with call.read() as db:  # to a stranger nothing is wrong with the form: there is no app
            apps.get_editable(db, call.actor, name)
        return _page(call, name, ShownVariables(typed, {"text": words_of(error)}, status=400))
    wanted = Change(plain=found) if is_plain else Change(secrets=found)
    return _change_variables(call, name, wanted, version, typed, lambda _: "text")


_SWITCH = {"on": True, "off": False}
"""As the installation says where it is neither."""


@routes.declare("POST", "/apps/{name}/settings/limits", permission=Permission.APP_EDIT)
def set_limits(
    call: Calling,
    name: str,
    open_files: Text = "",
    start_timeout_s: Text = "",
    memory_mb: Text = "",
    cpu_percent: Text = "",
    processes: Text = "",
    disk_mb: Text = "",
    network: Text = "",
    version: Text = "",
) -> Response:
    typed = {
        "open_files": open_files,
        "start_timeout_s": start_timeout_s,
        "memory_mb": memory_mb,
        "cpu_percent": cpu_percent,
        "processes": processes,
        "disk_mb": disk_mb,
    }

    def change(db: WriteDb, seen: int | None) -> Done:
        numbers = {field: _number(field, text) for field, text in typed.items()}
        wanted = limits.of_numbers(numbers, network=_SWITCH.get(network))
        return limits_api.change(call, db, name, wanted, seen)

    return _change(
        call, name, change, version, {**typed, "network": network}, lambda error: error.where or "limits"
    )


@routes.declare("POST", "/apps/{name}/settings/life", permission=Permission.APP_EDIT)
def set_life(
    call: Calling,
    name: str,
    idle_timeout_s: Text = "",
    min_instances: Text = "",
    max_instances: Text = "",
    connections: Text = "",
    drain_timeout_s: Text = "",
    personal: Text = "",
    version: Text = "",
) -> Response:
    typed = {
        "idle_timeout_s": idle_timeout_s, "min_instances": min_instances, "max_instances": max_instances,
        "connections": connections, "drain_timeout_s": drain_timeout_s, "personal": personal,
    }  # fmt: skip

    def change(db: WriteDb, seen: int | None) -> Done:
        apps.get_editable(db, call.actor, name)
        wanted = life.Life(
            min_instances=_number("min_instances", min_instances),
            max_instances=_number("max_instances", max_instances),
            connections=_number("connections", connections),
            idle_timeout_s=_seconds("idle_timeout_s", idle_timeout_s),
            drain_timeout_s=_seconds("drain_timeout_s", drain_timeout_s),
            personal=_SWITCH.get(personal),
        )
        return Done(life.change(db, call.actor, name, wanted, seen, call.now), None, "It is saved.")

    shown = _change(call, name, change, version, typed, lambda error: error.where or "life")
    life_api.tell(call)
    return shown


@routes.declare("POST", "/apps/{name}/settings/general", permission=Permission.APP_EDIT)
def set_details(
    call: Calling,
    name: str,
    title: Annotated[str, Form(max_length=MOST_TITLE)] = "",
    description: Annotated[str, Form(max_length=MOST_DESCRIPTION)] = "",
    keep_releases: Text = "",
    version: Text = "",
) -> Response:
    typed = {"title": title, "description": description, "keep_releases": keep_releases}

    def change(db: WriteDb, seen: int | None) -> Done:
        apps.get_editable(db, call.actor, name)
        keep = _number("keep_releases", keep_releases)
        if keep is not None and not 1 <= keep <= MOST_RELEASES:
            raise LimitInvalid(
                f"Cannot keep {keep} releases: from 1 to {MOST_RELEASES:,} are possible.",
                where="keep_releases",
            )
        wanted = Details(title.strip(), description.replace("\r\n", "\n").strip(), keep)
        return Done(details.change(db, call.actor, name, wanted, seen, call.now), None, "It is saved.")

    return _change(call, name, change, version, typed, lambda error: error.where or "general")


@routes.declare("POST", "/apps/{name}/settings/tags", permission=Permission.APP_EDIT)
def set_tags(call: Calling, name: str, tag: Annotated[tuple[Text, ...], Form()] = ()) -> Response:
    """The tags that are ticked, and no others."""
    try:
        with call.write() as db:
            present = [one.tag.id for one in tags_api.of_app(db, apps.get_editable(db, call.actor, name))]
            unticked = [one for one in present if one not in tag]
            tags.change_tags_of(db, call.actor, name, tag, unticked, call.now)
    except (Invalid, TagNotFound) as error:
        return _page(call, name, ShownVariables(errors={"tags": words_of(error)}, status=400))
    tags_api.tell(call)
    return _page(call, name, ShownVariables(notice="Its tags are saved."))


@routes.declare("POST", "/apps/{name}/settings/path", permission=Permission.APP_EDIT)
def set_path(call: Calling, name: str, path: Text = "", force: Text = "") -> Response:
    """Without a path none leads to the app any more."""
    try:
        if path.strip():
            changed = paths_api.change_path(call, name, path, force=bool(force))
            told = f"{changed.url} leads to it."
        else:
            paths_api.remove_path(call, name)
            told = "No path leads to it any more; its own address does."
    except (Invalid, PathTaken) as error:
        status = 409 if isinstance(error, PathTaken) else 400
        return _page(call, name, ShownVariables({"path": path}, {"path": words_of(error)}, status=status))
    return _page(call, name, ShownVariables(notice=told))


@routes.declare("POST", "/apps/{name}/delete", permission=Permission.APP_EDIT)
def delete_app(
    call: Calling, name: str, typed: Annotated[str, Form(alias="name", max_length=100)] = ""
) -> Response:
    if typed.strip() != name:
        return _page(
            call, name, ShownVariables({"name": typed}, {"name": f'Type "{name}" to delete it.'}, status=400)
        )
    operation = publishing_api.begin_delete(call, name)
    return RedirectResponse(f"/operations/{operation.id}", 303)


def _change_variables(
    call: Call,
    name: str,
    wanted: Change,
    version: str,
    typed: Mapping[str, str],
    at: Callable[[TholosError], str],
) -> Response:
    def change(db: WriteDb, seen: int | None) -> Done:
        return variables_api.change(call, db, name, wanted, seen, restart=True)

    return _change(call, name, change, version, typed, at)


def _change(
    call: Call,
    name: str,
    change: Callable[[WriteDb, int | None], Done],
    version: str,
    typed: Mapping[str, str],
    at: Callable[[TholosError], str],
) -> Response:
    """Save, and lead to the operation that makes it true; what cannot be saved is shown again with the reason."""
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    try:
        with call.write() as db:
            done = change(db, seen)
    except _FORMS as error:
        status = 409 if isinstance(error, Conflict) else 400
        return _page(call, name, ShownVariables(typed, {at(error): words_of(error)}, status=status))
    call.get(Notices).publish(apps.TOPIC)
    if done.operation is None:
        return _page(call, name, ShownVariables(notice=done.told))
    publishing_api.wake(call)
    return RedirectResponse(f"/operations/{done.operation.id}", 303)


def _page(call: Call, name: str, shown: ShownVariables) -> Response:
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        found, number = variables_api.shown(call, db, app)
        rules = call.get(life.Rules).with_life(life.Life.of(app.life))
        keep = app.overrides.get("keep")
        page = SettingsPage(
            title=f"{name}: settings",
            account=account_of(call),
            notice=shown.notice,
            json_url=f"/api/v1/apps/{name}/variables",
            app=apps_api.shown(call, db, [app])[0],
            operation=last_operations(call, db, [app]).get(name),
            release=number,
            variables=found,
            secrets=_usable_secrets(call, db),
            values={**_present(db, app), **shown.values},
            errors=shown.errors,
            version=app.version,
            is_changing=shown.is_changing,
            may_delete=apps.may_own(app, call.actor),
            keeps=[str(path) for path in keep] if isinstance(keep, list) else [],
            most_title=MOST_TITLE,
            walls=call.get(Enclosure).told,
            most_description=MOST_DESCRIPTION,
            rules=rules,
            sleeps_after=durations.to_words(rules.idle_timeout_s),
            schedule=summary_of(call, db, schedules.find_planned(db, call.actor, name, call.now)),
            may_choose_path=call.get(PathPolicy).may_choose(call.actor),
            is_path_taken="path" in shown.errors and shown.status == 409,
            tags=[tag_schemas.tag_out(one) for one in tags.list_tags(db, call.actor)],
            tags_put=frozenset(one.tag.id for one in tags_api.of_app(db, app)),
        )
    return call.get(Pages).answer("app_settings.html", page, shown.status)


def _form_of(call: Call, name: str, variable: str) -> ShownVariables:
    """The form of a variable with what may be shown of it; empty where there is none of that name."""
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        found, _ = variables_api.shown(call, db, app)
    for one in found:
        if one.name == variable:
            values = {
                "variable": one.name,
                "kind": one.kind,
                "value": one.value or "",
                "shared_secret": one.secret,
            }
            return ShownVariables(values, is_changing=True)
    return ShownVariables({"variable": variable})


def _present(db: ReadDb, app: App) -> dict[str, str]:
    """What the forms about the app itself begin with."""
    limited = limits.limits_of(variables.find_settings(db, app))
    path = paths.find_path(db, app.id)
    return {
        "title": app.title,
        "description": app.description,
        "keep_releases": str(app.keep_releases or ""),
        "path": path.path if path else "",
        **{name: str(value or "") for name, value in limited.to_json().items() if name in limits.WHOLE},
        "network": _switched(limited.network),
        **_present_life(app),
    }


def _present_life(app: App) -> dict[str, str]:
    said = life.Life.of(app.life)
    numbers = ("min_instances", "max_instances", "connections")
    spans = ("idle_timeout_s", "drain_timeout_s")
    told = {name: getattr(said, name) for name in (*numbers, *spans)}
    return {
        "personal": _switched(said.personal),
        **{
            name: "" if value is None else durations.to_words(value) if name in spans else str(value)
            for name, value in told.items()
        },
    }


def _switched(value: bool | None) -> str:
    return {None: "", True: "on", False: "off"}[value]


def _usable_secrets(call: Call, db: ReadDb) -> list[tuple[str, str]]:
    found = [] if call.actor.object_id else shared.list_secrets(db, call.actor)
    return [("", "none"), *((one.secret.name, one.secret.name) for one in found)] if found else []


def _seconds(name: str, text: str) -> int | None:
    """A span of time; None where nothing was typed.

    Raises: LimitInvalid.
    """
    seconds = durations.parse_seconds(text) if text.strip() else None
    if text.strip() and seconds is None:
        raise LimitInvalid("Cannot take this: it is no span of time, such as 90s, 15m or 2h.", where=name)
    return seconds


def _number(name: str, text: str) -> int | None:
    """A whole number; None where nothing was typed.

    Raises: LimitInvalid.
    """
    said = text.strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 10):
        raise LimitInvalid("Cannot take this: it is no whole number.", where=name)
    return int(said)
