"""Publishing from a browser: choose a folder or an archive, see and change what was found, then begin.

Three steps, each a plain form: sending keeps a snapshot and leads to a page about it, which can be asked again with other
values as often as one likes; nothing is recorded before the last one.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from tholos.accounts.models import Role
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.detect.model import Finding, Kind, Overrides
from tholos.kit.errors import Conflict, Invalid, TholosError
from tholos.kit.pages import Pages
from tholos.kit.threads import in_long_thread
from tholos.publishing import api as publishing_api
from tholos.publishing import forms, proposals, uploads
from tholos.publishing import schemas as publishing_schemas
from tholos.publishing.content import BodyTooLarge, scope_of, spool_body
from tholos.publishing.proposals import Proposal
from tholos.publishing.uploads import Form as Sent
from tholos.publishing.uploads import Uploaded
from tholos.store.archives import Limits
from tholos.store.store import Store

routes = Routes(include_in_schema=False)

UPLOAD_TIMEOUT_S = 3600.0
FURTHER_FIELDS = 20
_FLAGS = re.compile(r"--(kind|entrypoint|python|requirements|prepare|keep)\b")
_FLAG_ADVICE = re.compile(r"; --[a-z-]+ .*")
"""The end of a note that says what to type in a terminal: here are fields."""
_AT_ENTRYPOINT = frozenset({"several_entrypoints", "nothing_to_publish", "entrypoint_missing"})
_AT_PYTHON = frozenset({"python_not_found", "python_conflict"})
_NOTHING: Mapping[str, str] = {}
_SAID = ("kind", "entrypoint", "python", "requirements", "prepare")
_FIELDS = (*_SAID, "keep")
_KINDS = {
    Kind.WSGI: "WSGI: Flask, Django and others",
    Kind.ASGI: "ASGI: FastAPI, Starlette and others",
    Kind.STREAMLIT: "Streamlit script",
    Kind.GRADIO: "Gradio",
    Kind.PANEL: "Panel script",
    Kind.BOKEH: "Bokeh script",
    Kind.NOTEBOOK: "Notebook, rendered",
    Kind.VOILA: "Notebook, interactive (Voilà)",
    Kind.STATIC: "Static site",
    Kind.MARIMO: "marimo notebook",
    Kind.COMMAND: "Command that listens on $PORT",
}


class NameMissing(Invalid):
    """Give the app a name."""

    code = "name_missing"


@dataclass(frozen=True, slots=True)
class GitForm:
    """The fields that let an app follow a repository: as they were typed, and what is wrong with them."""

    values: Mapping[str, str]
    errors: Mapping[str, str]


UNTYPED = GitForm({"polling": "yes"}, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPage(Frame):
    server_url: str
    may_publish: bool
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    git: GitForm


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the second step, as typed."""

    snapshot: str
    name: str = ""
    message: str = ""
    draft: bool = False
    left: int = 0
    env: bool = False
    said: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, str] = field(default_factory=dict)
    """What the page showed: a field that is still the same was not said."""

    def overrides(self) -> Overrides:
        """What was changed."""
        texts = {name: self._changed(name) for name in _SAID}
        keep = self._changed("keep")
        return Overrides(**texts, keep=tuple(_lines(keep)) if keep is not None else None)

    def _changed(self, name: str) -> str | None:
        return _plain(self.said.get(name, "")) if self.is_said(name) else None

    def is_said(self, name: str) -> bool:
        """Whether a field is no longer what the page showed."""
        return _plain(self.said.get(name, "")) != _plain(self.found.get(name, ""))


@dataclass(frozen=True, slots=True)
class Shown:
    """One decision: its reason and where it was seen."""

    value: str
    why: str
    where: str

    @classmethod
    def of(cls, one: Finding) -> Shown:
        where = str(one.evidence)
        return cls(one.value, "" if where and where in one.why else one.why, where)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPage(Frame):
    asked: Asked
    values: Mapping[str, str]
    found: Mapping[str, str]
    reasons: Mapping[str, Sequence[Shown]]
    errors: Mapping[str, str]
    problem: str
    framework: str
    interpreter: str
    kinds: Mapping[Kind, str]
    alternatives: Sequence[Shown]
    notes: Sequence[str]
    secrets: Sequence[str]
    settings: Sequence[Shown]
    """Variables and limits that a manifest among the files brings."""
    files: int
    bytes: int
    is_known: bool


@routes.declare("GET", "/publish", permission=Permission.SIGNED_IN)
def show_publish(call: Calling, app: Annotated[str, Query(max_length=100)] = "") -> Response:
    """With an app's name the form of repositories holds it."""
    return show_start(call, git=GitForm({**UNTYPED.values, "app": app}, {}))


