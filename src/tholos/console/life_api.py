"""HTTP of the life of an app's instances: when they end and how many there are. It takes effect at once, without a release."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import ACCESS_TOPIC
from tholos.apps import life as app_life
from tholos.apps import service as apps
from tholos.apps.life import Life, Rules
from tholos.apps.models import App
from tholos.instances import service as instances
from tholos.instances.tasks import Keeper
from tholos.kit.notices import Notices
from tholos.kit.threads import in_thread
from tholos.kit.versions import to_tag

routes = Routes(prefix="/api/v1/apps", tags=["apps"])
_MOST = 2**31 - 1


class LifeIn(BaseModel):
    """How an app's instances live; null for what the installation says."""

    model_config = ConfigDict(extra="forbid")

    min_instances: int | None = Field(None, ge=0, le=_MOST, description="Run even when nobody uses the app.")
    max_instances: int | None = Field(None, ge=0, le=_MOST)
    connections: int | None = Field(
        None, ge=0, le=_MOST, description="Requests at once that an instance takes before another is started."
    )
    idle_timeout_s: int | None = Field(
        None, ge=0, le=_MOST, description="Seconds without a request after which the app sleeps; 0 for never."
    )
    drain_timeout_s: int | None = Field(
        None, ge=0, le=_MOST, description="Seconds that requests have to end when their instance is to end."
    )
    personal: bool | None = Field(None, description="Whether everybody has an instance of their own.")


class RulesOut(BaseModel):
    """What holds, the installation's defaults included."""

    min_instances: int
    max_instances: int
    connections: int
    idle_timeout_s: int
    drain_timeout_s: int
    personal: bool


class LifeOut(BaseModel):
    min_instances: int | None
    max_instances: int | None
    connections: int | None
    idle_timeout_s: int | None
    drain_timeout_s: int | None
    personal: bool | None
    holds: RulesOut
    version: int
    """Of the app."""


@routes.declare("GET", "/{name}/life", permission=Permission.APP_EDIT)
def get_life(call: Calling, response: Response, name: str) -> LifeOut:
    """When an app sleeps and how many of its instances run; null for what the installation says."""
    with call.read() as db:
        app = apps.get_editable(db, call.actor, name)
        return _shown(call, response, app)


@routes.declare("PUT", "/{name}/life", permission=Permission.APP_EDIT)
async def set_life(call: Calling, response: Response, name: str, body: LifeIn) -> LifeOut:
    """Set all of it. With If-Match, only if nobody has changed the app since."""
    app_id, changed = await in_thread(_change, call, response, name, Life(**body.model_dump()))
    await call.get(Keeper).refresh(app_id)  # in the place of all that whoever follows sharing would read
    for topic in (instances.TOPIC, ACCESS_TOPIC):
        call.get(Notices).publish(topic)
    return changed


def tell(call: Call) -> None:
    """Of what changed; whose an instance is says who comes to it, so the proxy in front knows before the answer is sent."""
    for topic in (apps.SHARING_TOPIC, ACCESS_TOPIC):
        call.get(Notices).publish(topic)


def _change(call: Call, response: Response, name: str, wanted: Life) -> tuple[str, LifeOut]:
    with call.write() as db:
        app = app_life.change(db, call.actor, name, wanted, call.seen_version, call.now)
        return app.id, _shown(call, response, app)


def _shown(call: Call, response: Response, app: App) -> LifeOut:
    said = Life.of(app.life)
    holds = call.get(Rules).with_life(said)
    response.headers["etag"] = to_tag(app.version)
    return LifeOut(
        min_instances=said.min_instances,
        max_instances=said.max_instances,
        connections=said.connections,
        idle_timeout_s=said.idle_timeout_s,
        drain_timeout_s=said.drain_timeout_s,
        personal=said.personal,
        holds=RulesOut(
            min_instances=holds.min_instances,
            max_instances=holds.max_instances,
            connections=holds.connections,
            idle_timeout_s=round(holds.idle_timeout_s),
            drain_timeout_s=round(holds.drain_timeout_s),
            personal=holds.personal,
        ),
        version=app.version,
    )
