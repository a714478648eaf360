"""The server program: builds every part from the settings, runs them together, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from tholos.access.door import Door
from tholos.access.inroads import Inroads
from tholos.access.lane_use import LaneUse
from tholos.access.visits import Visits
from tholos.accounts import quotas
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Role
from tholos.accounts.openid import OpenIdClient
from tholos.accounts.pace import Pace
from tholos.accounts.provider import Provider
from tholos.accounts.quotas import Most
from tholos.accounts.routes import Measuring, Site
from tholos.apps.life import Rules
from tholos.audit import service as audit
from tholos.console.metrics import Meters
from tholos.gateway.carrier import Carrier
from tholos.gateway.hygiene import seen_by_proxy
from tholos.gateway.limits import Limits
from tholos.gateway.model import Answer, Decision, RequestHead
from tholos.instances import service as instances
from tholos.instances.metering import Meter
from tholos.instances.models import THIS_NODE
from tholos.instances.scaling import Scaler
from tholos.instances.serving import ServingTable
from tholos.instances.standbys import Standbys
from tholos.instances.starting import Starter
from tholos.instances.storing import Storekeeper
from tholos.instances.tasks import Keeper
from tholos.instances.warming import Warmer
from tholos.kit.clock import Clock, SystemClock
from tholos.kit.db import Database
from tholos.kit.errors import TholosError
from tholos.kit.locks import held
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices
from tholos.kit.outgoing import Outgoing, read_authorities, read_networks
from tholos.kit.pages import Pages
from tholos.kit.persistence import attempt, go_on
from tholos.kit.sealing import Sealer
from tholos.kit.services import Services
from tholos.kit.threads import in_long_thread, in_thread
from tholos.kit.threads import prepare as prepare_threads
from tholos.notifications.mail import MailServer, Security
from tholos.notifications.models import Means
from tholos.notifications.tasks import Messenger
from tholos.operations.tasks import Handler, OnEnd, Worker
from tholos.paths.service import Policy as PathPolicy
from tholos.paths.table import PathTable
from tholos.protocols.connect.bootstrap_api import Bootstrap
from tholos.protocols.connect.inroads import ContentInroads
from tholos.protocols.connect.variables import ContentVariables
from tholos.publishing import service as publishing
from tholos.publishing.building import Builder
from tholos.publishing.switching import Switcher
from tholos.publishing.tasks import Publisher
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreters
from tholos.runtime.launchers import local
from tholos.runtime.launchers.local import LocalLauncher
from tholos.runtime.layout import Layout
from tholos.runtime.sandbox import Enclosure
from tholos.schedules.tasks import Timekeeper
from tholos.server import monitoring, schema, sealed, tables
from tholos.server.about import about
from tholos.server.application import build
from tholos.server.entrance import Entrance
from tholos.server.housekeeping import Housekeeper
from tholos.server.parts import (
    builds_of,
    enclosure_of,
    find_uv,
    held_of,
    index_of,
    interpreters_of,
    layout_of,
    template_folders,
)
from tholos.server.render import DoorErrors
from tholos.settings import Settings
from tholos.sources.api import LocalFolders
from tholos.sources.git import Git
from tholos.sources.heads import Heads
from tholos.sources.mirrors import Mirrors
from tholos.sources.polling import Poller
from tholos.sources.tasks import Follower
from tholos.store.backends.local import LocalBackend
from tholos.store.sqlite_index import SqliteIndex
from tholos.store.store import Store
from tholos.usage.service import Policy as UsagePolicy
from tholos.usage.tasks import Recorder
from tholos.variables.resealing import ROTATE_KEY
from tholos.variables.tasks import KeyRotator

DRAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    site: Site
    port: int
    sign_in_url: str
    """A one-time link for the first administrator."""
    administrator: str
    token: Callable[[], str]
    """Makes an API token of the first administrator, for a day."""


OnReady = Callable[[Running], Coroutine[None, None, None]]
"""Runs beside the server from when it answers, and ends with it."""


async def serve(settings: Settings, on_ready: OnReady) -> None:
    """Serve until cancelled. Instances and the supervisor are left running: see :func:`shut_down`.

    Raises: Locked: another server uses the data folder. OSError: the address cannot be listened on.
    """
    layout = layout_of(settings)
    _make_folders(layout)
    with held(layout.data / "server.lock"):
        database = Database(settings.database_url.get_secret_value() or f"sqlite:///{layout.database}")
        try:
            tables.load()
            await in_thread(schema.upgrade, database)
            await _serve(settings, layout, database, on_ready)
        finally:
            database.close()


async def shut_down(settings: Settings) -> None:
    """End every instance and the supervisor, and return when they have ended."""
    layout = layout_of(settings)
    await local.shutdown(layout.supervisor, layout.run)


async def _serve(settings: Settings, layout: Layout, database: Database, on_ready: OnReady) -> None:
    prepare_threads(loop := asyncio.get_running_loop())
    notices = Notices(loop)
    clock = SystemClock()
    pages = Pages(template_folders())
    services = _first_services(settings, layout, database, notices, clock, pages)
    store, interpreters = services.get(Store), services.get(Interpreters)
    serving = ServingTable(database, _rules(settings))
    services.add(serving.rules)
    paths = PathTable(database)
    decide = _Decide()
    recorder = Recorder(database, services.get(UsagePolicy))
    told = monitoring.told(settings, services, Visits(recorder, clock))
    carrier = Carrier(decide, limits=_limits(settings), render_error=decide.render_error, on_done=told)
    use = LaneUse(carrier)
    services.add(Meter(use, look=use.look))
    launcher = LocalLauncher(layout.supervisor, layout.run)
    monitoring.add(services, settings, layout, carrier, launcher, use)
    entrance = Entrance(settings, layout, carrier, launcher, use)
    try:
        # Known before the first request: what serves goes on serving while this server finds its feet.
        await serving.replace(await in_thread(serving.read_all))
        paths.replace(await in_thread(paths.read_all))
        port = await entrance.listen()
        site = _site(settings, port)
        services.add(site)
        sealer = services.get(Sealer)
        starter = _starter(settings, layout, services, site, entrance.port)
        keeper = _keeper(settings, services, clock, launcher, starter, serving, entrance)
        services.add(keeper)
        scaler = Scaler(database, notices, clock, keeper, serving, use, starter.memory_mb_of, entrance.look)
        decide.errors = DoorErrors(pages, site.url + "/")
        decide.door = _door(
            settings, layout, database, clock, site, serving, decide.errors, scaler, paths, entrance
        )
        await entrance.open(site, serving, notices, decide.errors)
        services.add(starter.environments)
        publisher = _publisher(settings, keeper)
        follower, poller = _followers(settings, layout, publisher, sealer)
        running = await in_thread(_first_rows, settings, database, clock, site, port)
        runners: list[Runner] = [
            Storekeeper(database, keeper, starter, serving, settings.apps.disk_interval_s),
            *(keeper, scaler, _warmer(settings, keeper), poller),
            *(Timekeeper(database, notices, clock), starter.rebuilding),
            *(_worker(services, publisher, follower), _messenger(services, settings, site)),
        ]
        housekeeper = Housekeeper(database, clock, store, services.get(UsagePolicy), layout.content_lock)
        watching = (partial(decide.door.watch, notices, carrier), partial(paths.watch, notices))
        own = (publisher.compile_in_background, *watching, recorder.run, housekeeper.run)
        async with _console(entrance.settling(build(services)), layout), asyncio.TaskGroup() as group:
            _begin(group, runners, (*own, *entrance.works(recorder)), interpreters)
            get_logger().info("server_started", url=site.url, data=str(layout.data))
            group.create_task(attempt(partial(on_ready, running)))
    finally:
        await _close(carrier, entrance, recorder, launcher)
        store.close()


def _limits(settings: Settings) -> Limits:
    chosen = settings.gateway
    # A proxy keeps its own connections to the door for half a minute: it is to end them first.
    keep_alive_s = (
        chosen.keep_alive_s if chosen.mode == "off" else max(chosen.keep_alive_s, Limits().keep_alive)
    )
    return Limits(
        max_head=chosen.head_kb * 1024,
        head_timeout=chosen.head_timeout_s,
        keep_alive=keep_alive_s,
        idle_timeout=chosen.idle_timeout_s or None,
    )


async def _close(carrier: Carrier, entrance: Entrance, recorder: Recorder, launcher: LocalLauncher) -> None:
    await carrier.close(DRAIN_S)
    await entrance.close()
    await recorder.write()
    await launcher.close()


class Runner(Protocol):
    """What works until it is cancelled."""

    async def run(self) -> None: ...


def _begin(
    group: asyncio.TaskGroup,
    runners: Iterable[Runner],
    beside: Iterable[Callable[[], Awaitable[None]]],
    interpreters: Interpreters,
) -> None:
    """Begin all work that goes on beside requests; what may break is begun again."""
    for runner in runners:
        group.create_task(runner.run())
    for work in beside:
        group.create_task(go_on(work))
    group.create_task(attempt(partial(in_long_thread, interpreters.find)))


def _first_services(
    settings: Settings, layout: Layout, database: Database, notices: Notices, clock: Clock, pages: Pages
) -> Services:
    """What depends on nothing but the settings."""
    database.on_commit.append(lambda info: notices.publish(audit.TOPIC) if info.get(audit.RECORDED) else None)
    services = Services()
    services.add(Store(LocalBackend(layout.store), SqliteIndex(layout.store / "index.db")))
    interpreters = interpreters_of(os.environ)
    services.add(interpreters)
    enclosure = enclosure_of(settings)
    services.add(enclosure)
    services.add(about(settings, layout, interpreters, os.environ, enclosure))
    services.add(database)
    services.add(notices)
    services.add(clock, as_type=Clock)
    services.add(pages)
    services.add(Sealer(layout.keys))
    services.add(Outgoing(read_networks(settings.notifications.allow_networks)))
    services.add(Pace.of(settings.limits.creates_per_minute, settings.limits.wrong_codes))
    services.add(_provider(settings))
    services.add(Bootstrap(settings.connect.read_bootstrap_key()))
    standbys = Standbys()
    services.add(standbys)
    services.add(Meters(standbys=standbys))
    services.add(Measuring(settings.metrics.read_token()))
    services.add(UsagePolicy(settings.usage.keep_days, settings.usage.with_accounts))
    services.add(PathPolicy(is_for_administrators=settings.apps.paths_for == "administrators"))
    services.add(held_of(settings))
    services.add(LocalFolders(tuple(str(one) for one in settings.sources.local_folders)))
    services.add(Means(can_mail=_mail_server(settings) is not None))
    return services


def _keeper(
    settings: Settings,
    services: Services,
    clock: Clock,
    launcher: LocalLauncher,
    starter: Starter,
    serving: ServingTable,
    entrance: Entrance,
) -> Keeper:
    return Keeper(
        services.get(Database), services.get(Notices), clock, launcher, starter, serving, entrance.drained,
        start_timeout_s=settings.apps.start_timeout_s, tell=entrance.announce, standbys=services.get(Standbys),
        fallback_s=settings.apps.fallback_s,
    )  # fmt: skip


def _publisher(settings: Settings, keeper: Keeper) -> Publisher:
    starter = keeper.starter
    return Publisher(
        keeper.database, keeper.notices, keeper.clock, keeper, starter, starter.environments,
        settings.apps.keep_releases,
    )  # fmt: skip


def _warmer(settings: Settings, keeper: Keeper) -> Warmer:
    return Warmer(
        keeper.database, keeper.notices, keeper.clock, keeper, keeper.starter, keeper.serving, keeper.standbys,
        limit=settings.apps.standby_mb << 20,
    )  # fmt: skip


def _door(
    settings: Settings,
    layout: Layout,
    database: Database,
    clock: Clock,
    site: Site,
    serving: ServingTable,
    errors: DoorErrors,
    routing: Scaler,
    paths: PathTable,
    entrance: Entrance,
) -> Door:
    return Door(
        database, clock, site, serving, entrance.passes, errors,
        console_address=f"unix:{layout.console_socket}", console_hosts=settings.console_hosts(entrance.port),
        hold_s=settings.apps.hold_s, routing=routing, find_inroad=Inroads(paths, ContentInroads(database, serving)),
        outstanding=entrance.prepare(), max_body=settings.gateway.max_body_mb << 20,
    )  # fmt: skip


def _rules(settings: Settings) -> Rules:
    """What holds for the instances of apps that say nothing of it."""
    chosen = settings.apps
    return Rules(
        connections=chosen.connections,
        idle_timeout_s=chosen.idle_timeout_s,
        drain_timeout_s=chosen.drain_timeout_s,
    )


def _followers(
    settings: Settings, layout: Layout, publisher: Publisher, sealer: Sealer
) -> tuple[Follower, Poller]:
    """Who fetches what apps follow, and who looks for what is new."""
    chosen = settings.sources
    further = chosen.read_authorities()
    outgoing = Outgoing(
        read_networks(chosen.allow_networks),
        authorities=partial(read_authorities, further),
        setting="sources.allow_networks",
    )
    git = Git(layout.repositories / "git", program=chosen.git, ssh=chosen.ssh, authorities=further)
    git.prepare()
    heads = Heads(outgoing, git, chosen.local_folders)
    mirrors = Mirrors(
        layout.repositories / "mirrors", git, fetch_s=chosen.fetch_timeout_s, size_limit=chosen.size_limit
    )
    poller = Poller(
        publisher.database, publisher.notices, publisher.clock, sealer, heads, mirrors, chosen.poll_interval_s
    )
    return Follower(publisher, heads, mirrors, sealer), poller


def _worker(services: Services, publisher: Publisher, follower: Follower) -> Worker:
    """Who handles which kind of operation, and leaves nothing of it half done."""
    rotator = KeyRotator(publisher.database, services.get(Sealer), sealed.COLUMNS)
    switcher, builder = Switcher(publisher), Builder(publisher)
    handlers: dict[str, tuple[Handler, OnEnd]] = {
        publishing.PUBLISH: (publisher.publish, publisher.abandon_publish),
        publishing.FOLLOW: (follower.follow, follower.abandon),
        publishing.CHANGE: (switcher.change, publisher.abandon_publish),
        publishing.ACTIVATE: (switcher.activate, switcher.abandon),
        publishing.ROLL_BACK: (switcher.activate, switcher.abandon),
        publishing.RESTART: (switcher.restart, switcher.abandon),
        publishing.BUILD: (builder.build, builder.abandon),
        publishing.DELETE: (publisher.delete, publisher.abandon_delete),
        ROTATE_KEY: (rotator.rotate, rotator.abandon),
    }
    return Worker(
        publisher.database, publisher.notices, publisher.clock, f"node-{THIS_NODE}",
        handlers={kind: handler for kind, (handler, _) in handlers.items()},
        on_abandoned={kind: abandon for kind, (_, abandon) in handlers.items()},
        times=services.get(Meters).times,
    )  # fmt: skip


class _Decide:
    """The door, once it is there: the carrier listens first, since the port is part of every address."""

    door: Door
    errors: DoorErrors

    def render_error(self, head: RequestHead, error: TholosError) -> Answer:
        return self.errors(head, error)

    async def __call__(self, head: RequestHead, attempt: int) -> Decision:
        return await self.door(seen_by_proxy(head), attempt)


@contextlib.asynccontextmanager
async def _console(application: ASGIApp, layout: Layout) -> AsyncIterator[None]:
    """The console's own HTTP server, on a unix socket that only the carrier connects to."""
    layout.console_socket.unlink(missing_ok=True)
    config = uvicorn.Config(
        application,
        uds=str(layout.console_socket),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        await server.is_started.wait()
        layout.console_socket.chmod(0o600)
        try:
            yield
        finally:
            server.should_exit = True


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to the program."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _messenger(services: Services, settings: Settings, site: Site) -> Messenger:
    return Messenger(
        services.get(Database), services.get(Notices), services.get(Clock),  # type: ignore[type-abstract]
        services.get(Sealer), services.get(Outgoing).post, _mail_server(settings), site.url,
    )  # fmt: skip


def _provider(settings: Settings) -> Provider:
    """Whom people may sign in by; off where that is not set.

    Raises: SettingInvalid: the file of its secret cannot be read.
    """
    openid = settings.openid
    if not openid.issuer:
        return Provider()
    return Provider(
        OpenIdClient(
            issuer=openid.issuer,
            client_id=openid.client_id,
            client_secret=openid.read_secret(),
            name=openid.name,
            scopes=tuple(openid.scopes.split()),
            groups_claim=openid.groups_claim,
            default_role=Role(openid.default_role),
            may_create=openid.may_create,
            allowed_domains=frozenset(domain.lower() for domain in openid.allowed_domains),
            administrators_group=openid.administrators_group,
            asks_again=settings.apps.are_one_origin,
        )
    )


def _mail_server(settings: Settings) -> MailServer | None:
    """Where mail is given to; None where that is not set."""
    mail = settings.mail
    if not mail.host:
        return None
    return MailServer(
        mail.host, mail.port, Security(mail.security), mail.username, mail.password.get_secret_value(), mail.sent_from
    )  # fmt: skip


def _site(settings: Settings, port: int) -> Site:
    url = settings.console_url(port)
    return Site(url, settings.app_url(port), is_secure=url.startswith("https:"))


def _starter(settings: Settings, layout: Layout, services: Services, site: Site, port: int) -> Starter:
    enclosure = services.get(Enclosure)
    environments = Environments(
        layout.environments, program=find_uv(), env=os.environ, index=index_of(settings),
        builds=builds_of(settings, enclosure, os.environ),
    )  # fmt: skip
    return Starter(
        layout, services.get(Store), services.get(Sealer), environments, services.get(Interpreters), site.app_url, {},
        limits={"nofile": settings.apps.open_files, "core": 0}, log_limit=settings.apps.log_limit,
        told=ContentVariables(site.url),
        enclosure=replace(enclosure, ports=(*enclosure.ports, port)),
    )  # fmt: skip


def _first_rows(settings: Settings, database: Database, clock: Clock, site: Site, port: int) -> Running:
    now = clock.now()
    with database.write() as db:
        accounts.ensure_organization(db, now)
        quotas.set_usual(db, Most(**settings.quotas.model_dump()))
        instances.ensure_node(db, platform.node() or "node", now)
        administrator: Account = accounts.ensure_administrator(db, settings.administrator, now)
        code = accounts.create_link(db, administrator, now)
    token = partial(_make_token, database, clock, administrator)
    return Running(site, port, f"{site.url}/setup?code={code}", administrator.name, token)


def _make_token(database: Database, clock: Clock, administrator: Account) -> str:
    with database.write() as db:
        return accounts.create_token(db, administrator, "examples", 1, clock.now())[1]


def _make_folders(layout: Layout) -> None:
    for folder in (
        layout.data,
        layout.store,
        layout.environments,
        layout.supervisor,
        layout.run,
        layout.keys,
    ):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = layout.run.lstat()
    if status.st_uid != os.getuid() or layout.run.is_symlink():
        msg = f"{layout.run} belongs to somebody else"
        raise PermissionError(msg)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))