@routes.declare("POST", "/publish/upload", permission=Permission.PUBLISH)
async def upload(call: Calling, request: Request) -> Response:
    """A browser's form with a folder or an archive; scripts send the same and are answered where to go."""
    is_page = "text/html" in request.headers.get("accept", "")
    fields: dict[str, str] = {}
    try:
        boundary = forms.boundary_of(request.headers.get("content-type", ""))
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            with tempfile.TemporaryFile() as spool:
                await spool_body(request, spool, Limits().packed)
                uploaded = await in_long_thread(_bring_in, call, spool, boundary, fields)
    except Invalid as error:
        if not is_page:
            raise
        where = "archive" if error.where == "archive" else "files"
        status = 413 if isinstance(error, BodyTooLarge) else 400
        return show_start(call, fields, {where: _told(error)}, status)
    url = _check_url(fields, uploaded)
    return RedirectResponse(url, 303) if is_page else JSONResponse({"next": url})


@routes.declare("GET", "/publish/check", permission=Permission.PUBLISH)
def check_upload(
    call: Calling,
    snapshot: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
    name: Annotated[str, Query(max_length=400)] = "",
    message: Annotated[str, Query(max_length=4000)] = "",
    draft: bool = False,
    left: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    env: bool = False,
) -> Response:
    return _check(call, Asked(snapshot, name, message, draft=draft, left=left, env=env))


@routes.declare("POST", "/publish/check", permission=Permission.PUBLISH)
async def check_again(call: Calling, request: Request) -> Response:
    """The same page, with the detection asked again for what was changed."""
    asked = await _asked(request)
    return await in_long_thread(_check, call, asked)


@routes.declare("POST", "/publish/confirm", permission=Permission.PUBLISH)
async def confirm(call: Calling, request: Request) -> Response:
    asked = await _asked(request)
    return await in_long_thread(_confirm, call, asked)


def show_start(
    call: Call,
    values: Mapping[str, str] = _NOTHING,
    errors: Mapping[str, str] = _NOTHING,
    status: int = 200,
    git: GitForm = UNTYPED,
) -> Response:
    """The page that every way to publish begins on."""
    page = PublishPage(
        title="Publish",
        account=account_of(call),
        server_url=call.site.url,
        may_publish=call.actor.role.includes(Role.PUBLISHER),
        values=values,
        errors=errors,
        git=git,
    )
    return call.get(Pages).answer("publish.html", page, status)


def _bring_in(call: Call, spool: IO[bytes], boundary: bytes, fields: dict[str, str]) -> Uploaded:
    """Keep what lies in a file; what the form says besides goes into ``fields``, whatever becomes of the rest."""
    with uploads.mapped(spool) as body:
        sent = Sent.of(body, forms.parts(body, boundary, most=Limits().entries + FURTHER_FIELDS))
        fields.update(sent.fields)
        return uploads.bring_in(call.get(Store), scope_of(call), sent)


def _check_url(fields: Mapping[str, str], uploaded: Uploaded) -> str:
    query = {
        "snapshot": uploaded.snapshot,
        "name": fields.get("name", "").strip()[:100] or fit_name(uploaded.title),
        "message": fields.get("message", "")[:2000],
        "draft": "1" if fields.get("draft") else "",
        "left": str(sum(uploaded.left_out.values()) or ""),
        "env": "1" if uploaded.has_secrets else "",
    }
    return "/publish/check?" + urlencode({key: value for key, value in query.items() if value})


