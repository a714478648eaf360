"""Commands about how things are set: edit and limits of an app, the inbox, identities, and the installation."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import age_of, of_terminal, say_done
from tholos.cli.failures import FAILED, INTERRUPTED, print_json
from tholos.cli.following import follow
from tholos.cli.session import choose_app, connected
from tholos.client.settling import Limits
from tholos.kit.errors import Invalid


class NothingSaid(Invalid):
    """Cannot change anything: it was not said what."""

    code = "nothing_said"


def edit_app(
    *,
    name: str | None,
    title: str | None,
    description: str | None,
    keep: int | None,
    server: str | None,
    as_json: bool,
) -> int:
    """Change what an app says of itself, or how many releases it keeps."""
    name, remembered = choose_app(name)
    if title is None and description is None and keep is None:
        raise NothingSaid(fix=f"tholos edit {name} --title TITLE")
    with connected(server, remembered) as client:
        app = client.change_app(name, title=title, description=description, keep_releases=keep)
    if as_json:
        print_json(app=asdict(app))
    else:
        of_terminal().row(name, "saved")
    return 0


NETWORK = {"on": True, "off": False, "default": None}
DEFAULT = "as the installation says"
_LIMITS = (
    ("open files", "open_files", ""),
    ("first answer", "start_timeout_s", " s"),
    ("memory", "memory_mb", " MB"),
    ("CPU", "cpu_percent", " % of a core"),
    ("processes", "processes", ""),
    ("disk", "disk_mb", " MB"),
)


def limits(
    *,
    name: str | None,
    open_files: int | None,
    start_timeout: int | None,
    memory: int | None,
    cpu: int | None,
    processes: int | None,
    disk: int | None,
    network: str | None,
    server: str | None,
    as_json: bool,
) -> int:
    """Print an app's limits, or set some; 0 is as much as the installation gives."""
    name, remembered = choose_app(name)
    console = of_terminal(as_json=as_json)
    with connected(server, remembered) as client:
        found = client.limits(name)
        wanted = Limits(
            open_files=_other(found.open_files, open_files),
            start_timeout_s=_other(found.start_timeout_s, start_timeout),
            memory_mb=_other(found.memory_mb, memory),
            cpu_percent=_other(found.cpu_percent, cpu),
            processes=_other(found.processes, processes),
            disk_mb=_other(found.disk_mb, disk),
            network=found.network if network is None else NETWORK[network],
        )
        begun = client.set_limits(name, wanted) if wanted != found else None
        if begun is not None:
            story, was_interrupted = follow(client, begun, console)
            if story.state != "done":
                if story.failure:
                    console.row("change", f"failed: {story.failure.message}")
                return INTERRUPTED if was_interrupted else FAILED
        holds = client.held_limits(name)
    if as_json:
        print_json(limits=asdict(wanted), holds=asdict(holds))
        return 0
    for title, key, unit in _LIMITS:
        own = getattr(wanted, key)
        value = getattr(holds, key) if own is None else own
        told = f"{value}{unit}" if value is not None else "no limit"
        console.row(title, told, "" if own is not None else DEFAULT)
    is_allowed = holds.network if wanted.network is None else wanted.network
    console.row("network", "allowed" if is_allowed else "none", "" if wanted.network is not None else DEFAULT)
    return 0


def _other(value: int | None, said: int | None) -> int | None:
    """A limit, with what was said of it; 0 is none of its own."""
    return value if said is None else said or None


def show_inbox(*, lines: int, seen: bool, server: str | None, as_json: bool) -> int:
    """Print what one was told, the newest first."""
    with connected(server) as client:
        found = client.notifications(most=lines)
        if seen and found:
            client.mark_seen()
    if as_json:
        print_json(notifications=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nothing yet")
    for one in found:
        console.row("" if one.is_seen else "new", one.text, age_of(one.at))
        if one.command:
            console.row("", one.command)
    return 0


def show_preferences(*, mute: str, unmute: str, channel: str, server: str | None, as_json: bool) -> int:
    """Print what one is told and by which channel, or mute and unmute something."""
    with connected(server) as client:
        for action, is_muted in ((mute, True), (unmute, False)):
            if action:
                client.set_preference(action, channel, is_muted=is_muted)
        found = client.preferences()
    if as_json:
        print_json(preferences=[asdict(one) for one in found])
        return 0
    rows = [(one.action, one.channel, "muted" if one.is_muted else "told", one.text) for one in found]
    of_terminal().table([("ACTION", "BY", "", "WHAT"), *rows])
    return 0


def list_identities(*, name: str, remove: str, server: str | None, as_json: bool) -> int:
    """Print whom sign-in providers know an account as, or take one away."""
    with connected(server) as client:
        if remove:
            client.remove_identity(name, remove)
        found = client.identities(name)
    if as_json:
        print_json(identities=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row(f"no provider knows {name}")
        return 0
    rows = [(one.id, one.issuer, one.subject, one.email or "-", age_of(one.used_at)) for one in found]
    console.table([("IDENTITY", "PROVIDER", "KNOWN AS", "MAIL", "USED"), *rows])
    return 0


def show_installation(*, settings: bool, server: str | None, as_json: bool) -> int:
    """Print how the server is; 1 if something that it needs is missing."""
    with connected(server) as client:
        found = client.installation()
    if as_json:
        print_json(**asdict(found))
    else:
        console = of_terminal()
        for check in found.checks:
            console.row(check.name, f"{check.verdict}: {check.text}", check.fix)
        console.row("running", f"{found.instances} instances, {len(found.operations)} operations under way")
        if settings:
            rows = [(one.name, one.value or "-", one.source) for one in found.settings]
            console.table([("SETTING", "VALUE", "FROM"), *rows])
    return int(any(check.verdict == "missing" for check in found.checks))


def pin(*, name: str, server: str | None, as_json: bool) -> int:
    """Keep an app at the top of one's own home page."""
    with connected(server) as client:
        client.pin_app(name)
    return say_done(name, "is at the top of your home page", as_json=as_json, app=name, pinned=True)


def unpin(*, name: str, server: str | None, as_json: bool) -> int:
    """Keep an app at the top of one's own home page no longer."""
    with connected(server) as client:
        client.pin_app(name, is_pinned=False)
    return say_done(name, "is where the others are", as_json=as_json, app=name, pinned=False)