def fit_name(title: str) -> str:
    """The nearest name that an app can have."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if words and (len(words) < 2 or not words[0].isalpha()):
        words = f"app-{words}"
    return words[:40].rstrip("-")


async def _asked(request: Request) -> Asked:
    """The fields of the form. Raises: BadForm."""
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    if not re.fullmatch(r"[0-9a-f]{64}", form.get("snapshot", "")):
        raise forms.BadForm(
            "Cannot read this form: it names no snapshot.", fix="Begin again on the publish page."
        )
    left = form.get("left", "")
    return Asked(
        snapshot=form["snapshot"],
        name=form.get("name", "").strip()[:400],
        message=_plain(form.get("message", ""))[:4000],
        draft=bool(form.get("draft")),
        left=int(left) if left.isascii() and left.isdecimal() and len(left) < 10 else 0,
        env=bool(form.get("env")),
        said={name: form.get(name, "") for name in _FIELDS},
        found={name: form.get(f"found-{name}", "") for name in _FIELDS},
    )


def _check(call: Call, asked: Asked, refused: TholosError | None = None) -> Response:
    """The page about a snapshot: with what was found, or with what is wrong at its field."""
    try:
        overrides = publishing_schemas.overrides_of(_body(asked).overrides)
        found = proposals.propose(call, asked.snapshot, asked.name, overrides)
    except (Invalid, Conflict) as error:
        return _show(call, asked, None, refused or error)
    return _show(call, asked, found, refused)


def _body(asked: Asked) -> publishing_schemas.PublishIn:
    """What the form says, as a program would send it. Raises: Invalid."""
    said = asked.overrides()
    overrides = {name: getattr(said, name) for name in _SAID} | {"keep": said.keep}
    draft = {"draft": True} if asked.draft else {}
    try:
        return publishing_schemas.PublishIn.model_validate(
            {"snapshot": asked.snapshot, "message": asked.message, "overrides": overrides, **draft}
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][1] if first["loc"][0] == "overrides" else first["loc"][0])
        raise Invalid(
            f"Cannot take this: {first['msg']}.", where=f"--{name}" if name in _FIELDS else name
        ) from None


def _confirm(call: Call, asked: Asked) -> Response:
    try:
        if not asked.name:
            raise NameMissing(where="name")
        answer = publishing_api.publish(call, asked.name, _body(asked))
    except (Invalid, Conflict) as error:
        return _check(call, asked, error)
    if answer.operation is None:
        return RedirectResponse(f"/apps/{asked.name}/releases", 303)
    return RedirectResponse(f"/operations/{answer.operation.id}", 303)


def _show(call: Call, asked: Asked, proposal: Proposal | None, error: TholosError | None) -> Response:
    now_found = _found_values(proposal) if proposal else {}
    place = _place(error) if error else ""
    decided = proposal.decided if proposal else None
    page = CheckPage(
        title="Publish",
        account=account_of(call),
        asked=asked,
        # What was said stays said: such a field keeps what it was before, so that it goes on to differ.
        values={
            name: asked.said.get(name, "") if asked.is_said(name) else now_found.get(name, "")
            for name in _FIELDS
        },
        found={
            name: asked.found.get(name, "") if asked.is_said(name) else now_found.get(name, "")
            for name in _FIELDS
        },
        reasons=_reasons(proposal) if proposal else {},
        errors={place: _told(error)} if error and place else {},
        problem=_told(error) if error and not place else "",
        framework=decided.found.framework.value if decided else "",
        interpreter=proposals.python_text(decided) if decided else "",
        kinds=_KINDS,
        alternatives=_alternatives(proposal, error.details.get("candidates") if error else None),
        notes=[_FLAG_ADVICE.sub(".", one) for one in proposal.notes] if proposal else (),
        secrets=proposal.manifest.secrets if proposal and proposal.manifest else (),
        settings=_settings(proposal) if proposal else (),
        files=decided.files if decided else 0,
        bytes=decided.bytes if decided else 0,
        is_known=bool(proposal and proposal.is_known),
    )
    return call.get(Pages).answer("publish_check.html", page, 400 if error else 200)


def _found_values(proposal: Proposal) -> dict[str, str]:
    found = proposal.decided.found
    return {
        "kind": found.kind.value,
        "entrypoint": found.entrypoint.value,
        "python": found.python.value,
        "requirements": proposals.source_of(found.requirements),
        "prepare": found.prepare.value if found.prepare else "",
        "keep": "\n".join(one.value for one in found.keep),
    }


def _settings(proposal: Proposal) -> Sequence[Shown]:
    brought = proposal.decided.found.brought
    where = brought.path if brought else ""
    values = {**proposal.variables, **proposal.limits}
    return [Shown(name, str(value), where) for name, value in values.items()]


def _reasons(proposal: Proposal) -> dict[str, Sequence[Shown]]:
    decided = proposal.decided
    found, needs = decided.found, decided.found.requirements
    listed = ", ".join(list(needs.imports)[:12])
    return {
        "kind": [Shown.of(found.framework)],
        "entrypoint": [Shown.of(found.entrypoint)],
        "python": [Shown.of(found.python)],
        "requirements": [Shown(listed, needs.why, str(needs.evidence))],
        "prepare": [Shown.of(found.prepare)] if found.prepare else [],
        "keep": [Shown.of(one) for one in found.keep],
    }


def _alternatives(proposal: Proposal | None, candidates: object) -> Sequence[Shown]:
    if proposal:
        return [Shown.of(one) for one in proposal.decided.found.alternatives]
    return [Shown(str(one), "", "") for one in candidates] if isinstance(candidates, list) else []


def _place(error: TholosError) -> str:
    """The field that an error is about; empty for the form as a whole."""
    flag = _FLAGS.fullmatch(error.where)
    if flag:
        return flag[1]
    if error.code in _AT_ENTRYPOINT:
        return "entrypoint"
    if error.code in _AT_PYTHON:
        return "python"
    return error.where if error.where in {"name", "message"} else ""


def _told(error: TholosError) -> str:
    """The message and what to do, without the command line's flags: here are fields."""
    fix = "" if "--" in error.fix else error.fix
    return f"{error.message} {fix}".strip()


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
